"""The report of a model's evaluation as a folder of pictures and a page: what the command line knows becomes its subject."""

from collections.abc import Mapping
from pathlib import Path

from reid.embed import Embedder, transform
from reid.errors import ArtefactError, ConfigError
from reid.evaluation.calibration import load_calibration
from reid.report.explain import Explainer

_RATE = 1e-3


def explainer(embedder: Embedder, learner: int | None = None, *, subspaces: str = "fixed") -> Explainer:
    """What colours rank lists by what made the match.

    Args:
        embedder: the model.
        learner: whose slice of the vector alone is looked at; None is the whole.
        subspaces: what the learners had, see `division.subspaces`.

    Raises:
        ConfigError: the model is an exported one, which cannot be looked into, or there is no such slice.
    """
    made = Explainer(embedder.network, transform(embedder.description), learner)
    learners = made.network.architecture.learners
    if learner is not None and subspaces != "fixed":
        raise ConfigError(
            "--explain-learner: the learners of this run share all columns of the vector, each with weights of its own "
            f"(division.subspaces={subspaces}), which are no part of the model; use --explain"
        )
    if learner is not None and learner >= learners:
        there = "learner 0 only" if learners == 1 else f"learners 0 to {learners - 1}"
        raise ConfigError(f"--explain-learner: got {learner}, and the model has {there}")
    return made


def chosen_thresholds(run: Path, model: str) -> Mapping[str, float]:
    """The score from which on the calibration of a run takes two images for one identity; nothing where it has none."""
    try:
        found = load_calibration(run, model)
    except ArtefactError:
        return {}
    if found is None or found.thresholds.get("1e-3") is None:
        return {}
    return {"calibrated, 1e-3": found.threshold(_RATE)}
