"""Two models on the same queries."""

import json
from dataclasses import replace

import evaluation_oracles as oracles
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import drawn, embeddings
from scipy.stats.contingency import crosstab

from reid import files, rng
from reid.errors import DataError
from reid.evaluation.comparison import McNemar, compare
from reid.evaluation.per_query import PerQuery
from reid.evaluation.protocols import all_vs_all, query_gallery, single_shot
from reid.records import Embeddings


def another(images: Embeddings, noise: float, seed: int = 1) -> Embeddings:
    """The same images by a model that adds noise."""
    generator = np.random.Generator(np.random.Philox(seed))
    return replace(images, vectors=images.vectors + np.float32(noise) * generator.standard_normal(images.vectors.shape))


def values(images: Embeddings) -> PerQuery:
    """All against all others."""
    return all_vs_all(images, nmi_seeds=0, verification=False, bootstrap=0).per_query


IMAGES = drawn(90, 12)
FIRST, SECOND = values(another(IMAGES, 1)), values(IMAGES)


def test_differences_equal_the_definition():
    """Figures, their difference, and its interval and probability from the resamples, query by query."""
    found = compare(FIRST, SECOND, resamples=300, seed=2)
    draws = rng.generator(2, "bootstrap").integers(11, size=(300, 11)).tolist()
    ones, identities = [1] * len(FIRST), FIRST.identities.tolist()

    assert (found.queries, found.identities) == (len(FIRST), 11)
    assert list(found.figures) == list(FIRST.figures)
    for name, difference in found.figures.items():
        gains = (SECOND.figures[name] - FIRST.figures[name]).tolist()
        means = oracles.resampled_means(gains, ones, identities, draws)
        low, high = (oracles.percentile(means, share) for share in (2.5, 97.5))
        p = 2 * (1 + min(sum(m <= 1e-9 for m in means), sum(m >= -1e-9 for m in means))) / 301
        assert difference.first == FIRST.mean(name)
        assert difference.second == SECOND.mean(name)
        assert difference.difference == pytest.approx(np.mean(gains))
        assert difference.interval == pytest.approx((low, high), abs=1e-7)
        assert difference.p == pytest.approx(min(1, p))


def test_queries_won_and_lost():
    """By average precision, the largest change first, then by row; equal ones are neither."""
    found = compare(FIRST, SECOND)
    gains = dict(zip(FIRST.rows.tolist(), SECOND.figures["mAP"] - FIRST.figures["mAP"], strict=True))

    assert found.won.tolist() == sorted((r for r in gains if gains[r] > 0), key=lambda r: (-gains[r], r))
    assert found.lost.tolist() == sorted((r for r in gains if gains[r] < 0), key=lambda r: (gains[r], r))
    assert compare(SECOND, FIRST).lost.tolist() == found.won.tolist()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_the_exact_binomial(only_first, only_second):
    """The probability is that of a fair coin splitting the discordant queries as unevenly."""
    number = 5 + only_first + only_second
    right = [np.ones(number), np.ones(number)]
    right[1][:only_first] = 0
    right[0][only_first : only_first + only_second] = 0
    base = replace(
        FIRST, **{name: np.resize(getattr(FIRST, name), number) for name in ("names", "identities", "trials")}
    )
    paths = np.array([f"{row}.jpg" for row in range(number)], dtype=object)
    first, second = (
        replace(base, rows=np.arange(number), paths=paths, figures={"R@1": hits, "mAP": hits}) for hits in right
    )
    table = crosstab(*right, levels=([0, 1], [0, 1])).count

    found = compare(first, second, resamples=0)
    assert (found.rank1.only_first, found.rank1.only_second) == (table[1, 0], table[0, 1])
    assert found.rank1.p == pytest.approx(oracles.binomial_two_sided(only_first, only_first + only_second))
    assert found.figures["mAP"].p is found.figures["mAP"].interval is None


def test_a_model_against_itself():
    """No difference, no query won, and nothing that chance could not do."""
    found = compare(FIRST, FIRST)

    assert found.rank1 == McNemar(0, 0, 1.0)
    assert len(found.won) == len(found.lost) == 0
    assert all((d.difference, d.interval, d.p) == (0, (0, 0), 1) for d in found.figures.values())


