import numpy as np
import pytest

from reid.data.synthetic.mesh import look
from reid.data.synthetic.subjects import KINDS
from reid.rng import generator

VIEW = look(0.4, 0.2, 10.0, (0.0, 0.0, 0.8))


@pytest.mark.parametrize("kind", KINDS)
def test_subjects_are_reproducible(kind):
    """Seed and identity make the object, the generator its pose."""
    meshes = [
        KINDS[kind].subject(seed, identity)(VIEW, 0.4, 0.5, generator(0, "test"))
        for seed, identity in ((0, 1), (0, 1), (0, 2), (1, 1))
    ]

    assert np.array_equal(meshes[0].points, meshes[1].points)
    assert np.array_equal(meshes[0].colours, meshes[1].colours)
    for other in meshes[2:]:
        assert meshes[0].colours.shape != other.colours.shape or not np.array_equal(meshes[0].colours, other.colours)


def test_persons_move_and_vehicles_do_not():
    """Only a person's shape differs between pictures."""
    for kind, moves in (("vehicle", False), ("person", True)):
        subject = KINDS[kind].subject(0, 1)
        one, other = (subject(VIEW, 0.4, 0.5, generator(0, "test", number)).points for number in (1, 2))
        assert np.array_equal(one, other) != moves


@pytest.mark.parametrize("kind", KINDS)
def test_categories_are_words_fit_for_folder_names(kind):
    """Lower-case letters only."""
    assert all(KINDS[kind].category(0, identity).isalpha() for identity in range(30))
