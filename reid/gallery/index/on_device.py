"""Exact searches on a GPU: all codes are there, and every row is looked at.

The device only makes quick products, with a proven bound of their error. Rows that are too near to tell by them are
scored from the stored vectors, as everywhere, so that what is found is what an exact search without a GPU finds, to the
last bit.
"""

import threading
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from reid.gallery.index import bits
from reid.gallery.index.codes import width
from reid.gallery.index.lists import NOWHERE, positions_of
from reid.gallery.index.refining import NOTHING, Found, Read, settle
from reid.gallery.index.state import State
from reid.gallery.index.table import Shortlist
from reid.records import Floats

_ROWS = 2**18  # turned into floats at once
_PRODUCTS = 2**27  # kept at once: 512 MiB
_COPIED = 2**16  # rows brought to the device at once
_ROUNDOFF = 2.0**-24
_COARSE = 2.0**-8
"""What a factor loses of itself at most where products of matrices may round it (`torch.set_float32_matmul_precision`)."""


@dataclass(frozen=True)
class _Held:
    """Rows on the device by slot; those before `rows` never change.

    Attributes:
        rows: slots that are there.
        numbers: (C, W) int8 codes.
        scales: (C,) float32.
        residuals: (C,) float32, see `reid.gallery.index.codes`.
        lengths: (C,) float32, of what the codes stand for.
        found: (C,) bool, on the host: whether the slot has a row.
    """

    rows: int
    numbers: torch.Tensor
    scales: torch.Tensor
    residuals: torch.Tensor
    lengths: torch.Tensor
    found: NDArray[np.bool_]


@dataclass(frozen=True)
class _Hidden:
    """(rows,) bool on the device: the slots that no search may find, and what that was made from."""

    removed: bits.Bits
    rows: int
    mask: torch.Tensor