def test_a_far_better_model_is_told_apart():
    """The interval of a large difference excludes nought, and the probability is small; exchanging the two mirrors it."""
    found, mirrored = compare(values(another(IMAGES, 3)), SECOND), compare(SECOND, values(another(IMAGES, 3)))
    low, high = found.figures["mAP"].interval

    assert 0 < low < found.figures["mAP"].difference < high
    assert found.figures["mAP"].p == mirrored.figures["mAP"].p == pytest.approx(2 / 1001)
    assert mirrored.figures["mAP"].interval == pytest.approx((-high, -low))


def test_pairing_sees_what_two_intervals_do_not():
    """A small gain on nearly every query is certain, though the intervals of the two models overlap."""
    hard = replace(FIRST, figures={"mAP": FIRST.figures["mAP"] * 0.98})
    found = compare(hard, FIRST).figures["mAP"]

    assert found.interval[0] > 0
    assert found.p < 0.01


def test_trials_are_compared_image_by_image():
    """Single-shot of the same seed asks both models the same; there is no single answer at rank 1 to count."""
    first, second = (single_shot(images, trials=3).per_query for images in (another(IMAGES, 1), IMAGES))
    found = compare(first, second)

    assert found.rank1 is None
    gains = dict(zip(first.rows.tolist(), (first.first_ranks - second.first_ranks).tolist(), strict=True))
    assert found.by == "rank"
    assert found.won.tolist() == sorted((r for r in gains if gains[r] > 0), key=lambda r: (-gains[r], r))
    assert found.lost.tolist() == sorted((r for r in gains if gains[r] < 0), key=lambda r: (gains[r], r))
    assert found.figures["rank1"].second == pytest.approx(single_shot(IMAGES, trials=3).figures()["rank1"]["mean"])
    with pytest.raises(DataError, match=r"the number of trials of 00\d\d\.jpg is \d+ for one and \d+ for"):
        compare(*(single_shot(IMAGES, trials=20, seed=seed).per_query for seed in (0, 1)))


def other_name(found: PerQuery) -> PerQuery:
    names = found.names.copy()
    names[3] = "x\n"
    return replace(found, names=names)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (replace(FIRST, average_precision="trapezoid"), "average_precision is step for one and trapezoid"),
        (replace(FIRST, protocol="single-shot"), "protocol is all-vs-all for one and single-shot"),
        (values(IMAGES.select(slice(88))), r"90 and 88 have a match, and only one side has 0088.jpg, 0089.jpg;"),
        (values(IMAGES.select(np.arange(90)[::-1])), r"the path of 0000\.jpg is 0000\.jpg for one and 0089\.jpg"),
        (other_name(FIRST), r"the identity of 0003\.jpg is \d+ for one and x\\n for the other"),
        (replace(FIRST, figures={"other": FIRST.figures["mAP"]}), "no figure in common"),
    ],
)
def test_others_are_refused(second, message):
    """What differs is named."""
    with pytest.raises(DataError, match=message):
        compare(FIRST, second)


def test_nothing_to_compare():
    """Models that were asked nothing."""
    nothing = values(embeddings(np.eye(2), ["a", "b"]))
    with pytest.raises(DataError, match="no query with a match"):
        compare(nothing, nothing)


def test_json():
    """Figures with interval and probability, and the ten queries that changed most either way."""
    query, gallery = IMAGES.select(slice(40)), IMAGES.select(slice(40, None))
    first = query_gallery(another(query, 1), gallery).per_query
    found = compare(first, query_gallery(query, gallery).per_query)
    read = json.loads(files.to_json(found.to_dict()))

    assert read.keys() == {
        "queries",
        "identities",
        "figures",
        "mcnemar",
        "won_by",
        "queries_won",
        "queries_lost",
        "won",
        "lost",
    }
    assert list(read["figures"]["rank1"]) == ["first", "second", "difference", "interval", "p"]
    assert list(read["mcnemar"]) == ["only_first", "only_second", "p"]
    assert len(read["won"]) == min(10, read["queries_won"])
    place = found.values.rows.tolist().index(int(found.won[0]))
    assert read["won"][0] == {
        "row": int(found.won[0]),
        "path": str(first.paths[place]),
        "identity": str(first.names[place]),
        "gain": pytest.approx(max(found.gains)),
    }
