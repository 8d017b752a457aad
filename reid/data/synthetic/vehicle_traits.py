"""What makes one vehicle different from the next one of the same model."""

from dataclasses import dataclass

import numpy as np

from reid.data.synthetic.mesh import Colour
from reid.data.synthetic.paints import Pool, jittered, pick, weighted
from reid.data.synthetic.vehicle_marks import LIVERY, Mark, draw_marks
from reid.data.synthetic.vehicle_shapes import Shape, draw_shape
from reid.rng import generator

MODELS = 84
"""Number of vehicle models in traffic; the first ones are the most common."""

_PAINTS: Pool = (
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
_RIMS: tuple[Colour, ...] = ((186, 190, 194), (150, 153, 156), (58, 58, 60), (206, 208, 210))
_PLATES: tuple[Colour, ...] = ((236, 236, 232), (236, 236, 232), (238, 204, 66), (70, 110, 190))
_GLASS: tuple[Colour, ...] = ((34, 40, 46), (46, 56, 62), (20, 22, 25))
_BOXES: tuple[Colour, ...] = ((216, 216, 214), (196, 198, 200), (160, 60, 50), (60, 92, 150))
_ROOF_PAINTS: tuple[Colour, ...] = ((34, 34, 36), (216, 216, 214), (120, 122, 124))
_ROOFS = ("plain", "rails", "box", "sunroof", "rack", "taxi", "beacons")
_ROOF_SHARES = (0.46, 0.17, 0.08, 0.14, 0.07, 0.04, 0.04)


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
        roof_paint=pick(random, _ROOF_PAINTS) if two_tone else paint,
        cladding=(50, 51, 53) if clad else paint,
        glass=pick(random, _GLASS),
        box_paint=jittered(random, pick(random, _BOXES)),
        rims=pick(random, _RIMS),
        spokes=int(random.choice((0, 4, 5, 6, 7, 9))),
        plate=pick(random, _PLATES),
        roof=_roof(random, shape),
        spoiler=bool(random.random() < (0.3 if shape.body in {"hatchback", "suv", "saloon"} else 0.0)),
        marks=draw_marks(random, shape, paint),
    )


def _body_paint(random: np.random.Generator, shape: Shape) -> Colour:
    in_livery = shape.body == "bus" and random.random() < 0.6
    return jittered(random, pick(random, LIVERY) if in_livery else weighted(random, _PAINTS))


def _roof(random: np.random.Generator, shape: Shape) -> str:
    if shape.body == "bus":
        return "plain"
    carried = str(random.choice(_ROOFS, p=_ROOF_SHARES))
    return "plain" if shape.body in {"truck", "pickup"} and carried in {"rails", "box", "rack", "sunroof"} else carried