class DeviceRows:
    """The codes of an index on a torch device, where they are brought once, as they are added.

    Any number of threads may search while the index grows.

    Args:
        device: such as "cuda:0".
        dimension: D, of the vectors.
    """

    def __init__(self, device: str, dimension: int) -> None:
        self._device = torch.device(device)
        self._dimension = dimension
        self._lock = threading.Lock()
        self._held = self._empty(0)
        self._hidden: _Hidden | None = None

    def search(
        self, state: State, read: Read, queries: Floats, count: int, among: NDArray[np.int64] | None
    ) -> list[Found] | None:
        """The best `count` rows of each query by their scores, none with a higher score missed; None: no room on the device.

        Args:
            state: of the index.
            read: the stored vectors.
            queries: (Q, D) float32, finite.
            count: at least 1.
            among: slots that may be found, ascending; None is all.
        """
        if not state.rows:
            return [NOTHING] * len(queries)
        try:
            return self._search(state, read, queries, count, among)
        except torch.OutOfMemoryError:
            return None

    def _search(
        self, state: State, read: Read, queries: Floats, count: int, among: NDArray[np.int64] | None
    ) -> list[Found]:
        held, hidden = self._follow(state)
        if among is not None:
            allowed = np.zeros(state.rows, dtype=np.bool_)
            allowed[among] = True
            hidden = hidden | ~torch.from_numpy(allowed).to(self._device)
        found: list[Found] = []
        together = max(1, _PRODUCTS // state.rows)
        for first in range(0, len(queries), together):
            some = queries[first : first + together]
            listed = self._list(held, hidden, some, count)
            found += [settle(read, query, one, NOTHING) for query, one in zip(some, listed, strict=True)]
        return found

    def _list(self, held: _Held, hidden: torch.Tensor, queries: Floats, count: int) -> list[Shortlist]:
        """For each query the rows that may belong to the best."""
        exact = queries.astype(np.float64)
        sizes = np.sqrt((exact**2).sum(axis=1))
        units = np.zeros((len(queries), held.numbers.shape[1]), dtype=np.float32)
        units[:, : self._dimension] = exact / np.maximum(sizes, np.finfo(np.float64).tiny)[:, np.newaxis]
        upper, limits = self._bounds(held, hidden, torch.from_numpy(units).to(self._device).T, count)
        lists = []
        for place, size in enumerate(sizes.tolist()):
            column = upper[:, place]
            slots = torch.nonzero((column >= limits[place]) & (column > -torch.inf)).flatten()
            values = size * column[slots].cpu().numpy().astype(np.float64)
            number = np.array([0, len(slots)], dtype=np.int64)
            lists.append(Shortlist(np.empty(count), slots.cpu().numpy(), values, number))
        return lists

    def _bounds(
        self, held: _Held, hidden: torch.Tensor, units: torch.Tensor, count: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What products with queries (W, Q) of length 1 are at most, (rows, Q), and which of these can be of interest, (Q,)."""
        rows, queries = len(hidden), units.shape[1]
        upper = torch.empty((rows, queries), device=self._device)
        best = torch.full((0, queries), -torch.inf, device=self._device)
        for first in range(0, rows, _ROWS):
            part = slice(first, min(first + _ROWS, rows))
            products = (held.numbers[part].float() @ units) * held.scales[part, None]
            room = (held.residuals[part] + self._rounding() * held.lengths[part])[:, None]
            torch.add(products, room, out=upper[part])
            lower = products.sub_(room).masked_fill_(hidden[part, None], -torch.inf)
            best = torch.cat([best, lower])
            best = best.topk(min(count, len(best)), dim=0).values
        upper.masked_fill_(hidden[:, None], -torch.inf)
        return upper, best[-1] if len(best) == count else torch.full_like(best[-1], -torch.inf)

    def _rounding(self) -> float:
        """The error of a product for each unit of the row's length, with room for that of its bound."""
        rough = 0.0 if torch.get_float32_matmul_precision() == "highest" else _COARSE
        return rough + (self._dimension + 16) * _ROUNDOFF

    def _follow(self, state: State) -> tuple[_Held, torch.Tensor]:
        """All rows of a state on the device, and a mask (rows,) of those that it may not find."""
        with self._lock:
            if self._held.rows < state.rows:
                self._held = self._extended(self._held, state)
            held, hidden = self._held, self._hidden
            if hidden is None or hidden.removed is not state.removed or hidden.rows != state.rows:
                mask = bits.unpacked(state.removed, state.rows) | ~held.found[: state.rows]
                hidden = _Hidden(state.removed, state.rows, torch.from_numpy(mask).to(self._device))
                self._hidden = hidden
        return held, hidden.mask

    def _extended(self, held: _Held, state: State) -> _Held:
        if state.rows > len(held.scales):
            held = self._copied(held, state.rows if not held.rows else state.rows + state.rows // 2)
        for first in range(held.rows, state.rows, _COPIED):
            slots = np.arange(first, min(first + _COPIED, state.rows))
            positions = positions_of(state.table, slots)
            present = positions != NOWHERE
            part, rows = slice(first, first + len(slots)), np.where(present, positions, 0)
            codes = torch.from_numpy(state.table.codes.numbers[rows]).to(self._device)
            held.numbers[part] = codes
            held.scales[part] = torch.from_numpy(state.table.codes.scales[rows])
            held.residuals[part] = torch.from_numpy(state.table.codes.residuals[rows]) * 1.000001
            held.lengths[part] = held.scales[part] * codes.float().square_().sum(dim=1).sqrt_()
            held.found[part] = present
        return replace(held, rows=state.rows)

    def _copied(self, held: _Held, capacity: int) -> _Held:
        """The same rows with room for others."""
        new = self._empty(capacity)
        for name in ("numbers", "scales", "residuals", "lengths", "found"):
            getattr(new, name)[: held.rows] = getattr(held, name)[: held.rows]
        return replace(new, rows=held.rows)

    def _empty(self, capacity: int) -> _Held:
        numbers = torch.empty((capacity, width(self._dimension)), dtype=torch.int8, device=self._device)
        scales, residuals, lengths = torch.empty((3, capacity), device=self._device)
        return _Held(0, numbers, scales, residuals, lengths, np.zeros(capacity, dtype=np.bool_))
