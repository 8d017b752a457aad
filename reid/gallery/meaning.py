"""What scores mean in a gallery: the probability of "same identity", and when a query is unknown."""

from functools import partial
from pathlib import Path

from reid.embed import Embedder
from reid.embed.onnx import OnnxModel
from reid.errors import ConfigError
from reid.evaluation.calibration import Calibration, load_calibration
from reid.gallery.answers import Probability
from reid.gallery.store import Store

CALIBRATION = "calibration"
"""The setting of a store that holds the model's."""


def calibration_of(run: Path, embedder: Embedder) -> Calibration | None:
    """What a model's scores mean; None where its run held out no identities, and for one that computes in integers.

    Args:
        run: where the model came from: a run's folder, or an exported file, which brings it along.
        embedder: the model.

    Raises:
        ArtefactError: the run's calibration is damaged, or belongs to another model.
    """
    if isinstance(embedder.model, OnnxModel):
        told = embedder.model.about.calibration
        return None if told is None else Calibration.from_dict(told)
    return load_calibration(run, embedder.fingerprint)


class Meaning:
    """The calibration of a gallery's model, applied to a gallery of its size.

    Args:
        store: of the gallery.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._identities: int | None = None

    def calibration(self) -> Calibration | None:
        """What scores mean; None where the model's run held out no identities."""
        told = self._store.setting(CALIBRATION)
        return None if told is None else Calibration.from_dict(told)

    def level(self, false_alarms: float | None = None) -> float | None:
        """The best score below which a query is "unknown" here; None where that is not known.

        Args:
            false_alarms: wanted share of queries whose identity the gallery lacks that are answered all the same; None
                is 1e-2, or the lowest above it that the validation images can tell, and gives None where the gallery
                is so much larger than the set of these that the threshold would be extrapolated: such ones say
                "unknown" far too often.

        Raises:
            ConfigError: the share is lower than these can tell.
        """
        calibration = self.calibration()
        if calibration is None:
            return None
        try:
            found = calibration.unknown_below(self.identities(), false_alarms=false_alarms)
        except ConfigError:
            if false_alarms is not None:
                raise
            return None  # too few validation images for any
        return None if false_alarms is None and found.how == "extrapolated" else found.score

    def probability(self) -> Probability | None:
        """Makes of scores the probability that an image shows the query's identity; None where that is not known.

        Beforehand each identity of the gallery is held for as likely as any other, and as one that is not there.
        """
        calibration = self.calibration()
        return None if calibration is None else partial(calibration.probability, prior=1 / (self.identities() + 1))

    def identities(self) -> int:
        """How many there are, images without one counting as one each, at least 1; counted anew after own changes."""
        if self._identities is None:
            counts = self._store.counts(roughly=True)
            self._identities = max(1, counts["identities"] + counts["unlabelled"])
        return self._identities

    def forget(self) -> None:
        """Count identities anew when they are needed next."""
        self._identities = None
