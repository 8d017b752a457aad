"""A vehicle under construction: what the makers of its parts share."""

from dataclasses import dataclass

import numpy as np

from reid.data.synthetic.mesh import Colour, Floats, Solid
from reid.data.synthetic.vehicle_shapes import Shape
from reid.data.synthetic.vehicle_surfaces import Surfaces
from reid.data.synthetic.vehicle_traits import Vehicle

TYRES, BODY, ON_BODY, WHEELS, CABIN, ROOF = 1.0, 2.0, 2.2, 2.4, 3.0, 4.0
"""Layers: tyres, lower body, what lies on it, wheels in their arches, cabin and cargo box, what is on the roof."""


@dataclass(frozen=True, eq=False)
class Bodywork:
    """One vehicle under construction.

    Attributes:
        solid: receives the faces.
        vehicle: what is built.
        surfaces: of the vehicle.
        cab: x and y of the cabin, for the order of drawing.
        box: the same of the cargo box.
    """

    solid: Solid
    vehicle: Vehicle
    surfaces: Surfaces
    cab: tuple[float, float]
    box: tuple[float, float]

    @property
    def shape(self) -> Shape:
        """Of the vehicle."""
        return self.vehicle.shape

    def on_side(
        self, sign: float, corners: Floats, colour: Colour, *, tilt: float = 0.0, layer: float = ON_BODY
    ) -> None:
        """Add a polygon in surface coordinates to the doors; sign +1 is the left side, `tilt` turns it up."""
        self.solid.face(self.surfaces.side(sign, corners), colour, (0.0, sign, tilt), layer=layer)

    def on_nose(self, corners: Floats, colour: Colour) -> None:
        """Add a polygon in surface coordinates to the front."""
        self.solid.face(self.surfaces.nose(bent(corners)), colour, (1.0, 0.0, 0.1), layer=ON_BODY)

    def on_rear(self, corners: Floats, colour: Colour) -> None:
        """Add a polygon in surface coordinates to the rear."""
        self.solid.face(self.surfaces.rear(bent(corners)), colour, (-1.0, 0.0, 0.1), layer=ON_BODY)


def rectangle(left: float, right: float, low: float, high: float) -> Floats:
    """(4, 2) corners in surface coordinates."""
    return np.array([[left, low], [right, low], [right, high], [left, high]])


def bent(corners: Floats) -> Floats:
    """(4N, 2): `corners` with three more points on every edge, so that the polygon can follow a curved surface."""
    steps = np.array([0.0, 0.25, 0.5, 0.75])[None, :, None]
    ends = np.concatenate([corners[1:], corners[:1]])
    return np.reshape((1 - steps) * corners[:, None] + steps * ends[:, None], (-1, 2))
