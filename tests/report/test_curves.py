"""Curves: what is drawn where, and what is left out."""

import cv2
import numpy as np
import pytest

from reid.errors import ConfigError
from reid.evaluation.verification import Verification
from reid.report.curves import _bars, cmc_curves, precision_recall, roc_curves, similarity_histogram

SHAPE = (585, 780, 3)


def drawn(path) -> np.ndarray:
    return cv2.imread(str(path))[:, :, ::-1]


def verification(matching, others, curve=((0, 0), (0.01, 0.5), (1, 1))) -> Verification:
    return Verification(10, 20, {}, {}, 0.1, 2 / 16384, curve, tuple(matching), tuple(others))


def shares(first: int, last: int, bins: int = 1024) -> np.ndarray:
    """Evenly spread over these bins."""
    made = np.zeros(bins)
    made[first:last] = 1 / (last - first)
    return made


def test_several_curves_share_a_picture(tmp_path):
    """One of a single rank can be drawn, empty ones are left out, and intervals change the picture; names may be anything."""
    curves = {"a": np.linspace(0.2, 1, 50), "$x^2$\\n\\udcff": [0.4], "c": []}
    cmc_curves(curves, tmp_path / "plain.png")
    cmc_curves(curves, tmp_path / "band.png", bands={"a": [(0.1, 0.5)] * 50}, at_ranks={"a": {5: (0.1, 0.9)}})
    precision_recall({"a": np.linspace(1, 0.2, 101), "c": []}, tmp_path / "pr.png")
    roc_curves({"a": verification([], [])}, tmp_path / "roc.png")

    assert {drawn(path).shape for path in tmp_path.iterdir()} == {SHAPE}
    plain, band = (drawn(tmp_path / f"{name}.png").astype(int) for name in ("plain", "band"))
    assert (abs(plain - band).max(axis=2) > 20).sum() > 2000
    for draw in (cmc_curves, precision_recall):
        with pytest.raises(ConfigError, match="no curve"):
            draw({"c": []}, tmp_path / "none.png")


def test_bars_hold_all_pairs_where_they_belong():
    """Some 64 bars over what occurs; similarities ascend, are 1 - distance, and shares add up."""
    edges, (matching, others) = _bars(shares(40, 200), shares(300, 700))

    assert 55 <= len(matching) == len(others) == len(edges) - 1 <= 64
    assert matching.sum() == pytest.approx(1, abs=1e-3)
    assert others.sum() == pytest.approx(1, abs=1e-3)
    middles = (edges[1:] + edges[:-1]) / 2
    assert (middles * matching).sum() == pytest.approx(1 - 120 * 2 / 1024, abs=0.01)
    assert (middles * others).sum() == pytest.approx(1 - 500 * 2 / 1024, abs=0.01)
    assert (np.diff(edges) > 0).all()
    one, (alone, _) = _bars(shares(0, 1), shares(0, 1))
    assert (len(alone), one.tolist()) == (1, [1 - 2 / 1024, 1])


def test_similar_pairs_are_drawn_on_the_right(tmp_path):
    """Green, matching, to the right of red, and a line at the threshold."""
    found = verification(shares(40, 200), shares(300, 700))
    similarity_histogram(found, tmp_path / "h.png", thresholds={"here": 0.5})
    picture = drawn(tmp_path / "h.png").astype(int)[200:480]
    red, green = (picture[:, :, channel] - picture[:, :, 1 - channel] > 40 for channel in (0, 1))
    assert np.flatnonzero(red.any(axis=0)).mean() < np.flatnonzero(green.any(axis=0)).mean()
    line = np.flatnonzero((picture.max(axis=2) < 60).mean(axis=0) > 0.9)
    assert len(line[(line > 110) & (line < 750)]) in range(1, 5)
    with pytest.raises(ConfigError, match="no matching"):
        similarity_histogram(verification(np.zeros(1024), shares(0, 9)), tmp_path / "h.png")
