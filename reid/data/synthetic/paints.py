"""Choosing colours."""

from collections.abc import Sequence

import numpy as np

from reid.data.synthetic.mesh import Colour

Pool = Sequence[tuple[Colour, float]]
"""Colours with their shares, of any sum."""


def pick(random: np.random.Generator, colours: Sequence[Colour]) -> Colour:
    """One of `colours`, all equally likely."""
    return colours[int(random.integers(len(colours)))]


def weighted(random: np.random.Generator, pool: Pool) -> Colour:
    """A colour of `pool` by its share."""
    shares = np.array([share for _, share in pool], dtype=np.float64)
    return pool[int(random.choice(len(pool), p=shares / shares.sum()))][0]


def jittered(random: np.random.Generator, colour: Colour, spread: float = 8.0) -> Colour:
    """`colour` a bit lighter or darker, by `spread` levels of standard deviation, and half of that off in hue."""
    shifted = np.asarray(colour) + random.normal(0, 0.5 * spread, 3) + random.normal(0, spread)
    red, green, blue = np.clip(shifted, 8, 240).tolist()
    return red, green, blue
