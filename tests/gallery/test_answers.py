"""Answers against plain loops: who comes first, with which images, how likely, and when nobody does."""

import json
from pathlib import Path

import numpy as np
import pytest
from found_images import plain_groups, scored, sorted_found
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.errors import GalleryError
from reid.gallery.answers import Answer, IdentityHit, by_identity, by_image
from reid.gallery.entries import Hit, Stored

thresholds = st.none() | st.integers(-9, 9).map(lambda eighths: eighths / 8)


def probability(scores):
    """A straight line from -1 to 1."""
    return (np.asarray(scores) + 1) / 2


@settings(deadline=None, max_examples=40)
@given(scored, st.integers(1, 50), thresholds)
def test_images_equal_plain_loops(pairs, k, threshold):
    """The first k, ranked from 1, with the probability of each; unknown where none reaches the threshold."""
    found = sorted_found(pairs)
    answer = by_image(found, k, threshold=threshold, probability=probability)

    assert answer.hits == tuple(
        Hit(rank, score, image, (score + 1) / 2) for rank, (image, score) in enumerate(found[:k], 1)
    )
    assert answer.unknown == (not any(threshold is None or score >= threshold for _, score in found))
    assert answer.threshold == threshold
    assert by_image(found, k).hits == tuple(Hit(hit.rank, hit.score, hit.image) for hit in answer.hits)


@settings(deadline=None, max_examples=40)
@given(scored, st.integers(1, 6), st.integers(1, 4), st.integers(0, 6), thresholds)
def test_identities_equal_plain_loops(pairs, k, m, shown, threshold):
    """Each identity once, with the mean of its best m and its best images; ties by the lower id."""
    found = sorted_found(pairs)
    answer = by_identity(found, k, m=m, shown=shown, threshold=threshold, probability=probability)
    wanted = plain_groups(found, m)[:k]

    assert [(hit.rank, hit.identity, hit.score, hit.probability) for hit in answer.hits] == [
        (rank, identity, pytest.approx(score), pytest.approx((score + 1) / 2))
        for rank, (score, identity, _) in enumerate(wanted, 1)
    ]
    for hit, (_, _, ids) in zip(answer.hits, wanted, strict=True):
        assert [one.image.id for one in hit.images] == ids[: max(m, shown)]
        assert all(found[one.rank - 1] == (one.image, one.score) for one in hit.images)
    assert answer.unknown == by_image(found, k, threshold=threshold).unknown
    scores = [hit.score for hit in answer.hits]
    assert scores == sorted(scores, reverse=True)


@settings(deadline=None, max_examples=40)
@given(scored, st.integers(1, 6), st.randoms(use_true_random=False))
def test_an_order_of_their_own(pairs, k, random):
    """After re-ranking identities come as their first images do; scores and the threshold are those of cosines."""
    found = sorted_found(pairs)
    best = {image.identity: score for image, score in reversed(found) if image.identity is not None}
    random.shuffle(found)
    answer = by_identity(found, k, as_ordered=True, threshold=0.5)
    firsts = list(dict.fromkeys(image.id if image.identity is None else image.identity for image, _ in found))[:k]

    assert [hit.images[0].image.id if hit.identity is None else hit.identity for hit in answer.hits] == firsts
    assert all(hit.score == best[hit.identity] for hit in answer.hits if hit.identity is not None)
    assert answer.unknown == by_identity(sorted(found, key=lambda p: (-p[1], p[0].id)), k, threshold=0.5).unknown


def test_nothing_found():
    """Of an empty gallery everything is unknown, with a threshold or without."""
    for answer in (by_image([], 5), by_identity([], 5, probability=probability), by_image([], 5, threshold=-1.0)):
        assert (answer.hits, answer.unknown, answer.identity) == ((), True, None)


def test_the_identity_of_an_answer():
    """The first hit's, unless that is below the threshold."""
    found = sorted_found([("a", 6), ("b", 7)])

    assert by_image(found, 1).identity == by_identity(found, 1, threshold=7 / 8).identity == "b"
    assert by_identity(found, 1, threshold=0.9).identity is None
    assert by_identity(found, 1, threshold=0.9).hits[0].identity == "b"


def test_as_json():
    """An identity has the fields of its best image and lists its images; the answer says whether it is one."""
    image = Stored("/g/1.png", "a", 3, 12.5, "street", (1, 2, 3, 4), "0" * 64, id=7)
    hit = IdentityHit(1, "a", 0.75, (Hit(1, 1.0, image, 0.9), Hit(4, 0.5, image)), 0.8)
    content = json.loads(json.dumps(Answer((hit,), unknown=False, threshold=0.5).to_dict()))

    assert (content["unknown"], content["threshold"]) == (False, 0.5)
    assert content["hits"][0] == {
        **hit.images[0].to_dict(),
        "box": [1, 2, 3, 4],
        "rank": 1,
        "score": 0.75,
        "probability": 0.8,
        "images": [{**one.to_dict(), "box": [1, 2, 3, 4]} for one in hit.images],
    }
    assert "probability" not in IdentityHit(1, "a", 0.75, (Hit(1, 1.0, image),)).to_dict()
    assert (hit.image, hit.camera, hit.path) == (image, 3, Path("/g/1.png"))


def test_numbers_below_one():
    """Nothing is asked for."""
    for call in (lambda: by_image([], 0), lambda: by_identity([], 0), lambda: by_identity([], 1, m=0)):
        with pytest.raises(GalleryError, match="at least 1"):
            call()
