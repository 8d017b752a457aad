"""What makes one vehicle different from the next one of the same model."""

from dataclasses import dataclass

import numpy as np

from reid.data.synthetic.mesh import Colour, Floats
from reid.data.synthetic.vehicle_shapes import Shape, draw_shape
from reid.rng import generator

MODELS = 64
"""Number of vehicle models in traffic; the first ones are the most common."""

_PAINTS: tuple[tuple[Colour, float], ...] = (
    ((216, 217, 214), 19),  # white
    ((32, 32, 35), 15),  # black
    ((98, 101, 104), 13),  # grey
    ((168, 172, 175), 11),  # silver
    ((44, 70, 128), 8),  # blue
    ((30, 40, 72), 5),  # dark blue
    ((150, 34, 34), 8),  # red
    ((98, 26, 34), 4),  # wine
    ((52, 88, 64), 5),  # green
    ((188, 176, 148), 3),  # beige
    ((92, 70, 56), 3),  # brown
    ((222, 182, 48), 4),  # yellow
    ((206, 104, 40), 3),  # orange
)
_LIVERY: tuple[Colour, ...] = (
    (200, 36, 40), (30, 84, 170), (24, 130, 84), (236, 190, 40), (235, 120, 30), (240, 240, 240), (24, 24, 28),
    (120, 60, 150), (60, 170, 200),
)  # fmt: skip
_RIMS: tuple[Colour, ...] = ((186, 190, 194), (150, 153, 156), (58, 58, 60), (206, 208, 210))
_PLATES: tuple[Colour, ...] = ((236, 236, 232), (236, 236, 232), (238, 204, 66), (70, 110, 190))
_ROOFS = ("plain", "rails", "box", "sunroof", "rack", "taxi", "beacons")
_ROOF_SHARES = (0.46, 0.17, 0.08, 0.14, 0.07, 0.04, 0.04)


@dataclass(frozen=True, eq=False)
class Mark:
    """Something painted, stuck or rubbed on: a polygon in the coordinates of one surface.

    Attributes:
        surface: "left", "right" (0..1 rear to front, 0..1 underside to sill), "bonnet" and "rear" (-1..1 across,
            0..1 up), "roof" (-1..1 across, 0..1 rear to front) or "box left", "box right" (the cargo box or the
            blank upper side of a van).
        corners: (N, 2).
        colour: as it is, or the factors by which it changes what is below.
    """

    surface: str
    corners: Floats
    colour: Colour


@dataclass(frozen=True, eq=False)
class Vehicle:
    """One vehicle.

    Attributes:
        shape: its model.
        paint: of the body.
        roof_paint: of roof and pillars.
        cladding: of bumpers and sills.
        glass: of the windows.
        box_paint: of the cargo box.
        rims: of the wheels.
        spokes: per wheel; below 3 means a plain cover.
        plate: of the licence plate.
        roof: what the roof carries, one of "plain", "rails", "box", "sunroof", "rack", "taxi", "beacons".
        spoiler: whether a lip stands over the rear window.
        marks: stripes, decals, stickers, dirt, spare panels, in drawing order.
    """

    shape: Shape
    paint: Colour
    roof_paint: Colour
    cladding: Colour
    glass: Colour
    box_paint: Colour
    rims: Colour
    spokes: int
    plate: Colour
    roof: str
    spoiler: bool
    marks: tuple[Mark, ...]


def draw_vehicle(seed: int, identity: int) -> Vehicle:
    """The vehicle that is `identity` in the traffic of `seed`."""
    random = generator(seed, "vehicle", identity)
    model = min(int(random.exponential(MODELS / 3)), MODELS - 1)
    shape = draw_shape(generator(seed, "vehicle model", model))
    paint = _body_paint(random, shape)
    two_tone = random.random() < 0.18
    clad = random.random() < (0.45 if shape.body in {"suv", "pickup", "van"} else 0.12)
    return Vehicle(
        shape=shape,
        paint=paint,
        roof_paint=_pick(random, ((34, 34, 36), (226, 226, 224), (120, 122, 124))) if two_tone else paint,
        cladding=(50, 51, 53) if clad else paint,
        glass=_pick(random, ((34, 40, 46), (46, 56, 62), (20, 22, 25))),
        box_paint=_jitter(random, _pick(random, ((228, 228, 226), (204, 206, 208), (160, 60, 50), (60, 92, 150)))),
        rims=_pick(random, _RIMS),
        spokes=int(random.choice((0, 4, 5, 6, 7, 9))),
        plate=_pick(random, _PLATES),
        roof=_roof(random, shape),
        spoiler=bool(random.random() < (0.3 if shape.body in {"hatchback", "suv", "saloon"} else 0.0)),
        marks=(*_livery(random, shape), *_stickers(random), *_wear(random, paint)),
    )


