"""What a run knows becomes part of its report."""

import pytest
from whole_runs import trained

from reid.cli.pictures import chosen_thresholds, explainer
from reid.embed import load_embedder
from reid.errors import ConfigError
from reid.evaluation.calibration import load_calibration


def test_the_calibration_says_which_threshold_was_chosen(tmp_path_factory, tmp_path):
    """That of the run; none of another model, or where the run has none."""
    run = trained(tmp_path_factory).run
    embedder = load_embedder(run, device="cpu")
    score = load_calibration(run, embedder.fingerprint).thresholds["1e-3"]

    assert [*chosen_thresholds(run, embedder.fingerprint).values()] == ([] if score is None else [score])
    assert chosen_thresholds(run, "another") == chosen_thresholds(tmp_path, "") == {}
    assert explainer(embedder).network is embedder.network
    assert explainer(embedder, 1).learner == 1
    with pytest.raises(ConfigError, match="got 2, and the model has learners 0 to 1"):
        explainer(embedder, 2)
    with pytest.raises(ConfigError, match="subspaces=learned"):
        explainer(embedder, 1, subspaces="learned")
