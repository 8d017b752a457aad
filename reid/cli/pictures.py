"""The report of a model's evaluation as a folder of pictures and a page: what the command line knows becomes its subject."""

from collections.abc import Mapping
from pathlib import Path

from reid.embed import Embedder, transform
from reid.errors import ArtefactError
from reid.evaluation.calibration import load_calibration
from reid.report.explain import Explainer

_RATE = 1e-3


def explainer(embedder: Embedder) -> Explainer:
    """What colours rank lists by what made the match.

    Raises:
        ConfigError: the model is an exported one, which cannot be looked into.
    """
    return Explainer(embedder.network, transform(embedder.description))


def chosen_thresholds(run: Path, model: str) -> Mapping[str, float]:
    """The score from which on the calibration of a run takes two images for one identity; nothing where it has none."""
    try:
        found = load_calibration(run, model)
    except ArtefactError:
        return {}
    if found is None or found.thresholds.get("1e-3") is None:
        return {}
    return {"calibrated, 1e-3": found.threshold(_RATE)}
