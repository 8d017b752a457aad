"""The flow diagram shows what went where: counts by definition, pixels where they must be."""

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
from divisions import PAIRS, rounds
from hypothesis import given

from reid.errors import ConfigError, OutputError
from reid.report.canvas import learner_colour
from reid.report.division import Round, moves
from reid.report.division_flow import _bars, _flows, division_flow


@given(PAIRS)
def test_ribbons_fill_their_bars(pairs) -> None:
    """On both sides ribbons tile the bars without overlap, and bars do not overlap either."""
    before, after = rounds(pairs)
    left, right = _bars(before), _bars(after)
    flows = list(_flows(moves(before, after), len(before.clusters), left, right))

    for side, bars, column in ((0, left, 2), (1, right, 3)):
        for cluster, bar in enumerate(bars):
            tops = [(flow[column], flow[4]) for flow in flows if flow[side] == cluster]
            assert sum(height for _, height in tops) == pytest.approx(bar.height)
            edge = bar.bottom + bar.height
            for top, height in tops:
                assert top == pytest.approx(edge)
                edge -= height
        present = [bar for bar in bars if bar.height]
        assert all(upper.bottom > lower.bottom + lower.height for upper, lower in itertools.pairwise(present))


def colours(path: Path) -> set[tuple[int, int, int]]:
    picture = cv2.imread(str(path))[:, :, ::-1]
    found, counts = np.unique(picture.reshape(-1, 3), axis=0, return_counts=True)
    return {tuple(colour) for colour in found[counts > 400].tolist()}


def solid(learner: int, learners: int) -> tuple[int, ...]:
    return tuple(round(255 * part) for part in learner_colour(learner, learners))


def test_picture(tmp_path: Path) -> None:
    """Bars have the colours of their learners, in the picture's order; more learners make it taller."""
    random = np.random.default_rng(0)
    made = [Round(2 * place, random.integers(-1, k, 400), k) for place, k in enumerate([1, 2, 4, 4])]
    division_flow(made, tmp_path / "flow.png", stages={0: "divide", 6: "conquer"})
    picture = cv2.imread(str(tmp_path / "flow.png"))

    assert picture.shape == (840, 1281, 3)
    assert {solid(learner, k) for k in (1, 2, 4) for learner in range(k)} <= colours(tmp_path / "flow.png")
    many = [Round(0, random.integers(-1, 32, 4000), 32)]
    division_flow(many, tmp_path / "many.png")
    assert cv2.imread(str(tmp_path / "many.png")).shape[0] > 1200


@pytest.mark.parametrize("clusters", [[-1, -1], [0, 0], [3, 3], [-1, 2]])
def test_odd_divisions_can_be_drawn(tmp_path: Path, clusters) -> None:
    """All images out, all in one cluster, empty clusters; one round or several."""
    one = Round(0, np.array(clusters, dtype=np.int64), 4)
    division_flow([one], tmp_path / "one.png")
    division_flow([one, Round(2, np.array([0, -1]), 4)], tmp_path / "two.png")

    assert cv2.imread(str(tmp_path / "one.png")).std() > 1
    assert cv2.imread(str(tmp_path / "two.png")).std() > 1


def test_what_cannot_be_drawn(tmp_path: Path) -> None:
    """No round; no folder."""
    with pytest.raises(ConfigError, match="no division"):
        division_flow([], tmp_path / "flow.png")
    with pytest.raises(OutputError):
        division_flow([Round(0, np.array([0]), 1)], tmp_path / "nowhere" / "flow.png")
