"""From images found to answers: one hit an image or an identity, with a probability, or "unknown"."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from reid.errors import GalleryError
from reid.gallery.entries import Hit, Stored
from reid.gallery.grouping import Found, grouped, mean_of_best, ordered

Probability = Callable[[Sequence[float]], NDArray[Any]]
"""From scores to probabilities of "same identity", as `Calibration.probability`."""

SHOWN = 5
"""Images of an identity in an answer."""


@dataclass(frozen=True, slots=True)
class IdentityHit:
    """One identity found, or an image without one.

    Attributes:
        rank: from 1, best first.
        identity: its name; None where the image has none.
        score: that of its best image, or the mean of its best few, -1..1.
        images: its best images, best first; their ranks are those among all images found.
        probability: of `score` as if it were that of one pair of images, 0..1; None where the model was not calibrated.
    """

    rank: int
    identity: str | None
    score: float
    images: tuple[Hit, ...]
    probability: float | None = None

    @property
    def image(self) -> Stored:
        """The best image."""
        return self.images[0].image

    @property
    def camera(self) -> int | None:
        """Number of the best image's camera; None where it is not known."""
        return self.image.camera

    @property
    def path(self) -> Path:
        """Of the best image's file."""
        return self.images[0].path

    def to_dict(self) -> dict[str, object]:
        """As plain values for JSON: those of the best image, and all images."""
        return {
            **self.images[0].to_dict(),
            "rank": self.rank,
            "score": self.score,
            **({} if self.probability is None else {"probability": self.probability}),
            "images": [hit.to_dict() for hit in self.images],
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gallery says to a query.

    Attributes:
        hits: best first; what comes nearest, also where that is unknown.
        unknown: nothing was found, or no image that scores as much as the threshold: the gallery has no image of it.
        threshold: score from which an image is taken to show the query's identity; None where any is.
    """

    hits: tuple[Hit, ...] | tuple[IdentityHit, ...]
    unknown: bool
    threshold: float | None = None

    @property
    def identity(self) -> str | None:
        """Name of the first hit's identity; None if that is unknown, or the image has none."""
        return None if self.unknown else self.hits[0].identity

    def to_dict(self) -> dict[str, object]:
        """As plain values for JSON."""
        return {
            "unknown": self.unknown,
            "threshold": self.threshold,
            "hits": [hit.to_dict() for hit in self.hits],
        }


def by_image(found: Found, k: int, *, threshold: float | None = None, probability: Probability | None = None) -> Answer:
    """An answer of images.

    Args:
        found: in the order of the answer.
        k: hits, or as many as there are.
        threshold: least score of an image that shows the query's identity; None takes any.
        probability: makes probabilities of scores; None leaves them out.

    Raises:
        GalleryError: `k` is less than 1.
    """
    _at_least_one(k)
    return Answer(tuple(_hits(found, range(min(k, len(found))), probability)), _unknown(found, threshold), threshold)


def by_identity(
    found: Found,
    k: int,
    *,
    m: int = 1,
    shown: int = SHOWN,
    as_ordered: bool = False,
    threshold: float | None = None,
    probability: Probability | None = None,
) -> Answer:
    """An answer of identities, each once; images without identity each stand alone.

    The score of an identity is the mean of its best m images, or of all that were found of it where those are fewer;
    whether enough were found is told by `reid.gallery.grouping.enough`. At equal scores the lower id of the best image
    comes first.

    Args:
        found: best first; or in an order of their own, see `as_ordered`.
        k: hits, or as many as there are.
        m: images that a score is the mean of.
        shown: images of each identity in the answer, at least m.
        as_ordered: identities come in the order in which their first images do, as after re-ranking, not by score.
        threshold: least score of an image that shows the query's identity; None takes any. It is compared with the best
            image, whatever m: that is what it was found for.
        probability: makes probabilities of scores; None leaves them out.

    Raises:
        GalleryError: `k` or `m` is less than 1.
    """
    _at_least_one(k)
    _at_least_one(m)
    groups = grouped(found)
    chosen = (groups if as_ordered else ordered(found, groups, m))[:k]
    scores = [mean_of_best(found, places, m) for places in chosen]
    told = [None] * len(scores) if probability is None else probability(scores).tolist()
    hits = tuple(
        IdentityHit(
            rank,
            found[places[0]][0].identity,
            score,
            tuple(_hits(found, places[: max(m, shown)], probability)),
            chance,
        )
        for rank, (places, score, chance) in enumerate(zip(chosen, scores, told, strict=True), 1)
    )
    return Answer(hits, _unknown(found, threshold), threshold)


def _hits(found: Found, places: Sequence[int], probability: Probability | None) -> list[Hit]:
    scores = [found[place][1] for place in places]
    told = [None] * len(scores) if probability is None else probability(scores).tolist()
    return [
        Hit(place + 1, score, found[place][0], chance)
        for place, score, chance in zip(places, scores, told, strict=True)
    ]


def _unknown(found: Found, threshold: float | None) -> bool:
    best = max((score for _, score in found), default=None)
    return best is None or (threshold is not None and best < threshold)


def _at_least_one(number: int) -> None:
    if number < 1:
        raise GalleryError(f"the numbers of hits and of images in a score must be at least 1, got {number}")
