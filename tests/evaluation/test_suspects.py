"""Suspects against plain loops, and labels that were swapped on purpose."""

import numpy as np
import pytest
from samples import drawn, embeddings

from reid.evaluation.suspects import find_suspects


def plain(vectors, names):
    """For every image: nearest of its own identity, its similarity, nearest of another, its similarity; by loops."""
    found = []
    for image, (vector, name) in enumerate(zip(vectors, names, strict=True)):
        best = {True: (-np.inf, -1), False: (-np.inf, -1)}
        for other, (another, its) in enumerate(zip(vectors, names, strict=True)):
            if other != image and (score := float(vector @ another)) > best[its == name][0]:
                best[its == name] = score, other
        found.append((*best[True][::-1], *best[False][::-1]))
    return found


def test_suspects_equal_those_of_loops():
    """Every listed image has the neighbours of a loop; lists are in order, one of each identity or pair, junk left out."""
    images = drawn(60, 9)
    found = find_suspects(images, number=8)
    names = images.records.names()
    known = [row for row, code in enumerate(images.records.identities) if code >= 0]
    unit = images.vectors / np.linalg.norm(images.vectors, axis=1, keepdims=True)
    expected = dict(zip(known, plain(unit[known], [names[row] for row in known]), strict=True))

    assert found.compared == len(known)
    for one in (*found.far, *found.near):
        own, own_similarity, other, other_similarity = expected[one.image]
        assert one.other == known[other]
        assert one.other_similarity == pytest.approx(other_similarity, abs=1e-6)
        assert (one.own == -1 and own == -1) or one.own == known[own]
        assert one.own_similarity == pytest.approx(own_similarity, abs=1e-6)
    margins = [one.own_similarity - one.other_similarity for one in found.far]
    assert margins == sorted(margins)
    assert margins[0] == pytest.approx(min(a - b for _, a, _, b in expected.values() if np.isfinite(a)), abs=1e-6)
    assert len({names[one.image] for one in found.far}) == len(found.far)
    pairs = [frozenset((names[one.image], names[one.other])) for one in found.near]
    assert len(set(pairs)) == len(pairs)
    assert [one.other_similarity for one in found.near] == sorted(
        (one.other_similarity for one in found.near), reverse=True
    )


def test_swapped_labels_come_first():
    """Two images that bear each other's name head the list; one identity under two names heads the other."""
    draw = np.random.default_rng(1)
    centres = np.linalg.qr(draw.normal(size=(12, 12)))[0]
    names = [f"{row // 5}" for row in range(50)]
    vectors = centres[np.arange(50) // 5] + 0.05 * draw.normal(size=(50, 12))
    names[3], names[22] = names[22], names[3]
    names[45:48] = ["split"] * 3
    found = find_suspects(embeddings(vectors, names))

    assert {one.image for one in found.far[:2]} == {3, 22}
    assert all(one.other_similarity - one.own_similarity > 0.6 for one in found.far[:2])
    pairs = [{names[one.image], names[one.other]} for one in found.near[:3]]
    assert {"9", "split"} in pairs


def test_only_some_are_compared():
    """Of too many images whole identities are left out, the same for the same seed; distractors are not judged."""
    images = drawn(60, 9)
    found = find_suspects(images, most=20, seed=1)
    kept = {images.records.identities[one.image] for one in (*found.far, *found.near)}

    assert 2 <= found.compared <= 20
    assert found == find_suspects(images, most=20, seed=1) != find_suspects(images, most=20, seed=2)
    judged = find_suspects(images, judged=np.array([0, 1, 2]))
    assert {images.records.identities[one.other] for one in judged.near} <= {0, 1, 2}
    assert len(kept) > 1
    nothing = find_suspects(images, judged=np.array([], dtype=np.int64))
    assert (nothing.far, nothing.near, nothing.compared) == ((), (), 0)
