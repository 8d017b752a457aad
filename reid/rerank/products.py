"""Distances that are inner products of sparse rows."""

import numpy as np
from numpy.typing import NDArray

from reid.distances.compiled import compiled
from reid.distances.threads import share_rows
from reid.records import Floats, Integers
from reid.rerank.sparse import Images, SparseRows, Values


class ProductDistances:
    """Distances shift(i) + shift(j) - <row of query i, row of gallery image j>.

    How a distance comes out does not depend on the block it is in, or on the number of threads.

    Args:
        query: Q sparse rows.
        gallery: G sparse rows of the same width.
        query_shift: (Q,) float64.
        gallery_shift: (G,) float64.
    """

    def __init__(
        self,
        query: SparseRows,
        gallery: SparseRows,
        query_shift: NDArray[np.float64],
        gallery_shift: NDArray[np.float64],
    ) -> None:
        self._query, self._gallery = query, gallery.transposed()
        self._query_shift, self._gallery_shift = query_shift, gallery_shift

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of queries and gallery images."""
        return len(self._query_shift), len(self._gallery_shift)

    def rows(self, start: int, stop: int) -> Floats:
        """Distances of the queries start..stop-1, (stop - start, G) float32."""
        left = self._query.part(start, min(stop, len(self._query)))
        right = self._gallery
        shift = self._query_shift[start:stop]
        block = np.empty((len(left), self.shape[1]), dtype=np.float32)

        def work(first: int, last: int) -> None:
            _multiply(
                *(left.starts, left.columns, left.values, right.starts, right.columns, right.values),
                *(shift, self._gallery_shift, block, first, last),
            )

        share_rows(work, len(left))
        return block


@compiled
def _multiply(
    left_starts: Integers,
    left_columns: Images,
    left_values: Values,
    right_starts: Integers,
    right_columns: Images,
    right_values: Values,
    shift: NDArray[np.float64],
    right_shift: NDArray[np.float64],
    block: Floats,
    first: int,
    last: int,
) -> None:
    sums = np.empty(len(right_shift))
    for row in range(first, last):
        sums[:] = 0
        for element in range(left_starts[row], left_starts[row + 1]):
            inner, value = left_columns[element], np.float64(left_values[element])
            for place in range(right_starts[inner], right_starts[inner + 1]):
                sums[right_columns[place]] += value * right_values[place]
        for column in range(len(sums)):
            block[row, column] = shift[row] + right_shift[column] - sums[column]
