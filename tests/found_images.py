"""Images found, with many equal scores, made by chance."""

from hypothesis import strategies as st

from reid.gallery.entries import Stored

NAMES = ("a", "b", "c", "d", None)

scored = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(-8, 8)), max_size=40)
"""Identity and score, in eighths, of the images 1, 2, ... of a gallery."""


def stored(number: int, identity: str | None) -> Stored:
    """Image `number` of a gallery."""
    return Stored(f"/g/{number}.png", identity, camera=number % 3, id=number)


def sorted_found(pairs) -> list[tuple[Stored, float]]:
    """What a store would find: best first, then by id."""
    found = [(stored(number, identity), score / 8) for number, (identity, score) in enumerate(pairs, 1)]
    return sorted(found, key=lambda pair: (-pair[1], pair[0].id))


def plain_groups(found, m):
    """Score, identity and ids of the images of each identity, best first, by loops."""
    members: dict[object, list[tuple[Stored, float]]] = {}
    for image, score in found:
        members.setdefault(image.id if image.identity is None else image.identity, []).append((image, score))
    groups = []
    for images in members.values():
        best = [score for _, score in images][:m]
        groups.append((-(sum(best) / len(best)), images[0][0].id, images[0][0].identity, [i.id for i, _ in images]))
    return [(-score, identity, ids) for score, _, identity, ids in sorted(groups, key=lambda group: group[:2])]
