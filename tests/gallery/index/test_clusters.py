"""The file of lists: what is written is read, and nothing else is."""

import json
from dataclasses import replace

import numpy as np
import pytest
from plain_search import random

from reid.errors import ArtefactError, MissingInputError
from reid.files import sealing
from reid.gallery.index.clusters import Clusters

BINDING = {"uuid": "ab", "generation": 3}


def some():
    """Seven lists of 100 slots."""
    numbers = random(1)
    assignment = numbers.integers(-1, 7, 100).astype(np.int32)
    rows = int((assignment >= 0).sum())
    return Clusters(
        numbers.standard_normal((7, 5)).astype(np.float32),
        assignment,
        0.1,
        0.7,
        90,
        numbers.integers(0, 2**63, (2, rows)).astype(np.uint64),
        numbers.random(rows).astype(np.float32),
    )


def none():
    """One list without rows."""
    nothing = np.empty(0, dtype=np.float32)
    return Clusters(
        np.ones((1, 1), dtype=np.float32), nothing.astype(np.int32), 0.0, 0.5, 2, np.empty((1, 0), np.uint64), nothing
    )


def many(lists):
    """Almost all of them without rows."""
    one = none()
    assignment = np.array([lists - 1, -1, 0], dtype=np.int32)
    words, factors = np.ones((1, 2), np.uint64), np.ones(2, np.float32)
    return replace(one, centroids=np.ones((lists, 1), np.float32), assignment=assignment, words=words, factors=factors)


def test_round_trip(tmp_path):
    """All of it comes back, also without slots, and with more lists than two bytes can number."""
    for before in (some(), none(), many(2**16 - 1), many(2**16), many(2**16 + 1)):
        before.save(tmp_path / "lists", BINDING)
        after = Clusters.load(tmp_path / "lists", {"generation": 3, "uuid": "ab"})

        assert np.abs(before.centroids - after.centroids).max() <= np.abs(before.centroids).max() / 254 + 1e-6
        again = replace(before, centroids=after.centroids)
        again.save(tmp_path / "again", BINDING)
        assert np.allclose(Clusters.load(tmp_path / "again", BINDING).centroids, after.centroids, rtol=1e-6, atol=0)
        assert np.array_equal(before.assignment, after.assignment)
        assert np.array_equal(before.words, after.words)
        assert np.array_equal(before.factors, after.factors)
        assert (after.near, after.reach, after.trained) == (before.near, before.reach, before.trained)


def test_of_another_gallery(tmp_path):
    """The file of another gallery, or of another state of this one, is refused."""
    some().save(tmp_path / "lists", BINDING)

    for other in ({**BINDING, "generation": 4}, {"uuid": "ab"}, {}):
        with pytest.raises(ArtefactError, match="belongs to"):
            Clusters.load(tmp_path / "lists", other)
    with pytest.raises(MissingInputError):
        Clusters.load(tmp_path / "none", BINDING)


@pytest.mark.parametrize("number", range(60))
def test_damage(tmp_path, number):
    """One byte changed, or the end missing, anywhere: refused."""
    path = tmp_path / "lists"
    some().save(path, BINDING)
    content, numbers = bytearray(path.read_bytes()), random(number)
    place = int(numbers.integers(len(content)))
    if number % 2:
        content[place] ^= 1 << int(numbers.integers(8))
    path.write_bytes(content if number % 2 else content[:place])

    with pytest.raises(ArtefactError):
        Clusters.load(path, BINDING)


ABOUT = {"format": 3, "binding": {}, "centroids": [2, 3], "slots": 4, "near": 0, "reach": 1, "trained": 4, "words": 1}
CENTRES, ROWS = bytes(6 + 4 * 2), np.array([0, 1, -1, -1], dtype="<i2").tobytes()
SKETCHES = np.zeros(24, dtype=np.uint8).tobytes()
GOOD = CENTRES + ROWS + SKETCHES


@pytest.mark.parametrize(
    ("about", "rest", "said"),
    [
        ({**ABOUT, "slots": 10**15}, GOOD, "46 bytes"),
        ({**ABOUT, "centroids": [2**40, 2**40]}, GOOD, "46 bytes"),
        ({**ABOUT, "centroids": [-2, -3]}, GOOD, "46 bytes"),
        ({**ABOUT, "centroids": [0, 3], "slots": 10}, GOOD, "46 bytes"),
        ({**ABOUT, "words": 0}, GOOD, "46 bytes"),
        ({**ABOUT, "words": 10**12}, GOOD, "24 bytes"),
        (ABOUT, GOOD + b"more", "28 bytes"),
        ({**ABOUT, "centroids": 6}, GOOD, "first line"),
        ({**ABOUT, "trained": None}, GOOD, "first line"),
        ({**ABOUT, "near": "far"}, GOOD, "first line"),
        ({**ABOUT, "format": 2}, GOOD, "format 2"),
        ([1, 2], GOOD, "no table"),
        ("x" * 100_000, GOOD, "no JSON"),
        (ABOUT, bytes(6) + np.full(2, np.nan, dtype="<f4").tobytes() + ROWS + SKETCHES, "finite"),
        (ABOUT, CENTRES + ROWS + np.full(6, np.nan, dtype="<f4").tobytes(), "finite"),
        (ABOUT, CENTRES + np.array([0, 2, -1, -1], dtype="<i2").tobytes() + SKETCHES, "not there"),
        (ABOUT, CENTRES + np.array([0, 1, -1, -2], dtype="<i2").tobytes() + SKETCHES, "3 rows"),
    ],
)
def test_what_cannot_be(tmp_path, about, rest, said):
    """A file that is whole but says what cannot be is refused, before memory is asked for."""
    with sealing(tmp_path / "lists") as sink:
        sink.write(json.dumps(about).encode() + b"\n" + rest)

    with pytest.raises(ArtefactError, match=said):
        Clusters.load(tmp_path / "lists", {})


def test_the_smallest_that_can_be(tmp_path):
    """What the cases above were made of is read."""
    with sealing(tmp_path / "lists") as sink:
        sink.write(json.dumps(ABOUT).encode() + b"\n" + GOOD)

    assert Clusters.load(tmp_path / "lists", {}).words.shape == (1, 2)
