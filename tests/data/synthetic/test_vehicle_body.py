from dataclasses import replace

import numpy as np
import pytest

from reid.data.synthetic import vehicle_body as body
from reid.data.synthetic.bodywork import Bodywork
from reid.data.synthetic.mesh import Solid
from reid.data.synthetic.vehicle_shapes import BODIES
from reid.data.synthetic.vehicle_surfaces import surfaces_of
from reid.data.synthetic.vehicle_traits import draw_vehicle

FLEET = {}
for _identity in range(600):
    _vehicle = draw_vehicle(0, _identity)
    FLEET.setdefault(_vehicle.shape.body, _vehicle)
RED, GREEN = (200.0, 0.0, 0.0), (0.0, 200.0, 0.0)


def built(add, vehicle):
    work = Bodywork(Solid(), vehicle, surfaces_of(vehicle.shape), (0.0, 0.0), (-1.0, 0.0))
    add(work)
    return work.solid.mesh()


@pytest.mark.parametrize("name", BODIES)
def test_the_lower_body_reaches_from_bumper_to_bumper(name):
    """Full length at the middle, underside to deck or sills, never wider than the vehicle."""
    vehicle = FLEET[name]
    mesh, shape = built(body.add_lower_body, vehicle), vehicle.shape

    assert mesh.hull[:, 0].max() > 0.95 * shape.front
    assert mesh.hull[:, 0].min() < -0.95 * shape.front
    assert mesh.points[:, 2].min() == pytest.approx(shape.clearance)
    assert np.abs(mesh.points[:, 1]).max() <= shape.width / 2


def test_bumpers_and_sills_have_the_colour_of_the_cladding():
    """The rest has the paint."""
    mesh = built(body.add_lower_body, replace(FLEET["suv"], paint=RED, cladding=GREEN))
    green = (mesh.colours == GREEN).all(axis=1)

    assert mesh.centres[green, 2].max() < mesh.centres[~green, 2].max()
    assert 0 < green.sum() < (~green).sum()


def test_cars_have_two_tone_roofs_and_boxy_ones_painted_walls():
    """Pillars have the roof's colour on a car and the body's on a van; the top has the roof's on both."""
    for name, painted in (("saloon", 1), ("van", 9)):
        mesh = built(body.add_cabin, replace(FLEET[name], paint=RED, roof_paint=GREEN))
        assert (mesh.colours[-1] == GREEN).all()
        assert (mesh.colours == RED).all(axis=1).sum() == painted - 1


def test_only_a_pickup_has_a_bed():
    """One dark face more behind the cabin."""
    pickup = FLEET["pickup"]
    bare = replace(pickup, shape=replace(pickup.shape, body="saloon"))

    assert len(built(body.add_lower_body, pickup).colours) == len(built(body.add_lower_body, bare).colours) + 1


def test_the_cargo_box_stands_behind_the_cab():
    """It ends before the cabin begins, and rises above it."""
    truck = FLEET["truck"]
    box, cab = built(body.add_box, truck), built(body.add_cabin, truck)

    assert box.points[:, 0].max() < cab.points[:, 0].min()
    assert box.points[:, 2].max() == pytest.approx(truck.shape.cargo)


def test_mirrors_stand_out_on_both_sides():
    """They are the widest part, and each is sorted by its own side."""
    saloon = FLEET["saloon"]
    mesh = built(body.add_mirrors, saloon)

    assert np.abs(mesh.points[:, 1]).max() > saloon.shape.width / 2
    assert set(mesh.places[:, 1]) == {1.0, -1.0}
    assert (np.sign(mesh.centres[:, 1]) == mesh.places[:, 1]).all()


@pytest.mark.parametrize(("name", "gaps"), [("saloon", 3), ("bus", 2), ("truck", 2), ("van", 3)])
def test_doors_are_cut_into_both_sides(name, gaps):
    """One gap more than doors, and a handle on each door."""
    shape = replace(FLEET[name].shape, panes=2)
    mesh = built(body.add_doors, replace(FLEET[name], shape=shape))

    assert len(mesh.colours) == 2 * (gaps + gaps - 1)
    assert np.abs(mesh.points[:, 0]).max() <= shape.front
