"""Persons as flat shapes in space, made for one view."""

from dataclasses import replace

import numpy as np

from reid.data.synthetic import person_clothes as clothes
from reid.data.synthetic import person_extras as extras
from reid.data.synthetic.dresser import Dresser
from reid.data.synthetic.mesh import Mesh, View
from reid.data.synthetic.person_body import stride
from reid.data.synthetic.person_traits import Person
from reid.data.synthetic.sketch import Sketch

_STANDARD = 1.75  # metres: the body that all lengths in person_body are of


def person_mesh(person: Person, view: View, azimuth: float, *, phase: float, swing: float, sun: float) -> Mesh:
    """The faces of `person` in mid step, standing at the origin and looking along x.

    Args:
        person: who.
        view: the camera; limbs are drawn as flat shapes that face it.
        azimuth: where it stands around the person, radians from the front to the left.
        phase: of the step, radians.
        swing: how far the legs open, radians.
        sun: the light comes from the left of the picture where negative, else from the right.
    """
    pose = stride(phase, swing, person.girth)
    light = view.axes[0] * (1.0 if sun >= 0 else -1.0)
    dresser = Dresser(Sketch(), person, pose, azimuth, light)
    clothes.add_legs(dresser)
    clothes.add_lower(dresser)
    clothes.add_top(dresser)
    clothes.add_arms(dresser)
    extras.add_head(dresser)
    extras.add_bag(dresser)
    reach = 0.24 * person.girth
    trunk = [[x, y, z] for x in (-0.12, 0.12) for y in (-reach, reach) for z in (0.0, 1.42)]
    crown = [[x, y, 1.78] for x in (-0.09, 0.09) for y in (-0.09, 0.09)]
    hull = np.concatenate([trunk, crown, pose.toes, pose.ankles, pose.wrists])
    mesh = dresser.sketch.mesh(view, azimuth, hull)
    factor = person.height / _STANDARD
    return replace(mesh, points=mesh.points * factor, centres=mesh.centres * factor, hull=mesh.hull * factor)
