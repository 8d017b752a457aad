"""Distances on hardware that multiplies faster than numpy: a GPU, or a processor with matrix units for bfloat16.

Both only make the *quick* distances, with a proven bound of their error; whatever is too near to tell by them is
compared exactly, so that every result is the one without acceleration, to the last bit. The only module for scores
and re-ranking that imports torch; the others take its distances like any.

A bfloat16 keeps 8 bits of a number, and fewer than 2**-8 of a vector's length are lost in all. Let q', g' be what is
left of unit vectors q, g. By Cauchy-Schwarz

    |q g - q' g'| <= |q| |g - g'| + |q - q'| |g'|

whose lengths are known, for the vectors are; products and sums of q' and g' are taken in float32, which adds what
`CosineDistances.rounding` counts. That is far too rough to rank by, but good enough to tell the few dozen candidates
among which the nearest neighbours of an image must be.
"""

import threading
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reid.distances import CosineDistances
from reid.records import Floats

_PART = 4096  # rows whose rounding is measured at a time
_COARSE = 2.0**-8  # relative error of a factor where a GPU may round it to fewer bits


def accelerates(device: torch.device) -> bool:
    """Whether there is something here that is faster than numpy: a GPU, or matrix units for bfloat16."""
    return device.type == "cuda" or (device.type == "cpu" and bool(torch.cpu._is_amx_tile_supported()))  # noqa: SLF001


class AcceleratedDistances(CosineDistances):
    """`CosineDistances` whose quick distances are made on a device.

    On a GPU all of them, in float32; on a processor the tiles of a neighbour search, in bfloat16.

    Args:
        query: (Q, D) numbers.
        gallery: (G, D) numbers; the very same object as `query` means all images against all.
        device: where products are made.

    Raises:
        ShapeError: as `CosineDistances`.
    """

    def __init__(self, query: NDArray[Any], gallery: NDArray[Any], *, device: torch.device) -> None:
        super().__init__(query, gallery)
        self._device = device
        self._one_at_a_time = threading.Lock()  # for a setting that is the whole process's
        self._there: tuple[tuple[Floats, torch.Tensor], ...] = ()

    @property
    def rounding(self) -> float:
        """Bound of the error of `rows`."""
        if self._device.type == "cpu":
            return super().rounding
        rough = 0.0 if torch.get_float32_matmul_precision() == "highest" else 3 * _COARSE
        return self._bound(self._query.shape[1]) + rough

    @property
    def tile_rounding(self) -> float:
        """Bound of the error of `tile`."""
        if self._device.type != "cpu":
            return self.rounding
        lost = _largest_loss(self._query)
        other = lost if self.symmetric else _largest_loss(self._gallery)
        return 1.001 * (lost + other + lost * other) + self._bound(self._query.shape[1])

    def fill(self, start: int, block: Floats, first: int = 0) -> None:
        """Write quick distances of the queries start, ... to the gallery images first, ... into a (B, C) float32 array."""
        if self._device.type == "cpu":
            super().fill(start, block, first)
            return
        part = slice(start, start + len(block)), slice(first, first + block.shape[1])
        torch.from_numpy(block).copy_(1 - self._multiply(*part))

    def tile(self, queries: slice, gallery: slice) -> Floats:
        """Quick similarities, 1 - distance, of some queries and some gallery images, float32."""
        if self._device.type != "cpu":
            similarities: Floats = self._multiply(queries, gallery).cpu().numpy()
            return similarities
        left, right = (
            torch.from_numpy(rows).bfloat16().float() for rows in (self._query[queries], self._gallery[gallery])
        )
        matmul = _matmul()
        before, matmul.fp32_precision = (
            matmul.fp32_precision,
            "bf16",
        )  # rounds nothing: they are bfloat16 numbers already
        try:
            product: Floats = (left @ right.T).numpy()
        finally:
            matmul.fp32_precision = before
        return product

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


def _matmul() -> Any:
    """Settings of products of float32 on a processor, whose sums stay float32 whatever the factors are rounded to."""
    backend: Any = torch.backends.mkldnn  # whose stub lacks them
    return backend.matmul


def _largest_loss(rows: Floats) -> float:
    """The largest length that a row loses when it becomes bfloat16."""
    largest = 0.0
    for start in range(0, len(rows), _PART):
        part = torch.from_numpy(rows[start : start + _PART])
        lost = (part.double() - part.bfloat16().double()).numpy()
        largest = max(largest, float(np.sqrt(np.einsum("ij,ij->i", lost, lost).max(initial=0.0))))
    return largest
