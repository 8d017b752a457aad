"""What a score means: the probability of "same identity", and thresholds for rates of errors, from held-out identities.

Scores are cosine similarities. They mean something else for every model, so a calibration belongs to one, and holds for
images like those it was made from.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reid import files
from reid.errors import ArtefactError, ConfigError
from reid.evaluation.logistic import fit_logistic
from reid.evaluation.pair_scan import scan_pairs
from reid.evaluation.strangers import HOW, Threshold, just_above, stranger_thresholds, unknown_below
from reid.evaluation.verification import BINS, RATES, verify
from reid.records import Embeddings
from reid.text import printable

FILE = "calibration.json"
FORMAT = 1


@dataclass(frozen=True)
class Calibration:
    """What the scores of a model mean, learned from pairs of validation images.

    Attributes:
        model: fingerprint of the model; "" for vectors from elsewhere.
        identities: that the images show.
        images: that were compared.
        matching_pairs: of one identity; of different cameras only, if `across_cameras`.
        other_pairs: of two identities.
        across_cameras: whether matching pairs are of different cameras only.
        thresholds: score that at most this share of the other pairs reaches, by false match rate ("1e-4" .. "1e-1");
            None where there are fewer such pairs than one over the rate. Above 1 where no score is high enough.
        match_rates: share of the matching pairs that reach it, likewise.
        slope: of the logistic curve, 0 or larger.
        intercept: of the logistic curve.
        queries: whose best scores were looked at, for `unknown`.
        unknown: thresholds for the best score of a query, see `reid.evaluation.strangers`.
    """

    model: str
    identities: int
    images: int
    matching_pairs: int
    other_pairs: int
    across_cameras: bool
    thresholds: Mapping[str, float | None]
    match_rates: Mapping[str, float | None]
    slope: float
    intercept: float
    queries: int
    unknown: tuple[Threshold, ...]

    def probability(self, scores: ArrayLike, *, prior: float = 0.5) -> NDArray[np.float64]:
        """The probability that two images with a score show the same identity.

        It is that of a pair picked among as many matching as other pairs, for a prior of 1/2. In a gallery most images
        are of other identities, and a high score is less of a proof there: `prior` is the share of matching pairs.

        Args:
            scores: of any shape.
            prior: probability before the score is known, between 0 and 1.

        Raises:
            ConfigError: the prior is not between 0 and 1.
        """
        if not 0 < prior < 1:
            raise ConfigError(f"a prior lies between 0 and 1, got {prior:g}")
        odds = self.slope * np.asarray(scores, dtype=np.float64) + self.intercept + np.log(prior / (1 - prior))
        small = np.exp(-np.abs(odds))  # never overflows
        return np.asarray(np.where(odds >= 0, 1, small) / (1 + small))

    def threshold(self, false_matches: float) -> float:
        """The score that at most this share of the pairs of two identities reaches.

        Args:
            false_matches: the share; where it has no threshold, the next lower one that has one is kept instead.

        Raises:
            ConfigError: it is lower than the pairs can tell.
        """
        told = {float(rate): score for rate, score in self.thresholds.items() if score is not None}
        low = [rate for rate in told if rate <= false_matches * (1 + 1e-9)]
        if not low:
            can = f"the lowest is {min(told):g}" if told else "none can be told"
            raise ConfigError(
                f"a false match rate of {false_matches:g} is lower than {self.other_pairs:,} pairs can tell: {can}"
            )
        return told[max(low)]

    def unknown_below(self, identities: int, *, false_alarms: float | None = None) -> Threshold:
        """The best score below which a query is "unknown" in a gallery of so many identities.

        Args:
            identities: in the gallery; images whose identity is not known count as one each.
            false_alarms: wanted share of queries whose identity the gallery lacks that are answered all the same; None
                is 1e-2, or the lowest above it that the queries can tell.

        Raises:
            ConfigError: it is lower than the queries can tell, or the number is below 1.
        """
        return unknown_below(self.unknown, identities, false_alarms)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        content = asdict(self)
        content["thresholds"], content["match_rates"] = dict(self.thresholds), dict(self.match_rates)
        return {"format": FORMAT, **content, "prior": 0.5}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """A calibration from `to_dict`.

        Raises:
            ArtefactError: a field is missing or holds what it cannot, or a newer version wrote it.
        """
        if (found := content.get("format")) != FORMAT:
            newer = isinstance(found, int) and found > FORMAT
            what = f"newer than this version reads ({FORMAT}); update reid-toolkit" if newer else "which is unknown"
            raise ArtefactError(f"a calibration has format {printable(found)}, {what}")
        try:
            known = {name: content[name] for name in cls.__dataclass_fields__}
            known["unknown"] = tuple(Threshold(**one) for one in content["unknown"])
            made = cls(**known)
            problem = _problem(made)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            problem = f"{type(error).__name__}: {error}"
        if problem:
            raise ArtefactError(f"a calibration cannot be read: {printable(problem)}; make it again")
        return made


def calibrate(images: Embeddings, *, seed: int = 0) -> Calibration:
    """Learn what the scores of a model mean.

    Args:
        images: of identities that it was not trained on; junk is left out.
        seed: decides which images are drawn where there are more than 2**28 pairs of two identities.

    Raises:
        DataError: fewer than two identities, or none with two images.
    """
    scan = scan_pairs(images, seed=seed)
    found = verify(scan.pairs)
    edges = {name: None if edge is None else 1 - edge for name, edge in found.thresholds.items()}
    middles = 1 - (np.arange(BINS) + 0.5) * found.width
    slope, intercept = fit_logistic(middles, scan.pairs.matching, scan.pairs.others)
    return Calibration(
        model=images.model,
        identities=scan.identities,
        images=scan.images,
        matching_pairs=found.matching_pairs,
        other_pairs=found.other_pairs,
        across_cameras=scan.across_cameras,
        # what lies on an edge was counted as refused
        thresholds={name: None if edge is None else just_above(edge) for name, edge in edges.items()},
        match_rates=dict(found.tpr),
        slope=slope,
        intercept=intercept,
        queries=len(scan.best),
        unknown=stranger_thresholds(scan.best),
    )


def save_calibration(run: Path, calibration: Calibration) -> None:
    """Write `calibration.json` into the folder of a run.

    Raises:
        OutputError: nothing may be written there.
        ArtefactError: the disk is full or failed.
    """
    files.write_signed_json(run / FILE, calibration.to_dict())


def load_calibration(run: Path, model: str) -> Calibration | None:
    """The calibration of a run; None where it has none, as it held out no identities.

    Args:
        run: its folder, or the `model.safetensors` in it.
        model: fingerprint of the run's model.

    Raises:
        ArtefactError: it was altered, is of a newer version, or belongs to another model than the run's.
    """
    path = (run.parent if run.suffix == ".safetensors" else run) / FILE
    if not path.is_file():
        return None
    try:
        found = Calibration.from_dict(files.read_signed_json(path))
    except ArtefactError as error:
        raise ArtefactError(f"{printable(path)}: {error}") from error
    if found.model != model:
        raise ArtefactError(
            f"{printable(path)} belongs to model {found.model[:12] or 'unknown'}, and the run's is {model[:12] or 'unknown'}; "
            "bring the run to its end with reid-train --resume, which makes it again"
        )
    return found


def _problem(made: Calibration) -> str:
    """What in a calibration cannot be; empty where all can."""
    counts = (made.identities, made.images, made.matching_pairs, made.other_pairs, made.queries)
    scores = [made.thresholds.get(name) for name in RATES] + [one.score for one in made.unknown]
    shares = [made.match_rates.get(name) for name in RATES] + [one.rate for one in made.unknown]
    kinds: tuple[tuple[Any, type], ...] = ((made.model, str), (made.across_cameras, bool))
    if not all(isinstance(value, kind) for value, kind in kinds):
        return "model or across_cameras is of the wrong kind"
    if not all(isinstance(count, int) and count > 0 for count in counts):
        return f"numbers of images and pairs are {counts}"
    if set(made.thresholds) != set(RATES) or set(made.match_rates) != set(RATES):
        return f"rates are {sorted(made.thresholds)} and {sorted(made.match_rates)}"
    if not all(score is None or -1 <= score <= just_above(1.0) for score in scores):
        return f"thresholds are {scores}"
    if not all(share is None or 0 <= share <= 1 for share in shares):
        return f"rates are {shares}"
    if not (0 <= made.slope < math.inf and math.isfinite(made.intercept)):
        return f"the curve has slope {made.slope} and intercept {made.intercept}"
    if any(one.how not in HOW or one.identities < 1 for one in made.unknown):
        return "a threshold for strangers was found in no known way"
    return ""
