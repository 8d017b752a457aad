"""What a protocol found, as values: the figures, and the counts without which they cannot be read."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from reid.evaluation.camera_pairs import CameraPairs
from reid.evaluation.explained import Explained, Verified
from reid.evaluation.open_set import OpenSet

Figure = float | None
"""A share in 0..1; None where it is undefined because no query has a match."""

RANKS = (1, 5, 10)
"""Ranks of the CMC curve that are reported by default."""

CURVE = 50
"""Ranks up to which the CMC curve is kept for drawing."""


@dataclass(frozen=True)
class Counts:
    """What went into the figures and what did not.

    Attributes:
        queries: queries asked, junk not among them.
        gallery: gallery images, junk not among them.
        queries_without_match: queries that no figure can count, as nothing in the gallery is right for them.
        queries_only_same_camera: those of them whose identity is in the gallery, but only on the query's own camera.
        junk: junk images removed from the gallery.
        junk_queries: junk queries left out.
        same_camera_removed: pairs of a query and a gallery image removed by the camera rule.
        ties: pairs of a match and a non-match at the same distance; the non-match ranks first.
        queries_with_ties: queries that have such a pair.
        queries_in_gallery: queries whose very file is in the gallery too, where it does not count for them.
        camera_rule: "applied", "no cameras", "off" or "not in this protocol".
        query_cameras: different known cameras of the queries, junk left out; 0 also where a protocol knows none.
        gallery_cameras: those of the gallery.
        common_cameras: those that are in both.
    """

    queries: int
    gallery: int
    queries_without_match: int
    queries_only_same_camera: int
    junk: int
    junk_queries: int
    same_camera_removed: int
    ties: int
    queries_with_ties: int
    queries_in_gallery: int
    camera_rule: str
    query_cameras: int = 0
    gallery_cameras: int = 0
    common_cameras: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True)
class RankingReport(Verified):
    """Queries against a gallery.

    Attributes:
        cmc: share of queries with a match among the first k, by k.
        mAP: mean average precision.
        mINP: mean inverse negative penalty.
        average_precision: which definition `mAP` follows, "step" or "trapezoid".
        counts: what was scored.
        curve: CMC at ranks 1, 2, 3, ...; empty where it is undefined.
        open_set: rates with queries whose identity the gallery lacks; None where there are none, or not asked for.
        camera_pairs: figures by query camera and gallery camera; None where not asked for or no camera is known.
    """

    cmc: Mapping[int, Figure]
    mAP: Figure  # noqa: N815  the field's spelling
    mINP: Figure  # noqa: N815
    average_precision: str
    counts: Counts
    curve: tuple[float, ...] = ()
    open_set: OpenSet | None = None
    camera_pairs: CameraPairs | None = None

    def figures(self) -> dict[str, Figure]:
        """The figures by name: rank1, rank5, ..., mAP, mINP."""
        return {**{f"rank{k}": value for k, value in self.cmc.items()}, "mAP": self.mAP, "mINP": self.mINP}

    def to_dict(self) -> dict[str, Any]:
        """As JSON: the figures as plain numbers, then the counts, then what explains them."""
        return {
            **self.figures(),
            "average_precision": self.average_precision,
            **self.counts.to_dict(),
            **self.explanation(),
            "open_set": self.open_set and self.open_set.to_dict(),
            "camera_pairs": self.camera_pairs and self.camera_pairs.to_dict(),
        }


@dataclass(frozen=True)
class SingleShotReport(Explained):
    """Trials that each draw one image per identity as the gallery and ask all others.

    Attributes:
        trials: what every trial found; at least one.
        seed: what the draws depend on.
    """

    trials: tuple[RankingReport, ...]
    seed: int

    @property
    def counts(self) -> Counts:
        """Counts of one trial, which are the same in all; ties are those of all trials together."""
        summed = {name: sum(getattr(t.counts, name) for t in self.trials) for name in ("ties", "queries_with_ties")}
        return Counts(**{**self.trials[0].counts.to_dict(), **summed})

    @property
    def average_precision(self) -> str:
        """Which definition mAP follows."""
        return self.trials[0].average_precision

    @property
    def curve(self) -> tuple[float, ...]:
        """Mean CMC curve of the trials."""
        return tuple(np.mean([trial.curve for trial in self.trials], axis=0).tolist())

    def figures(self) -> dict[str, dict[str, Figure]]:
        """Mean and population standard deviation (divided by the number of trials) of every figure, by name."""
        every = [trial.figures() for trial in self.trials]
        return {name: _spread([figures[name] for figures in every]) for name in every[0]}

    def to_dict(self) -> dict[str, Any]:
        """As JSON: mean and std of the figures, the counts, the figures of each trial, and what explains them."""
        return {
            **self.figures(),
            "trials": len(self.trials),
            "seed": self.seed,
            "std": "population standard deviation over trials",
            "average_precision": self.average_precision,
            **self.counts.to_dict(),
            "per_trial": [trial.figures() for trial in self.trials],
            **self.explanation(),
        }


@dataclass(frozen=True)
class AllVsAllReport(Verified):
    """Every image asked against all others.

    Attributes:
        recall: share of queries with a match among the first k, by k.
        mAP: mean average precision over all matches.
        map_at_r: mean average precision within the first R, R being the query's number of matches.
        r_precision: share of matches among the first R.
        mINP: mean inverse negative penalty.
        nmi: of every clustering; empty where it was not asked for or is undefined.
        average_precision: which definition `mAP` follows.
        counts: what was scored.
        curve: recall at 1, 2, 3, ...; empty where it is undefined.
        f1: pairwise F1 of every clustering; empty likewise.
    """

    recall: Mapping[int, Figure]
    mAP: Figure  # noqa: N815
    map_at_r: Figure
    r_precision: Figure
    mINP: Figure  # noqa: N815
    nmi: tuple[float, ...]
    average_precision: str
    counts: Counts
    curve: tuple[float, ...] = ()
    f1: tuple[float, ...] = ()

    def figures(self) -> dict[str, Figure]:
        """The figures by name: R@1, R@5, ..., mAP, map_at_r, r_precision, mINP, nmi, f1 (means of the clusterings)."""
        named = {"mAP": self.mAP, "map_at_r": self.map_at_r, "r_precision": self.r_precision, "mINP": self.mINP}
        recall = {f"R@{k}": value for k, value in self.recall.items()}
        clustered = {name: float(np.mean(of)) if of else None for name, of in (("nmi", self.nmi), ("f1", self.f1))}
        return {**recall, **named, **clustered}

    def to_dict(self) -> dict[str, Any]:
        """As JSON: recall by k, the other figures as plain numbers, the counts, and what explains them."""
        others = {name: value for name, value in self.figures().items() if not name.startswith("R@")}
        recall = {str(k): value for k, value in self.recall.items()}
        return {
            "recall": recall,
            **others,
            "nmi_per_clustering": list(self.nmi),
            "f1_per_clustering": list(self.f1),
            "average_precision": self.average_precision,
            **self.counts.to_dict(),
            **self.explanation(),
        }


Report = RankingReport | SingleShotReport | AllVsAllReport


def _spread(values: Sequence[Figure]) -> dict[str, Figure]:
    known = [value for value in values if value is not None]
    if not known:
        return {"mean": None, "std": None}
    return {"mean": float(np.mean(known)), "std": float(np.std(known))}
