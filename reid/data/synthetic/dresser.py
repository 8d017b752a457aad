"""The one who dresses a body: what adding clothes, hair and bags has in common."""

import math
from dataclasses import dataclass

from reid.data.synthetic.mesh import Colour, Floats
from reid.data.synthetic.person_body import Pose
from reid.data.synthetic.person_traits import Person
from reid.data.synthetic.sketch import Loft, Sketch

LEGS, SKIRT, TRUNK, HEAD = 1.0, 2.0, 3.0, 4.0
"""Layers: legs, skirts over them, torso with arms and bags, head."""


@dataclass(frozen=True, eq=False)
class Dresser:
    """Adds shapes for one person and pose.

    Attributes:
        sketch: receives the shapes.
        person: who is dressed.
        pose: joints.
        azimuth: of the camera around the person, radians.
        light: (3,) unit vector across the picture, from its dark to its light side.
    """

    sketch: Sketch
    person: Person
    pose: Pose
    azimuth: float
    light: Floats

    def wrap(
        self, loft: Loft, colour: Colour, rows: Floats, *, layer: float, place: tuple[float, float] = (0.0, 0.0)
    ) -> None:
        """The whole of `loft` between the first and last of `rows`, light on one side and dark on the other."""
        self.sketch.patch(loft, colour, rows, layer=layer, place=place)
        self.edge(loft, toned(colour, 0.78), rows, -0.62, layer=layer, place=place)
        self.edge(loft, toned(colour, 1.14), rows, 0.62, layer=layer, place=place)

    def edge(
        self,
        loft: Loft,
        colour: Colour,
        rows: Floats,
        width: float,
        *,
        layer: float,
        place: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """A strip along the light edge of a round body, `width` radians wide; along the dark edge where negative."""
        toward = self.azimuth + math.pi / 2  # the right-hand edge of the picture
        to_right = self.light @ [math.cos(toward), math.sin(toward), 0.0] > 0
        outer = toward if to_right == (width > 0) else self.azimuth - math.pi / 2
        inner = outer + abs(width) * (-1 if outer > self.azimuth else 1)
        self.sketch.patch(loft, colour, rows, min(outer, inner), max(outer, inner), layer=layer, place=place)

    def bone(
        self, joints: list[Floats], radii: list[float], colour: Colour, *, layer: float, place: tuple[float, float]
    ) -> None:
        """A limb through `joints`, with a lighter core towards the light."""
        self.sketch.limb(joints, radii, toned(colour, 0.84), layer=layer, place=place)
        lit = [joint + 0.25 * radius * self.light for joint, radius in zip(joints, radii, strict=True)]
        self.sketch.limb(lit, [0.68 * radius for radius in radii], colour, layer=layer, place=place)


def toned(colour: Colour, factor: float) -> Colour:
    """`colour` darker or lighter."""
    return min(colour[0] * factor, 255.0), min(colour[1] * factor, 255.0), min(colour[2] * factor, 255.0)


def shortened(joints: list[Floats], share: float) -> list[Floats]:
    """The first `share` of the way along `joints`, 0..1, measured in bones."""
    along = share * (len(joints) - 1)
    whole = int(along)
    if whole >= len(joints) - 1:
        return joints
    return [*joints[: whole + 1], joints[whole] + (along - whole) * (joints[whole + 1] - joints[whole])]
