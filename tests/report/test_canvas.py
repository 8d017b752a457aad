"""Figures without global state, and colours that keep their order for everybody."""

import itertools
import sys

import cv2
import numpy as np
import pytest

from reid.report.canvas import DPI, learner_colour, new_figure, plain_axes, to_png, writing_on


def lightness(colour) -> float:
    return float(np.dot(colour, (0.2126, 0.7152, 0.0722)))


def test_a_figure_has_its_size_and_leaves_nothing_behind() -> None:
    """Inches become pixels, and no global figure is opened."""
    figure = new_figure(2.0, 1.0)
    plain_axes(figure.add_axes((0.2, 0.2, 0.7, 0.7)))
    picture = cv2.imdecode(np.frombuffer(to_png(figure), np.uint8), cv2.IMREAD_COLOR)

    assert picture.shape == (DPI, 2 * DPI, 3)
    assert "matplotlib.pyplot" not in sys.modules


@pytest.mark.parametrize("learners", [1, 2, 4, 8, 32])
def test_colours_grow_lighter_and_children_are_beside_their_parent(learners: int) -> None:
    """Every learner has a colour of its own, also in grey; that of a parent lies between those of its children."""
    light = [lightness(learner_colour(learner, learners)) for learner in range(learners)]
    halves = [lightness(learner_colour(learner, 2 * learners)) for learner in range(2 * learners)]

    assert all(later > earlier for earlier, later in itertools.pairwise(light))
    for learner, value in enumerate(light):
        assert halves[2 * learner] < value < halves[2 * learner + 1]


@pytest.mark.parametrize("learner", range(32))
def test_words_can_be_read_on_every_colour(learner: int) -> None:
    """White or dark letters have a contrast of 2.5 or more."""
    colour = learner_colour(learner, 32)
    letters = {"white": (1.0, 1.0, 1.0)}.get(writing_on(colour), (0.12, 0.12, 0.12))
    linear = [
        sum(w * ((c + 0.055) / 1.055) ** 2.4 for w, c in zip((0.2126, 0.7152, 0.0722), k, strict=True))
        for k in (colour, letters)
    ]

    assert (max(linear) + 0.05) / (min(linear) + 0.05) > 2.5
