"""Images found, gathered by identity, and whether enough of them were fetched for the answer to be final."""

import math
from collections.abc import Callable, Sequence

from reid.errors import GalleryError
from reid.gallery.entries import Stored
from reid.gallery.store import MAX_HITS

Found = Sequence[tuple[Stored, float]]
"""Images with their cosine similarities to a query, best first, then by id."""

Groups = list[list[int]]
"""Places in `Found` of the images of each identity, ascending."""


def grouped(found: Found) -> Groups:
    """The places of the images of each identity, in the order of first places; images without one stand alone."""
    groups: dict[str | int, list[int]] = {}
    for place, (image, _) in enumerate(found):
        groups.setdefault(image.id if image.identity is None else image.identity, []).append(place)
    return list(groups.values())


def mean_of_best(found: Found, places: Sequence[int], m: int) -> float:
    """Mean score of the best `m` of some images, or of all where there are fewer."""
    best = sorted((found[place][1] for place in places), reverse=True)[:m]
    return math.fsum(best) / len(best)


def ordered(found: Found, groups: Groups, m: int) -> Groups:
    """Groups by the mean score of their best `m` images, best first, then by the id of their best image."""
    return sorted(groups, key=lambda places: _key(found, places, m))


def joined(found: Found, extra: Found) -> list[tuple[Stored, float]]:
    """Both, each image once, best first, then by id."""
    by_id = {image.id: (image, score) for image, score in (*extra, *found)}
    return sorted(by_id.values(), key=lambda pair: (-pair[1], pair[0].id))


def enough(found: Found, k: int, *, m: int = 1, exhausted: bool = False, extra: Found = ()) -> bool:
    """Whether no image that was not fetched can change which k identities come first, or their scores.

    Args:
        found: the best images of the gallery.
        k: identities wanted.
        m: images that the score of an identity is the mean of.
        exhausted: whether these are all images that there are.
        extra: the best m images of some identities, each fetched for itself; see `unsettled`.
    """
    _check(k, m)
    if exhausted:
        return True
    every = joined(found, extra)
    groups = grouped(every)
    settled = ordered(every, [places for places in groups if _settled(every, places, m, extra)], m)
    if len(settled) < k or unsettled(found, k, m=m, extra=extra):
        return False
    return m == 1 or mean_of_best(every, settled[k - 1], m) >= found[-1][1]  # no other image scores more than the last


def unsettled(found: Found, k: int, *, m: int = 1, extra: Found = ()) -> list[str]:
    """Identities that might be among the first k and of which fewer than `m` images were fetched, the best first.

    More images of them would lower their score, which is the mean of all where an identity has fewer than m.
    """
    _check(k, m)
    every = joined(found, extra)
    groups = ordered(every, grouped(every), m)[:k]  # of those further back the most that they can be is not enough
    return [
        identity
        for places in groups
        if not _settled(every, places, m, extra) and (identity := every[places[0]][0].identity) is not None
    ]


def fetch_identities(
    best: Callable[[int], Found], of: Callable[[str], Found], k: int, *, m: int = 1, most: int = MAX_HITS
) -> list[tuple[Stored, float]]:
    """Fetch images until k identities, their order and their scores are final, or `most` images are not enough.

    Args:
        best: the best images of the gallery, as many as it is called with, or all that there are.
        of: the best m images of an identity.
        k: identities wanted.
        m: images that the score of an identity is the mean of.
        most: images to fetch at most, beside those of single identities.

    Returns:
        What was found, to be grouped.

    Raises:
        GalleryError: a number is less than 1.
    """
    _check(k, m)
    count, extra = min(most, 4 * k * m), list[tuple[Stored, float]]()
    while True:
        found = best(count)
        exhausted = len(found) < count
        while not exhausted and (names := unsettled(found, k, m=m, extra=extra)):
            extra += [pair for name in names for pair in of(name)]
        if count >= most or enough(found, k, m=m, exhausted=exhausted, extra=extra):
            return joined(found, extra)
        count = min(most, 4 * count)


def _key(found: Found, places: Sequence[int], m: int) -> tuple[float, int]:
    first = min(places, key=lambda place: (-found[place][1], found[place][0].id))
    return -mean_of_best(found, places, m), found[first][0].id


def _settled(found: Found, places: Sequence[int], m: int, extra: Found) -> bool:
    identity = found[places[0]][0].identity
    return identity is None or len(places) >= m or any(image.identity == identity for image, _ in extra)


def _check(k: int, m: int) -> None:
    for name, value in (("number of hits", k), ("number of images that a score is the mean of", m)):
        if value < 1:
            raise GalleryError(f"the {name} must be at least 1, got {value}")
