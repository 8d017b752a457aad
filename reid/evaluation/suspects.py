"""Where labels may be wrong: images that look like another identity, and identities that look like one.

A model that has learned the right thing from mostly right labels disagrees with the wrong ones (as the neighbours of a
sample do with its label: Wilson, "Asymptotic Properties of Nearest Neighbor Rules Using Edited Data", 1972). It also
disagrees where it is bad itself, so these are lists to look at, not lists of errors.
"""

from dataclasses import dataclass

import numpy as np

from reid import rng
from reid.distances import unit_rows
from reid.records import JUNK, Embeddings, Floats, Integers

MOST = 10_000
"""Images that are compared with each other; of more, whole identities are left out by chance."""

_BLOCK = 2**21  # similarities made at a time


@dataclass(frozen=True)
class Suspect:
    """An image whose label may be wrong.

    Attributes:
        image: row of the image.
        own: row of the most similar image of the same identity.
        own_similarity: cosine similarity of the two.
        other: row of the most similar image of another identity.
        other_similarity: cosine similarity of image and that one.
    """

    image: int
    own: int
    own_similarity: float
    other: int
    other_similarity: float


@dataclass(frozen=True)
class Suspects:
    """What to look at in a list of images.

    Attributes:
        far: images that resemble one of another identity more than any of their own, at most one of each identity, those
            with the largest difference first; further ones, for which it is the other way round, follow.
        near: images with the most similar image of another identity, at most one of each pair of identities, the most
            similar first; `own` is -1 where an image is the only one of its identity.
        compared: how many images were compared.
    """

    far: tuple[Suspect, ...]
    near: tuple[Suspect, ...]
    compared: int


def find_suspects(
    embedded: Embeddings, *, number: int = 12, judged: Integers | None = None, most: int = MOST, seed: int = 0
) -> Suspects:
    """Compare all images with each other.

    Args:
        embedded: the images; junk is left out.
        number: length of either list.
        judged: identity codes that may be suspects; None means all. Distractors, which share a name, are no identity.
        most: images to compare at most.
        seed: of what is left out beyond.

    Raises:
        ShapeError: vectors hold NaN or infinity.
    """
    rows = _chosen(embedded.records.identities, judged, most, seed)
    identities = embedded.records.identities[rows]
    if len(rows) < 2:
        return Suspects((), (), len(rows))
    found = _nearest(unit_rows(embedded.vectors[rows], "image"), identities)
    own, own_similarity, other, other_similarity = found

    def suspect(place: int) -> Suspect:
        kin = int(rows[own[place]]) if np.isfinite(own_similarity[place]) else -1
        return Suspect(
            int(rows[place]), kin, float(own_similarity[place]), int(rows[other[place]]), float(other_similarity[place])
        )

    both = np.flatnonzero(np.isfinite(own_similarity) & np.isfinite(other_similarity))
    by_margin = both[np.argsort((own_similarity - other_similarity)[both], kind="stable")]
    strangers = np.flatnonzero(np.isfinite(other_similarity))
    by_likeness = strangers[np.argsort(-other_similarity[strangers], kind="stable")]
    pairs = np.sort(np.stack([identities, identities[other]], axis=1), axis=1)
    return Suspects(
        tuple(suspect(place) for place in _first_of_each(by_margin, identities[:, np.newaxis], number)),
        tuple(suspect(place) for place in _first_of_each(by_likeness, pairs, number)),
        len(rows),
    )


def _chosen(identities: Integers, judged: Integers | None, most: int, seed: int) -> Integers:
    """Rows of whole identities, as many as fit."""
    known = identities != JUNK if judged is None else np.isin(identities, judged) & (identities != JUNK)
    rows = np.flatnonzero(known)
    if len(rows) <= most:
        return rows
    codes, sizes = np.unique(identities[rows], return_counts=True)
    order = rng.generator(seed, "suspects").permutation(len(codes))
    kept = codes[order[np.cumsum(sizes[order]) <= most]]
    return rows[np.isin(identities[rows], kept)]


def _nearest(vectors: Floats, identities: Integers) -> tuple[Integers, Floats, Integers, Floats]:
    """Of every image the place and similarity of the nearest of its identity, and of another; -inf where there is none."""
    number = len(vectors)
    own, other = np.zeros((2, number), dtype=np.int64)
    own_similarity, other_similarity = np.full((2, number), -np.inf, dtype=np.float32)
    step = max(1, _BLOCK // number)
    for start in range(0, number, step):
        part = slice(start, min(start + step, number))
        block = vectors[part] @ vectors.T
        same = identities[part, np.newaxis] == identities[np.newaxis]
        rows = np.arange(len(block))
        strange = np.where(same, -np.inf, block)
        other[part] = strange.argmax(axis=1)
        other_similarity[part] = strange[rows, other[part]]
        kin = np.where(same, block, -np.inf)
        kin[rows, start + rows] = -np.inf
        own[part] = kin.argmax(axis=1)
        own_similarity[part] = kin[rows, own[part]]
    return own, own_similarity, other, other_similarity


def _first_of_each(order: Integers, groups: Integers, number: int) -> list[int]:
    """The first places in `order` whose rows of `groups` are all different."""
    seen: set[tuple[int, ...]] = set()
    found: list[int] = []
    for place in order.tolist():
        group = tuple(groups[place].tolist())
        if group not in seen:
            seen.add(group)
            found.append(place)
        if len(found) == number:
            break
    return found
