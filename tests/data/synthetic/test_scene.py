import numpy as np
import pytest

from reid.data.synthetic.mesh import View, look
from reid.data.synthetic.scene import add_leaves, add_pole, cast_shadow, draw_scene, lay_background
from reid.rng import generator

DOWN = np.array([0.3, 0.2, 0.93])


def view(width, height):
    seen = look(0.5, 0.2, 12.0, (0.0, 0.0, 0.6))
    return View(seen.eye, seen.axes, 500.0, (width / 2, height / 2))


@pytest.mark.parametrize("number", range(1, 9))
def test_backgrounds_fill_any_canvas(number):
    """Ground below, backdrop above, of the size asked for, another part for every picture."""
    scene = draw_scene(0, "person" if number % 2 else "vehicle", number, ())
    one, other = (
        lay_background(scene, view(300, 200), 0.5, (300, 200), generator(0, "test", picture)) for picture in (1, 2)
    )

    assert one.shape == (200, 300, 3)
    assert one.std() > 2
    assert not np.array_equal(one, other)


def test_the_largest_crop_has_a_background():
    """Twice 176 pixels in both directions fit into the textures."""
    scene = draw_scene(0, "vehicle", 1, ())

    assert lay_background(scene, view(352, 352), 0.5, (352, 352), generator(0, "test")).shape == (352, 352, 3)


def test_places_are_reproducible_and_differ():
    """A place is a function of seed, kind and camera."""
    one, again, other = (draw_scene(seed, "vehicle", 1, ()).ground for seed in (0, 0, 1))

    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_shadows_only_darken_and_only_below_the_object():
    """Ground far from the object keeps its brightness."""
    canvas = np.full((200, 300, 3), 150, dtype=np.uint8)
    box = np.array([[x, y, z] for x in (-1, 1) for y in (-0.5, 0.5) for z in (0, 1.5)], dtype=float)
    shaded = cast_shadow(canvas, box, view(300, 200), DOWN, 0.6)

    assert (shaded <= canvas).all()
    assert shaded.min() < 75
    assert (shaded[:10] == 150).all()


@pytest.mark.parametrize("obstruct", [add_pole, add_leaves])
def test_obstructions_cover_a_part_of_the_picture(obstruct):
    """Something, but never most of it."""
    shares = []
    for number in range(20):
        canvas = np.zeros((200, 160, 3), dtype=np.uint8)
        obstruct(canvas, generator(0, "test", number))
        shares.append((canvas > 0).any(axis=2).mean())

    assert 0.01 < np.mean(shares) < 0.3
    assert max(shares) < 0.5
