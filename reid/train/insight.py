"""What each learner did in an epoch, and what its part of the embedding is worth on its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reid import rng
from reid.distances import CosineDistances
from reid.errors import ConfigError, DataError, ShapeError
from reid.evaluation.matches import Labels, Rules
from reid.evaluation.metrics import hits
from reid.evaluation.ranking import rank_matches
from reid.records import JUNK, Embeddings, Floats, Integers

QUERIES = 2000
"""Images that ask in `slice_recalls` when there are more: the standard error of a recall is then 1.1 points at most."""
_UNREAD = 256  # values that may wait on the device before they are read together


class LearnerTally:
    """Adds up, over an epoch, what each learner trained on.

    Tensors are kept as they are and read many at a time, so that no step waits for the device. All numbers so far are
    a plain `state`, with which the sums go on in another process as if nothing had happened, to the last bit.

    Args:
        learners: K of this epoch; 1 where batches come from the whole training set.
    """

    def __init__(self, learners: int) -> None:
        self.learners = learners
        self._batches, self._images = [0] * learners, [0] * learners
        self._loss, self._active, self._counted = [0.0] * learners, [0.0] * learners, [0] * learners
        self._without_pairs = 0
        self._unread: list[tuple[int, Tensor | float, Tensor | float | None]] = []

    def add(
        self,
        learner: int | None,
        loss: Tensor | float,
        images: int,
        *,
        active: Tensor | float | None = None,
        pairs: bool = True,
    ) -> None:
        """Count one batch.

        Args:
            learner: whose cluster it comes from; None, for the whole training set, counts as 0.
            loss: of the batch, a number or a tensor without dimensions.
            images: in the batch.
            active: pairs with a loss above zero, likewise; None where the loss does not count them.
            pairs: whether the batch holds anything to learn from, see `holds_pairs`.
        """
        learner = learner or 0
        self._batches[learner] += 1
        self._images[learner] += images
        self._without_pairs += not pairs
        self._unread.append((learner, _detached(loss), None if active is None else _detached(active)))
        if len(self._unread) >= _UNREAD:
            self._read()

    def mean_loss(self) -> float | None:
        """Over all batches so far; None where there were none."""
        self._read()
        return sum(self._loss) / sum(self._batches) if sum(self._batches) else None

    def seen(self) -> int:
        """Images so far."""
        return sum(self._images)

    def event(self, epoch: int, recalls: "SliceRecalls | None" = None) -> dict[str, Any]:
        """The event "learners" of an epoch.

        Args:
            epoch: of the run.
            recalls: of the learners' slices after it, if they were measured.

        Returns:
            "event", "epoch"; "loss" and "active_pairs" (K) means over the batches of each learner, None where there
            were none; "images" and "batches" (K) counts; "without_pairs", the number of batches without anything to
            learn from; "recall", what `SliceRecalls.figures` gives, or None.
        """
        self._read()
        return {
            "event": "learners",
            "epoch": epoch,
            "loss": _means(self._loss, self._batches),
            "images": list(self._images),
            "active_pairs": _means(self._active, self._counted),
            "batches": list(self._batches),
            "without_pairs": self._without_pairs,
            "recall": None if recalls is None else recalls.figures(),
        }

    def state(self) -> dict[str, Any]:
        """All numbers so far, for a checkpoint."""
        self._read()
        return {
            "batches": list(self._batches),
            "images": list(self._images),
            "loss": list(self._loss),
            "active": list(self._active),
            "counted": list(self._counted),
            "without_pairs": self._without_pairs,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The tally that had this `state`."""
        tally = cls(len(state["batches"]))
        tally._batches, tally._images = list(state["batches"]), list(state["images"])
        tally._loss, tally._active = list(state["loss"]), list(state["active"])
        tally._counted, tally._without_pairs = list(state["counted"]), state["without_pairs"]
        return tally

    def _read(self) -> None:
        learners = [learner for learner, _, _ in self._unread]
        for learner, loss in zip(learners, _numbers([loss for _, loss, _ in self._unread]), strict=True):
            self._loss[learner] += loss
        counted = [(learner, active) for learner, _, active in self._unread if active is not None]
        for (learner, _), number in zip(counted, _numbers([active for _, active in counted]), strict=True):
            self._active[learner] += number
            self._counted[learner] += 1
        self._unread.clear()


