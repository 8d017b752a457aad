"""Distances made on a GPU.

It only makes the *quick* distances, with a proven bound of their error; whatever is too near to tell by them is
compared exactly, so that every result is the one without a GPU, to the last bit. The only module for scores and
re-ranking that imports torch; the others take its distances like any.
"""

from typing import Any

import torch
from numpy.typing import NDArray

from reid.distances import CosineDistances
from reid.records import Floats

_COARSE = 2.0**-8  # relative error of a factor where a product may round it to fewer bits than float32 has


def accelerates(device: torch.device) -> bool:
    """Whether products are faster there than with numpy: on a GPU."""
    return device.type == "cuda"


class AcceleratedDistances(CosineDistances):
    """`CosineDistances` whose quick distances are made by torch on a device, in float32.

    Args:
        query: (Q, D) numbers.
        gallery: (G, D) numbers; the very same object as `query` means all images against all.
        device: where products are made, and where the vectors are kept besides.

    Raises:
        ShapeError: as `CosineDistances`.
    """

    def __init__(self, query: NDArray[Any], gallery: NDArray[Any], *, device: torch.device) -> None:
        super().__init__(query, gallery)
        self._device = device
        self._there: tuple[tuple[Floats, torch.Tensor], ...] = ()

    @property
    def rounding(self) -> float:
        """Bound of the error of `rows`.

        A whole product is summed at once. If the process allows products in TensorFloat-32 or bfloat16
        (`torch.set_float32_matmul_precision`), each factor loses up to 2**-8 of its length.
        """
        rough = 0.0 if torch.get_float32_matmul_precision() == "highest" else 2 * _COARSE + _COARSE**2
        return self._bound(self._query.shape[1]) + 1.001 * rough

    @property
    def tile_rounding(self) -> float:
        """Bound of the error of `tile`."""
        return self.rounding

    def fill(self, start: int, block: Floats, first: int = 0) -> None:
        """Write quick distances of the queries start, ... to the gallery images first, ... into a (B, C) float32 array."""
        similarities = self._multiply(slice(start, start + len(block)), slice(first, first + block.shape[1]))
        torch.from_numpy(block).copy_(1 - similarities)

    def tile(self, queries: slice, gallery: slice) -> Floats:
        """Quick similarities, 1 - distance, of some queries and some gallery images, float32."""
        similarities: Floats = self._multiply(queries, gallery).cpu().numpy()
        return similarities

    def _multiply(self, queries: slice, gallery: slice) -> torch.Tensor:
        return self._on_device(self._query)[queries] @ self._on_device(self._gallery)[gallery].T

    def _on_device(self, rows: Floats) -> torch.Tensor:
        """The rows on the device, where they are brought once."""
        for known, there in self._there:
            if known is rows:
                return there
        there = torch.from_numpy(rows).to(self._device)
        kept = [pair for pair in self._there if pair[0] is self._query or pair[0] is self._gallery]
        self._there = (*kept, (rows, there))
        return there
