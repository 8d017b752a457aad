import numpy as np
import pytest

from reid.data.synthetic.camera import crop_size, develop, draw_camera
from reid.rng import generator


@pytest.mark.parametrize("kind", ["vehicle", "person"])
def test_cameras_differ_and_are_reproducible(kind):
    """Every number and seed gives another camera, and the same ones the same camera."""
    cameras = [draw_camera(seed, kind, number) for seed in (0, 1) for number in (1, 2, 30)]

    assert len({(camera.azimuth, camera.distance, camera.matrix.tobytes()) for camera in cameras}) == 6
    again = draw_camera(0, kind, 2)
    assert again.azimuth == cameras[1].azimuth
    assert np.array_equal(again.noise, cameras[1].noise)


def test_the_first_cameras_look_from_different_sides():
    """Six cameras see fronts, rears and a side."""
    degrees = [np.degrees(draw_camera(0, "vehicle", number).azimuth) for number in range(1, 7)]

    assert sum(abs(angle) < 60 for angle in degrees) >= 2
    assert sum(abs(angle) > 120 for angle in degrees) >= 2


@pytest.mark.parametrize("aspect", [0.45, 1.0, 1.4])
def test_crops_have_the_aspect_asked_for(aspect):
    """Up to whole pixels."""
    camera = draw_camera(0, "vehicle", 1)
    for number in range(20):
        width, height = crop_size(camera, aspect, generator(0, "test", number))
        assert abs(width - aspect * height) <= 1
        assert max(width, height) <= 176


def test_developing_halves_the_canvas_and_is_reproducible():
    """A picture depends on canvas, camera and generator only, and differs between generators."""
    canvas = generator(0, "canvas").integers(0, 256, (120, 90, 3), dtype=np.uint8)
    camera = draw_camera(0, "person", 1)
    one, again, other = (develop(canvas, camera, generator(0, "test", number)) for number in (1, 1, 2))

    assert one.shape == (60, 45, 3)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_cameras_keep_grey_apart_from_black_and_white():
    """No camera is so dark or so bright that nothing is left to see."""
    grey = np.full((64, 64, 3), 110, dtype=np.uint8)
    for number in range(1, 25):
        level = develop(grey, draw_camera(3, "vehicle", number), generator(0, "test")).mean()
        assert 50 < level < 215
