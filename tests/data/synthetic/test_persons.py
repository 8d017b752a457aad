from dataclasses import replace

import numpy as np
import pytest

from reid.data.synthetic.mesh import View, look, paint
from reid.data.synthetic.person_traits import draw_person
from reid.data.synthetic.persons import person_mesh

PERSON = draw_person(0, 3)


def mesh_of(person, azimuth=0.3, sun=1.0):
    return person_mesh(person, look(azimuth, 0.15, 8.0, (0.0, 0.0, 0.9)), azimuth, phase=1.0, swing=0.4, sun=sun)


def picture(person, azimuth=0.3, sun=1.0):
    seen = look(azimuth, 0.15, 8.0, (0.0, 0.0, 0.9))
    canvas = np.zeros((256, 160, 3), dtype=np.uint8)
    paint(canvas, mesh_of(person, azimuth, sun), View(seen.eye, seen.axes, 950.0, (80.0, 128.0)), np.array([0, 0, 1.0]))
    return canvas


@pytest.mark.parametrize("height", [1.5, 1.75, 1.95])
def test_persons_are_as_tall_as_they_are(height):
    """From the ground to the crown, in metres."""
    points = mesh_of(replace(PERSON, height=height, hat="none", hairstyle="bald", bag="none")).points

    assert np.isfinite(points).all()
    assert points[:, 2].max() == pytest.approx(height, abs=0.04)
    assert abs(points[:, 2].min()) < 0.06


@pytest.mark.parametrize("azimuth", np.linspace(-3, 3, 7))
def test_the_hull_frames_the_person_from_every_side(azimuth):
    """Nothing but bags and coats reaches far beyond it."""
    person = replace(PERSON, bag="none", lower="trousers")
    mesh = mesh_of(person, azimuth)
    view = look(azimuth, 0.15, 8.0, (0.0, 0.0, 0.9))
    points, hull = view.project(mesh.points) * 8, view.project(mesh.hull) * 8

    assert (points.min(axis=0) > hull.min(axis=0) - 0.08).all()
    assert (points.max(axis=0) < hull.max(axis=0) + 0.08).all()


def test_the_sun_is_on_one_side():
    """The lit side of the torso changes with it."""
    left, right = (picture(replace(PERSON, bag="none"), sun=sun) for sun in (-1.0, 1.0))

    assert not np.array_equal(left, right)


def test_front_and_back_differ():
    """A face in front, hair behind, a backpack behind."""
    person = replace(PERSON, bag="backpack", bag_colour=(0.0, 250.0, 0.0), top=(200.0, 0.0, 0.0), lower="trousers")

    def green(azimuth):
        seen = picture(person, azimuth).astype(int)
        return ((seen[..., 1] > seen[..., 0]) & (seen[..., 1] > 150)).sum()

    assert green(np.pi) > 3 * green(0.0) > 0