@dataclass(frozen=True)
class SliceRecalls:
    """Recall@1 of each learner's part of the embedding alone, and of all together.

    Attributes:
        each: (K,) fractions, of one learner after the other.
        whole: of the whole embedding.
        queries: how many images were asked.
    """

    each: tuple[float, ...]
    whole: float
    queries: int

    @property
    def gain(self) -> float:
        """What all together find more than the best of them does alone."""
        return self.whole - max(self.each)

    def figures(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {"each": list(self.each), "whole": self.whole, "gain": self.gain, "queries": self.queries}


def slice_recalls(
    embeddings: Embeddings,
    learners: int,
    *,
    queries: int = QUERIES,
    seed: int = 0,
    weights: Floats | None = None,
) -> SliceRecalls:
    """Recall@1, every image against all others, of each learner's columns as vectors of their own and of all columns.

    Args:
        embeddings: (N, d) vectors of held-out identities.
        learners: K; learner k owns the k-th of K equal parts of the columns.
        queries: most images to ask, drawn from those that have a match; all are searched.
        seed: of the draw.
        weights: (K, d) of learned subspaces: learner k sees the vector times its row, as its loss does where the
            whole embedding has one norm (normalise "whole"). None for fixed slices.

    Raises:
        ConfigError: K does not divide d.
        ShapeError: `weights` are not (K, d).
        DataError: no image has a match.
    """
    vectors = embeddings.vectors
    if vectors.shape[1] % learners:
        raise ConfigError(f"{vectors.shape[1]} columns cannot be shared equally by {learners} learners")
    if weights is not None and weights.shape != (learners, vectors.shape[1]):
        raise ShapeError(f"weights of {learners} learners have shape {weights.shape}, not {learners, vectors.shape[1]}")
    asked = _queries(embeddings.records.identities, queries, seed)
    labels = Labels(embeddings.records.identities)
    views = np.split(vectors, learners, axis=1) if weights is None else (vectors * weight for weight in weights)
    each = tuple(_recall(np.ascontiguousarray(view), labels, asked) for view in views)
    return SliceRecalls(each, _recall(vectors, labels, asked), len(asked))


def holds_pairs(identities: Integers, rows: Integers) -> bool:
    """Whether a batch has two images of one identity, and another identity: without either a loss of pairs is 0.

    Args:
        identities: (B,) of the images.
        rows: (B,) place of each in the training set; an image that stands there twice is no pair.
    """
    _, first = np.unique(rows, return_index=True)
    counts = np.unique(identities[first], return_counts=True)[1]
    return len(counts) > 1 and int(counts.max()) > 1


def _queries(identities: Integers, most: int, seed: int) -> Integers:
    _, group, counts = np.unique(identities, return_inverse=True, return_counts=True)
    able = np.flatnonzero((counts[group] > 1) & (identities != JUNK))
    if not len(able):
        raise DataError("no two images show the same identity, so there is nothing to find")
    return np.sort(rng.generator(seed, "slice recalls").permutation(able)[:most])


def _recall(vectors: Floats, labels: Labels, asked: Integers) -> float:
    distances = CosineDistances(vectors[asked], vectors)
    found = rank_matches(distances, Labels(labels.identities[asked]), labels, rules=Rules(itself=asked))
    return float(hits(found, 1).mean())


def _detached(value: Tensor | float) -> Tensor | float:
    return value.detach() if isinstance(value, Tensor) else value


def _numbers(values: list[Tensor | float]) -> list[float]:
    tensors = [value for value in values if isinstance(value, Tensor)]
    read: NDArray[np.float64] = (
        torch.stack(tensors).cpu().double().numpy() if tensors else np.zeros(0)  # the device is waited for once
    )
    numbers = iter(read.tolist())
    return [next(numbers) if isinstance(value, Tensor) else float(value) for value in values]


def _means(sums: list[float], counts: list[int]) -> list[float | None]:
    return [total / count if count else None for total, count in zip(sums, counts, strict=True)]
