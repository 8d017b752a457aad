"""Differences of two models: colours say which is better, as far as the interval does."""

import cv2
import numpy as np
import pytest

from reid.errors import ConfigError
from reid.evaluation.comparison import Difference
from reid.report.differences import differences


def test_colours(tmp_path):
    """Green for better beyond the interval, red for worse, grey where it reaches over zero, right and left of the middle."""
    figures = {
        "rank1": Difference(0.5, 0.6, 0.1, (0.05, 0.15), 0.01),
        "mAP": Difference(0.5, 0.4, -0.1, (-0.15, -0.05), 0.01),
        "mINP": Difference(0.5, 0.51, 0.01, None, None),
    }
    differences(figures, tmp_path / "d.png")
    picture = cv2.imread(str(tmp_path / "d.png"))[:, 140:640, ::-1].astype(int)
    green = np.argwhere(picture[:, :, 1] - picture[:, :, 0] > 60)
    red = np.argwhere(picture[:, :, 0] - picture[:, :, 1] > 60)

    assert green[:, 0].mean() < red[:, 0].mean()
    assert red[:, 1].mean() < green[:, 1].mean()
    with pytest.raises(ConfigError, match="no figures"):
        differences({}, tmp_path / "d.png")
