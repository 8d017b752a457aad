"""Whether an exported model gives the vectors of the model that it was made from."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from reid.data.loader import Reader
from reid.embed import Fixed, Model, transform
from reid.embed.reading import Floats, compute_over
from reid.errors import ArtefactError
from reid.evaluation.all_vs_all import all_vs_all
from reid.records import JUNK, Embeddings, Integers, Records
from reid.rng import generator

LEAST_COSINE = 0.9999
LARGEST_DIFFERENCE = 1e-5
"""Of a number in a vector; below it, vectors of either model may stand in one gallery."""
PROBES, GALLERY, FIRST = 64, 1000, 10
_EQUAL = 1e-6  # scores nearer than this may change places by rounding alone


@dataclass(frozen=True)
class Comparison:
    """Two models on the same pictures.

    Attributes:
        noise: number of pictures of noise.
        noise_cosine: between the two vectors of such a picture, the smallest.
        images: number of other pictures, queries and gallery together.
        least_cosine: between the two vectors of an image, the smallest.
        mean_cosine: the mean of all images.
        largest_difference: between two numbers in the same place of the two vectors of any picture.
        queries: how many images were searched for among the others.
        gallery: how many the others are.
        same_order: queries whose first ten hits are the same in the same order, but for equal scores.
        rank1: share of the images whose nearest other one shows the same identity, by the original and by the exported
            model; None where identities are not known.
    """

    noise: int
    noise_cosine: float
    images: int
    least_cosine: float
    mean_cosine: float
    largest_difference: float
    queries: int
    gallery: int
    same_order: int
    rank1: tuple[float, float] | None

    def require_equal(self) -> None:
        """Refuse an export that is to compute the same as the original and does not.

        Raises:
            ArtefactError: it does not; what differs is named.
        """
        least, problems = min(self.noise_cosine, self.least_cosine), []
        if not least >= LEAST_COSINE:
            problems.append(f"a vector has a cosine of {least:.6f} with the original's, wanted {LEAST_COSINE}")
        if not self.largest_difference <= LARGEST_DIFFERENCE:
            problems.append(f"numbers differ by up to {self.largest_difference:.1e}, wanted {LARGEST_DIFFERENCE:.0e}")
        if self.same_order < self.queries:
            problems.append(f"{self.queries - self.same_order} of {self.queries} queries have other first hits")
        if problems:
            raise ArtefactError(
                f"nothing was written, as the exported model does not give the original's vectors: {'; '.join(problems)}; "
                "install other versions of torch and onnxruntime, or try another --opset"
            )


def compare(
    original: Model,
    exported: Model,
    records: Records,
    *,
    labelled: bool,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Comparison:
    """Two models on 64 pictures of noise and on images, of which 64, or a third if they are few, are searched for.

    Args:
        original: the model as it was trained.
        exported: the same as a file.
        records: images, each read once; best `PROBES + GALLERY` of `sample`.
        labelled: whether their identities mean anything.
        workers: loader processes; None chooses by the number of cores.
        progress: called with the number of images of each finished batch.

    Raises:
        DataError: no images, or one cannot be read.
    """
    description, models = original.description, (original, exported)
    shape = (PROBES, *description.image_size, 3)
    noise = generator(0, "noise for exported models").integers(0, 256, shape, dtype=np.uint8)
    made = np.stack([model.pictures(noise) for model in models])

    def both(batch: torch.Tensor) -> Floats:
        return np.concatenate([model.pictures(batch.numpy()) for model in models], axis=1)

    reader = Reader(records.files(), Fixed(transform(description)))
    found = compute_over(reader, both, torch.device("cpu"), workers=workers, progress=progress)
    first, second = np.split(found, 2, axis=1)
    cosines = _cosines(first, second)
    asked = np.linspace(0, len(records) - 1, min(PROBES, -(-len(records) // 3))).astype(np.int64)
    others = np.setdiff1d(np.arange(len(records)), asked)
    return Comparison(
        noise=PROBES,
        noise_cosine=float(_cosines(*made).min()),
        images=len(records),
        least_cosine=float(cosines.min()),
        mean_cosine=float(cosines.mean()),
        largest_difference=float(max(np.abs(made[0] - made[1]).max(), np.abs(first - second).max())),
        queries=len(asked),
        gallery=len(others),
        same_order=same_order(_scores(first, asked, others), _scores(second, asked, others)),
        rank1=_rank1(records, first, second) if labelled else None,
    )


def same_order(wanted: NDArray[np.float64], found: NDArray[np.float64]) -> int:
    """How many queries have the same first ten hits in the same order; hits with equal scores may change places.

    Args:
        wanted: (Q, G) scores by the original.
        found: (Q, G) scores by the exported model.
    """
    first, second = (np.argsort(-scores, axis=1, kind="stable")[:, :FIRST] for scores in (wanted, found))
    apart = np.abs(np.take_along_axis(wanted, first, 1) - np.take_along_axis(wanted, second, 1))
    return int(np.count_nonzero(((first == second) | (apart < _EQUAL)).all(axis=1)))


def sample(records: Records, count: int) -> Records:
    """At most `count` images, of whole identities as far as they go, the same every time.

    Args:
        records: of any number; junk comes last.
        count: 1 or larger.
    """
    if len(records) <= count:
        return records
    codes = np.where(records.identities == JUNK, len(records.identity_names), records.identities)
    place = generator(0, "identities for exported models").permutation(len(records.identity_names))
    rows: Integers = np.argsort(np.append(place, len(place))[codes], kind="stable")[:count]
    return records.select(np.sort(rows))


def _cosines(first: Floats, second: Floats) -> NDArray[np.float64]:
    """Of the rows of two (N, D), which need not be of unit length."""
    one, two = first.astype(np.float64), second.astype(np.float64)
    cosines: NDArray[np.float64] = (one * two).sum(axis=1) / np.sqrt((one**2).sum(axis=1) * (two**2).sum(axis=1))
    return cosines


def _scores(vectors: Floats, asked: Integers, others: Integers) -> NDArray[np.float64]:
    double = vectors.astype(np.float64)
    scores: NDArray[np.float64] = double[asked] @ double[others].T
    return scores


def _rank1(records: Records, first: Floats, second: Floats) -> tuple[float, float] | None:
    """Recall@1 of either, all against all; None where no image has another of its identity."""
    one, two = (
        all_vs_all(Embeddings(vectors, records, ""), ranks=[1], nmi_seeds=0, verification=False, bootstrap=0).recall[1]
        for vectors in (first, second)
    )
    return None if one is None or two is None else (one, two)
