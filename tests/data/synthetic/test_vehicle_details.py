from dataclasses import replace

import numpy as np
import pytest

from reid.data.synthetic import vehicle_details as details
from reid.data.synthetic.bodywork import Bodywork, rectangle
from reid.data.synthetic.mesh import Solid
from reid.data.synthetic.vehicle_marks import Mark
from reid.data.synthetic.vehicle_surfaces import surfaces_of
from reid.data.synthetic.vehicle_traits import draw_vehicle

FLEET = {}
for _identity in range(600):
    _vehicle = draw_vehicle(0, _identity)
    FLEET.setdefault(_vehicle.shape.body, _vehicle)
RED = (200.0, 0.0, 0.0)


def built(add, vehicle):
    work = Bodywork(Solid(), vehicle, surfaces_of(vehicle.shape), (1.0, 0.0), (-1.0, 0.0))
    add(work)
    return work.solid.mesh()


@pytest.mark.parametrize(
    ("name", "panes", "faces"), [("saloon", 3, 16), ("truck", 1, 6), ("van", 1, 6), ("bus", 7, 32)]
)
def test_windows_are_as_many_as_the_model_has(name, panes, faces):
    """Two faces each, glass and its reflection; no rear window where a box or a panel van's door is."""
    vehicle = replace(FLEET[name], shape=replace(FLEET[name].shape, panes=panes))
    mesh = built(details.add_windows, vehicle)

    assert len(mesh.colours) == faces
    assert mesh.points[:, 2].min() > vehicle.shape.belt
    assert mesh.points[:, 2].max() < vehicle.shape.height


@pytest.mark.parametrize("lamp", range(4))
def test_lamps_of_every_shape_are_on_both_sides_of_the_front(lamp):
    """Symmetrical, and beside the grille."""
    vehicle = replace(FLEET["saloon"], shape=replace(FLEET["saloon"].shape, lamp=lamp, bars=2))
    mesh = built(details.add_front, vehicle)
    lamps = mesh.centres[-4:]

    assert np.allclose(lamps[:2] * [1, -1, 1], lamps[2:])
    assert len(mesh.colours) == 1 + 1 + 2 + 1 + 4


@pytest.mark.parametrize("lamp", range(4))
def test_tail_lights_of_every_shape_are_red_and_at_the_rear(lamp):
    """Two reds and two ambers, behind the rear axle, besides the plate and the lip."""
    vehicle = replace(FLEET["saloon"], shape=replace(FLEET["saloon"].shape, tail_lamp=lamp), plate=(1, 2, 3))
    mesh = built(details.add_rear, vehicle)

    assert (mesh.colours[:, 0] > 140).sum() == 4
    assert (mesh.colours == (1, 2, 3)).all(axis=1).sum() == 1
    assert mesh.centres[:, 0].max() < vehicle.shape.axles[1]


@pytest.mark.parametrize(
    ("surface", "where"),
    [
        ("left", (0, 1, 0)),
        ("right", (0, -1, 0)),
        ("bonnet", (1, 0, 1)),
        ("rear", (-1, 0, 0)),
        ("roof", (0, 0, 1)),
        ("box left", (0, 1, 0)),
        ("box right", (0, -1, 0)),
    ],
)
@pytest.mark.parametrize("name", ["saloon", "truck", "van"])
def test_marks_lie_where_they_say(name, surface, where):
    """Every surface of every kind of vehicle takes a mark, and it faces that way."""
    mark = Mark(surface, rectangle(0.4, 0.6, 0.4, 0.6), RED)
    mesh = built(details.add_marks, replace(FLEET[name], marks=(mark,)))

    assert mesh.colours.tolist() == [list(RED)]
    assert mesh.normals[0] @ where > 0.7
    assert mesh.centres[0] @ where > 0 or surface == "rear"


def test_lettering_reads_from_left_to_right_on_both_sides():
    """A bar before a figure is ahead of it on the right side and behind it on the left."""
    bar, figure = rectangle(0.1, 0.2, 0.5, 0.6), rectangle(0.4, 0.6, 0.4, 0.7)
    for side, sign in (("box left", 1), ("box right", -1)):
        marks = (Mark(side, bar, RED), Mark(side, figure, RED))
        mesh = built(details.add_marks, replace(FLEET["truck"], marks=marks))
        assert (mesh.centres[0, 0] > mesh.centres[1, 0]) == (sign > 0)


@pytest.mark.parametrize(("roof", "faces"), [("plain", 0), ("sunroof", 1), ("rails", 10), ("rack", 15), ("taxi", 5)])
def test_roof_loads_are_boxes_on_the_roof(roof, faces):
    """Five faces each, on the roof; a sunroof is one face in it."""
    vehicle = replace(FLEET["saloon"], roof=roof, spoiler=False)
    work = Bodywork(Solid(), vehicle, surfaces_of(vehicle.shape), (0.0, 0.0), (0.0, 0.0))
    details.add_roof_load(work)

    assert len(work.solid.colours) == faces
    assert all((corners[:, 2] >= vehicle.shape.height - 1e-9).all() for corners in work.solid.corners)
