"""Charts of single-shot, and of training."""

import cv2
import numpy as np
from report_subjects import subject

from reid.report.charts import camera_charts, training_charts, whole_charts


def test_what_is_drawn_depends_on_the_protocols(tmp_path):
    """All against all has curves of pairs, single-shot only a CMC; there are no pairs of cameras."""
    about = subject(tmp_path / "p", apart=False)
    names = [path.name for path, _ in whole_charts(about, tmp_path)]

    assert names == ["cmc.png", "precision-recall.png", "roc.png", "similarities-test-all-vs-all.png"]
    assert list(camera_charts(about, tmp_path)) == []
    assert list(training_charts(tmp_path)) == []


def test_pictures_of_training_are_taken_over(tmp_path):
    """Those that are there, in the learners' colours."""
    for name in ("learner-recall", "division-clusters", "other"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.zeros((9, 9, 3)))
    found = {chart.title: chart.photo for chart in training_charts(tmp_path)}

    assert found == {"Recall of each learner": True, "What each learner sees": True}
