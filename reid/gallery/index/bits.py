"""Sets of slots as one bit a slot."""

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint64]
_WORD = 64


def empty(size: int) -> Bits:
    """No slot of the first `size`."""
    return np.zeros(-(-size // _WORD), dtype=np.uint64)


def packed(slots: NDArray[np.int64], size: int) -> Bits:
    """The set of slots (N,) of the first `size`."""
    flags = np.zeros(_WORD * -(-size // _WORD), dtype=np.bool_)
    flags[slots] = True
    return np.packbits(flags, bitorder="little").view("<u8").astype(np.uint64, copy=False)


def unpacked(bits: Bits, size: int) -> NDArray[np.bool_]:
    """(size,) whether each slot is in the set."""
    return np.unpackbits(bits.astype("<u8").view(np.uint8), bitorder="little", count=size).astype(np.bool_)


def widened(bits: Bits, size: int) -> Bits:
    """The same set with room for `size` slots, and half as many again where there was not enough."""
    if size <= _WORD * len(bits):
        return bits
    return np.concatenate([bits, empty(size + size // 2 - _WORD * len(bits))])


def with_set(bits: Bits, slots: NDArray[np.int64]) -> Bits:
    """A new set that has the slots (N,) too."""
    changed = bits.copy()
    np.bitwise_or.at(changed, slots // _WORD, np.uint64(1) << (slots % _WORD).astype(np.uint64))
    return changed


def are_set(bits: Bits, slots: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(N,) whether each of the slots is in the set."""
    return np.asarray((bits[slots // _WORD] >> (slots % _WORD).astype(np.uint64)) & np.uint64(1), dtype=np.bool_)
