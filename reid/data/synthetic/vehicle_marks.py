"""What is painted, stuck or rubbed on a vehicle: stripes, signs, stickers, dirt, rust, panels of another colour."""

from dataclasses import dataclass

import numpy as np

from reid.data.synthetic.mesh import Colour, Floats
from reid.data.synthetic.paints import jittered, pick
from reid.data.synthetic.vehicle_shapes import Shape

LIVERY: tuple[Colour, ...] = (
    (200, 36, 40), (30, 84, 170), (24, 130, 84), (236, 190, 40), (235, 120, 30), (240, 240, 240), (24, 24, 28),
    (120, 60, 150), (60, 170, 200),
)  # fmt: skip
"""Colours of stripes, signs and stickers."""

_SIDES = ("left", "right")
_BOX = ("box left", "box right")
_STICKERS = (  # surface, how often, middle from and to across and up, half width
    ("rear", 0.30, ((-0.6, 0.6), (0.5, 0.9)), 0.14),
    ("bonnet", 0.06, ((-0.6, 0.6), (0.5, 0.9)), 0.20),
    ("left", 0.10, ((0.2, 0.8), (0.2, 0.8)), 0.06),
    ("right", 0.10, ((0.2, 0.8), (0.2, 0.8)), 0.06),
)


@dataclass(frozen=True, eq=False)
class Mark:
    """A polygon in the coordinates of one surface.

    Attributes:
        surface: "left", "right" (0..1 rear to front, 0..1 underside to sill), "bonnet" and "rear" (-1..1 across,
            0..1 up), "roof" (-1..1 across, 0..1 rear to front), "box left" or "box right" (as left and right, on the
            cargo box or the blank upper side of a van).
        corners: (N, 2).
        colour: of the mark.
    """

    surface: str
    corners: Floats
    colour: Colour


def draw_marks(random: np.random.Generator, shape: Shape, paint: Colour) -> tuple[Mark, ...]:
    """The marks of one vehicle of `shape` and `paint`, in drawing order."""
    boxy = shape.boxy
    return (
        *(_side_stripe(random) if random.random() < (0.6 if boxy else 0.18) else ()),
        *(_bonnet_stripes(random) if random.random() < (0.0 if boxy else 0.08) else ()),
        *(_sign(random, shape) if random.random() < (0.8 if boxy else 0.18) else ()),
        *_stickers(random),
        *(_dirt(random, paint) if random.random() < 0.28 else ()),
        *(_spare_panel(random) if random.random() < 0.10 else ()),
        *_rust(random),
    )


def _side_stripe(random: np.random.Generator) -> list[Mark]:
    low, thick = random.uniform(0.25, 0.75), random.uniform(0.05, 0.16)
    rise = random.choice((0.0, 0.0, 0.18, -0.18))
    band = np.array([[0.03, low], [0.97, low + rise], [0.97, low + rise + thick], [0.03, low + thick]])
    return _twice(_SIDES, band, pick(random, LIVERY))


def _bonnet_stripes(random: np.random.Generator) -> list[Mark]:
    """Two stripes over bonnet and roof."""
    colour, half = pick(random, LIVERY), random.uniform(0.05, 0.11)
    offset = random.choice((0.0, 0.0, 0.35))
    return [
        Mark(surface, _rectangle(offset + side * (0.06 + half), 0.5, half, 0.5), colour)
        for side in (-1, 1)
        for surface in ("bonnet", "roof")
    ]


def _sign(random: np.random.Generator, shape: Shape) -> list[Mark]:
    """A company's sign: a figure with bars beside it that stand for lettering."""
    where = _BOX if shape.body in {"van", "truck"} else _SIDES
    x, y, size = random.uniform(0.44, 0.72), random.uniform(0.35, 0.6), random.uniform(0.16, 0.30)
    width = 0.45 * size
    corners = int(random.choice((3, 4, 5, 16)))
    angles = np.arange(corners) / corners * 2 * np.pi + random.uniform(0, 1)
    figure = np.stack([x + width * np.cos(angles), y + size * np.sin(angles)], axis=1)
    marks = _twice(where, figure, pick(random, LIVERY))
    colour = pick(random, LIVERY)
    for row in range(int(random.integers(0, 4))):
        half = random.uniform(0.06, 0.13)
        bar = _rectangle(x - width * 1.3 - half, y + size * (0.7 - 0.6 * row), half, 0.2 * size)
        marks += _twice(where, bar, colour)
    return marks


def _stickers(random: np.random.Generator) -> list[Mark]:
    marks = []
    for surface, chance, (across, up), half in _STICKERS:
        if random.random() < chance:
            at = _rectangle(random.uniform(*across), random.uniform(*up), half, 0.8 * half)
            marks.append(Mark(surface, at, pick(random, LIVERY)))
    return marks


def _dirt(random: np.random.Generator, paint: Colour) -> list[Mark]:
    """A splashed border along the sills."""
    dirt = (0.55 * paint[0] + 50, 0.55 * paint[1] + 43, 0.55 * paint[2] + 33)
    marks = []
    for side in _SIDES:
        ridge = np.stack([np.linspace(0.02, 0.98, 9), random.uniform(0.10, 0.42, 9)], axis=1)
        marks.append(Mark(side, np.concatenate([[[0.02, 0.0]], ridge, [[0.98, 0.0]]]), dirt))
    return marks


def _spare_panel(random: np.random.Generator) -> list[Mark]:
    at = _rectangle(random.choice((0.40, 0.60, 0.82)), 0.52, 0.095, 0.44)
    return [Mark(_one_side(random), at, jittered(random, (118, 116, 112), 22))]


def _rust(random: np.random.Generator) -> list[Mark]:
    marks = []
    angles = np.arange(7) / 7 * 2 * np.pi
    for _ in range(int(random.poisson(0.35))):
        x, y = random.uniform(0.1, 0.9), random.uniform(0.1, 0.8)
        blot = np.stack([x + 0.05 * np.cos(angles), y + 0.13 * np.sin(angles)], axis=1)
        ragged = blot + random.uniform(-0.02, 0.02, blot.shape)
        marks.append(Mark(_one_side(random), ragged, jittered(random, (118, 74, 48), 10)))
    return marks


def _one_side(random: np.random.Generator) -> str:
    return _SIDES[int(random.integers(2))]


def _twice(surfaces: tuple[str, str], corners: Floats, colour: Colour) -> list[Mark]:
    return [Mark(surface, corners, colour) for surface in surfaces]


def _rectangle(x: float, y: float, half_width: float, half_height: float) -> Floats:
    left, right, low, high = x - half_width, x + half_width, y - half_height, y + half_height
    return np.array([[left, low], [right, low], [right, high], [left, high]])
