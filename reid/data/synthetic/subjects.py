"""The two kinds of objects that can be drawn, behind one interface."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reid.data.synthetic.mesh import Mesh, View
from reid.data.synthetic.person_traits import draw_person
from reid.data.synthetic.persons import person_mesh
from reid.data.synthetic.vehicle_traits import draw_vehicle
from reid.data.synthetic.vehicles import vehicle_mesh

Subject = Callable[[View, float, float, np.random.Generator], Mesh]
"""Poses one object: view, its azimuth in radians, azimuth of the sun from the line of sight, generator of the
picture -> the object's faces.
"""


@dataclass(frozen=True)
class Kind:
    """What differs between vehicles and persons for the one who takes the picture.

    Attributes:
        subject: (seed, identity) -> the object.
        category: (seed, identity) -> its sort, a word that names folders.
        aspect: least and largest width of a crop as a share of its height.
        eye_level: height in metres that cameras look at.
        turn: standard deviation in degrees of the heading between passages and between pictures of one passage.
    """

    subject: Callable[[int, int], Subject]
    category: Callable[[int, int], str]
    aspect: tuple[float, float]
    eye_level: float
    turn: tuple[float, float]


def _vehicle(seed: int, identity: int) -> Subject:
    mesh = vehicle_mesh(draw_vehicle(seed, identity))

    def pose(_view: View, _azimuth: float, _sun: float, _random: np.random.Generator) -> Mesh:
        return mesh

    return pose


def _person(seed: int, identity: int) -> Subject:
    person = draw_person(seed, identity)

    def pose(view: View, azimuth: float, sun: float, random: np.random.Generator) -> Mesh:
        swing = random.uniform(0.30, 0.55) if random.random() < 0.85 else 0.04
        return person_mesh(person, view, azimuth, phase=random.uniform(0, 2 * math.pi), swing=swing, sun=sun)

    return pose


def _body_type(seed: int, identity: int) -> str:
    return draw_vehicle(seed, identity).shape.body


def _clothing(seed: int, identity: int) -> str:
    return draw_person(seed, identity).lower


KINDS: dict[str, Kind] = {
    "vehicle": Kind(_vehicle, _body_type, (0.85, 1.4), 0.6, (9.0, 4.0)),
    "person": Kind(_person, _clothing, (0.42, 0.52), 0.9, (14.0, 6.0)),
}
