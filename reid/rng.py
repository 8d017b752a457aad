"""Randomness that is a pure function of where it is used.

Every draw belongs to a (seed, purpose, position): the seed of the run, a word for what the numbers are for, and
up to three counters such as epoch, step and place in the batch. Nothing has a state, so nothing needs saving or
restoring, and the number of loader workers cannot matter. Philox (Salmon et al., "Parallel random numbers: as
easy as 1, 2, 3", SC 2011) is made for this: the key is a hash of seed and purpose, the position is its counter.
"""

import hashlib

import numpy as np

from reid.errors import ConfigError


def generator(seed: int, purpose: str, *position: int) -> np.random.Generator:
    """A generator whose whole stream is determined by its arguments.

    Args:
        seed: seed of the run, 0 or larger.
        purpose: what the numbers are for, such as "augment"; different purposes are independent.
        position: up to three counters, each 0 or larger, those left out being 0; different positions never share a
            number.

    Raises:
        ConfigError: `seed` is negative.
    """
    if seed < 0:
        raise ConfigError(f"seed must be 0 or larger, got {seed}")
    counter = np.zeros(4, dtype=np.uint64)
    counter[1 : 1 + len(position)] = position  # word 0 counts the draws, 2**64 blocks of them
    return np.random.Generator(np.random.Philox(key=_key(seed, purpose), counter=counter))


def number(seed: int, purpose: str, *position: int) -> int:
    """One integer in 0..2**31-1, to seed a library that keeps a generator of its own."""
    return int(generator(seed, purpose, *position).integers(2**31))


def _key(seed: int, purpose: str) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.frombuffer(hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:16], dtype="<u8").astype(np.uint64)