def _pick(random: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    return colours[int(random.integers(len(colours)))]


def _jitter(random: np.random.Generator, colour: Colour, spread: float = 8.0) -> Colour:
    shifted = np.asarray(colour) + random.normal(0, 0.5 * spread, 3) + random.normal(0, spread)
    red, green, blue = np.clip(shifted, 8, 240)
    return float(red), float(green), float(blue)


def _body_paint(random: np.random.Generator, shape: Shape) -> Colour:
    if shape.body == "bus" and random.random() < 0.6:
        return _jitter(random, _pick(random, _LIVERY))
    shares = np.array([share for _, share in _PAINTS])
    return _jitter(random, _PAINTS[int(random.choice(len(_PAINTS), p=shares / shares.sum()))][0])


def _roof(random: np.random.Generator, shape: Shape) -> str:
    if shape.body == "bus":
        return "plain"
    carried = str(random.choice(_ROOFS, p=_ROOF_SHARES))
    return "plain" if shape.body in {"truck", "pickup"} and carried in {"rails", "box", "rack", "sunroof"} else carried


def _livery(random: np.random.Generator, shape: Shape) -> list[Mark]:
    marks: list[Mark] = []
    chance = 0.6 if shape.boxy else 0.18
    if random.random() < chance:
        low, thick = random.uniform(0.25, 0.75), random.uniform(0.05, 0.16)
        rise = random.choice((0.0, 0.0, 0.18, -0.18))
        band = np.array([[0.03, low], [0.97, low + rise], [0.97, low + rise + thick], [0.03, low + thick]])
        marks += _both_sides(band, _pick(random, _LIVERY))
    if random.random() < (0.08 if not shape.boxy else 0.0):
        colour, half = _pick(random, _LIVERY), random.uniform(0.10, 0.22)
        offset = random.choice((0.0, 0.0, 0.35))
        for side in (-1, 1):
            edge = sorted((offset + side * 0.06, offset + side * (0.06 + half)))
            stripe = np.array([[edge[0], 0.0], [edge[1], 0.0], [edge[1], 1.0], [edge[0], 1.0]])
            marks += [Mark(surface, stripe, colour) for surface in ("bonnet", "roof")]
    if random.random() < (0.8 if shape.boxy else 0.18):
        marks += _emblem(random, "box" if shape.boxy and shape.body != "bus" else "side")
    return marks


def _emblem(random: np.random.Generator, where: str) -> list[Mark]:
    """A company's sign: a figure with bars beside it that stand for lettering."""
    x, y = random.uniform(0.30, 0.62), random.uniform(0.35, 0.6)
    size = random.uniform(0.16, 0.30)
    width = size * 0.45
    sides = int(random.choice((3, 4, 5, 16)))
    angles = np.arange(sides) / sides * 2 * np.pi + random.uniform(0, 1)
    figure = np.stack([x + width * np.cos(angles), y + size * np.sin(angles)], axis=1)
    marks = _both_sides(figure, _pick(random, _LIVERY), where)
    colour = _pick(random, _LIVERY)
    for row in range(int(random.integers(0, 4))):
        top, end = y + size * (0.7 - 0.6 * row), x - width * 1.3
        start = end - random.uniform(0.12, 0.26)
        bar = np.array(
            [[start, top - 0.2 * size], [end, top - 0.2 * size], [end, top + 0.2 * size], [start, top + 0.2 * size]]
        )
        marks += _both_sides(bar, colour, where)
    return marks


def _both_sides(corners: Floats, colour: Colour, where: str = "side") -> list[Mark]:
    names = ("left", "right") if where == "side" else ("box left", "box right")
    return [Mark(name, corners, colour) for name in names]


def _stickers(random: np.random.Generator) -> list[Mark]:
    marks = []
    for surface, chance, spread in (
        ("rear", 0.30, 0.14),
        ("bonnet", 0.06, 0.2),
        ("left", 0.10, 0.06),
        ("right", 0.10, 0.06),
    ):
        if random.random() < chance:
            x, y = (
                (random.uniform(-0.6, 0.6), random.uniform(0.5, 0.9)) if spread > 0.1 else random.uniform(0.2, 0.8, 2)
            )
            marks.append(Mark(surface, _rectangle(x, y, spread, spread * 0.8), _pick(random, _LIVERY)))
    return marks


def _wear(random: np.random.Generator, paint: Colour) -> list[Mark]:
    """Dirt along the sills, rust, and a panel that was replaced in another colour."""
    marks = []
    if random.random() < 0.28:
        dirt = (0.55 * paint[0] + 50, 0.55 * paint[1] + 43, 0.55 * paint[2] + 33)
        for name in ("left", "right"):
            edge = random.uniform(0.10, 0.42, 9)
            ridge = np.stack([np.linspace(0.02, 0.98, 9), edge], axis=1)
            marks.append(Mark(name, np.concatenate([[[0.02, 0.0]], ridge, [[0.98, 0.0]]]), dirt))
    if random.random() < 0.10:
        side = str(random.choice(("left", "right")))
        start = random.choice((0.30, 0.50, 0.72))
        marks.append(Mark(side, _rectangle(start + 0.1, 0.52, 0.095, 0.44), _jitter(random, (118, 116, 112), 22)))
    for _ in range(int(random.poisson(0.35))):
        angles = np.arange(7) / 7 * 2 * np.pi
        x, y = random.uniform(0.1, 0.9), random.uniform(0.1, 0.8)
        blot = np.stack([x + 0.05 * np.cos(angles), y + 0.13 * np.sin(angles)], axis=1) + random.uniform(
            -0.02, 0.02, (7, 2)
        )
        marks.append(Mark(str(random.choice(("left", "right"))), blot, _jitter(random, (118, 74, 48), 10)))
    return marks


def _rectangle(x: float, y: float, half_width: float, half_height: float) -> Floats:
    return np.array([
        [x - half_width, y - half_height],
        [x + half_width, y - half_height],
        [x + half_width, y + half_height],
        [x - half_width, y + half_height],
    ])  # fmt: skip
