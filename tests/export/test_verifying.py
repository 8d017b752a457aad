"""What is measured of an export is what a plain loop measures, and what is not equal is refused."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import exports
import numpy as np
import pytest
from exports import Exports
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.errors import ArtefactError, DataError
from reid.export.verifying import Comparison, compare, same_order, sample
from reid.records import JUNK, build

EQUAL = Comparison(64, 1.0, 100, 1.0, 1.0, 1e-7, 64, 36, 64, None)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Exports:
    return exports.exported(tmp_path_factory)


@dataclass(frozen=True)
class Turned:
    """A model whose vectors are those of another, turned a little and in another length."""

    model: Any
    angle: float

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def pictures(self, batch: np.ndarray) -> np.ndarray:
        vectors = self.model.pictures(batch)
        return np.cos(self.angle) * vectors + np.sin(self.angle) * np.roll(vectors, 1, axis=1) * np.tile([1, -1], 8)


def test_a_model_compared_with_itself_is_equal(made: Exports) -> None:
    """Cosines of 1, no difference, every query's hits; Rank-1 by a plain search."""
    model = made.embedder().model
    found = compare(model, model, made.records, labelled=True, workers=0)
    vectors = made.embedder().embed(made.records.files()).astype(np.float64)
    scores = vectors @ vectors.T - 3 * np.eye(60)
    right = np.mean(made.records.identities[scores.argmax(axis=1)] == made.records.identities)

    found.require_equal()
    assert (found.noise, found.images, found.queries, found.gallery, found.same_order) == (64, 60, 20, 40, 20)
    assert found.largest_difference == 0
    assert found.rank1 == pytest.approx((right, right))
    assert min(found.least_cosine, found.noise_cosine, found.mean_cosine) == pytest.approx(1, abs=1e-12)


def test_what_two_models_differ_by_is_measured(made: Exports) -> None:
    """Cosines and differences of vectors that are known; identities that mean nothing give no Rank-1."""
    model = made.embedder().model
    found = compare(model, Turned(model, 0.3), made.records, labelled=False, workers=0)
    one = made.embedder().embed(made.records.files())
    two = np.cos(0.3) * one + np.sin(0.3) * np.roll(one, 1, axis=1) * np.tile([1, -1], 8)
    cosines = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(one, two, strict=True)]

    assert found.least_cosine == pytest.approx(min(cosines), abs=1e-6)
    assert found.mean_cosine == pytest.approx(np.mean(cosines), abs=1e-6)
    assert found.largest_difference >= np.abs(one - two).max() - 1e-6
    assert found.rank1 is None
    with pytest.raises(ArtefactError, match="nothing was written"):
        found.require_equal()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"least_cosine": 0.9998}, r"a vector has a cosine of 0\.999800 with the original's, wanted 0\.9999"),
        ({"noise_cosine": float("nan")}, "a cosine of nan"),
        ({"largest_difference": 2e-5}, r"numbers differ by up to 2\.0e-05, wanted 1e-05"),
        ({"largest_difference": float("nan")}, "numbers differ by up to nan"),
        ({"same_order": 61}, "3 of 64 queries have other first hits"),
    ],
)
def test_every_bound_is_kept(change: dict[str, float], message: str) -> None:
    """One figure beyond its bound, NaN included, is enough, and is named."""
    EQUAL.require_equal()
    with pytest.raises(ArtefactError, match=message):
        replace(EQUAL, **change).require_equal()  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 30), st.sampled_from([0.0, 1e-8, 1e-2]))
def test_orders_are_compared_as_by_loops(seed: int, gallery: int, noise: float) -> None:
    """The first ten of both lists, place by place; a place counts as the same where the original's scores are equal."""
    random = np.random.default_rng(seed)
    wanted = random.integers(0, 6, (8, gallery)) / 8
    found = wanted + random.normal(0, 1, wanted.shape) * noise
    right = 0
    for one, two in zip(wanted, found, strict=True):
        first, second = (sorted(range(gallery), key=lambda g, s=s: (-s[g], g))[:10] for s in (one, two))
        right += all(a == b or abs(one[a] - one[b]) < 1e-6 for a, b in zip(first, second, strict=True))

    assert same_order(wanted, found) == right
    assert noise > 1e-3 or right == 8


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-1, 6), min_size=1, max_size=60), st.integers(1, 60))
def test_a_sample_is_of_whole_identities(codes: list[int], count: int) -> None:
    """As many images as wanted, the same every time, in order; one identity at most is cut, and junk comes last."""
    names = [str(code) for code in codes]
    records = build(Path("x"), [f"{n}.png" for n in range(len(codes))], names, junk=frozenset({"-1"}))
    found, again = sample(records, count), sample(records, count)
    kept = set(found.paths)
    cut = [
        code
        for code in set(records.identities.tolist())
        if 0
        < sum(path in kept for path in records.paths[records.identities == code])
        < (records.identities == code).sum()
    ]

    assert found.paths.tolist() == again.paths.tolist() == sorted(kept, key=records.paths.tolist().index)
    assert len(found) == min(count, len(records))
    assert len(cut) <= 1
    if JUNK in found.identities:
        assert set(records.paths[records.identities != JUNK]) <= kept


def test_no_images_are_an_error(made: Exports) -> None:
    """There is nothing to compare."""
    model = made.embedder().model
    with pytest.raises(DataError, match="no images"):
        compare(model, model, made.records.select(slice(0, 0)), labelled=False)
