"""The matrix of cameras."""

import cv2
import pytest

from reid.evaluation.camera_pairs import CameraPairs
from reid.report.cameras import camera_matrix


@pytest.mark.parametrize("number", [2, 20])
def test_good_pairs_are_light_and_bad_ones_dark(tmp_path, number):
    """A field for each pair, empty where there is no query, with few and with many cameras."""
    table = tuple(tuple(None if q == g else float(q < g) for g in range(number)) for q in range(number))
    cameras = tuple(range(number))
    camera_matrix(CameraPairs(cameras, cameras, table, table, table), tmp_path / "c.png")
    picture = cv2.imread(str(tmp_path / "c.png"))
    height, width = picture.shape[:2]
    left, right, top, bottom = round(0.8 * 150), width - 45, height - 1, round(0.65 * 150)
    low, high = picture[top - 40, left + 20], picture[bottom + 25, right - 20]

    assert low.sum() < 250
    assert high.sum() > 400
