"""The figures of every query, and what is read from them."""

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import drawn, embeddings

from reid.distances import CosineDistances
from reid.evaluation.matches import Labels, Rules
from reid.evaluation.per_query import (
    PerQuery,
    hardest_queries,
    mutual_measures,
    over_trials,
    per_query,
    ranking_measures,
    worst_identities,
)
from reid.evaluation.ranking import rank_matches
from reid.records import Embeddings


def scored(images: Embeddings, measures=None, **options) -> PerQuery:
    """All images against all others."""
    distances = CosineDistances(images.vectors, images.vectors)
    labels = Labels.of(images.records)
    found = rank_matches(distances, labels, labels, rules=Rules(same_image=True), **options)
    measures = measures or mutual_measures((1, 5), "step")
    return per_query(found, images.records, measures, protocol="all-vs-all", average_precision="step")


def made(precisions, first_ranks, identities, trials=None) -> PerQuery:
    """Values as they are given."""
    images = drawn(len(precisions), 2)
    names = np.array([f"n{identity}" for identity in identities], dtype=object)
    return PerQuery(
        protocol="all-vs-all",
        average_precision="step",
        rows=np.arange(len(precisions)),
        paths=images.records.paths,
        names=names,
        identities=np.array(identities, dtype=np.int64),
        cameras=np.array([-1, *range(len(precisions) - 1)], dtype=np.int64),
        trials=np.array(trials or [1] * len(precisions), dtype=np.int64),
        first_ranks=np.array(first_ranks, dtype=np.float64),
        figures={"mAP": np.array(precisions, dtype=np.float64)},
    )


def test_values_are_those_of_every_query():
    """Each figure of each query equals a loop over its own ranking; queries without a match, and junk, have none."""
    images = drawn(50, 12)
    images.records.identities[::6] = -1
    values = scored(images)
    exact = oracles.cosine_distances(images.vectors.tolist(), images.vectors.tolist())
    labels = images.records.identities.tolist(), [-1] * 50
    rankings = oracles.score(exact, labels, labels, same_image=True).rankings
    several = np.bincount(images.records.identities[images.records.identities >= 0], minlength=12) > 1
    rows = [row for row, identity in enumerate(labels[0]) if identity >= 0 and several[identity]]

    assert values.rows.tolist() == rows
    assert values.names.tolist() == [f"{labels[0][row]:03d}" for row in rows]
    assert values.paths.tolist() == [f"{row:04d}.jpg" for row in rows]
    assert values.cameras.tolist() == images.records.cameras[rows].tolist()
    assert values.first_ranks.tolist() == [ranking.index(True) + 1 for ranking in rankings]
    for name, oracle in {"R@1": "hit1", "R@5": "hit5", "mAP": "step", "mINP": "mINP", "map_at_r": "map_at_r"}.items():
        assert values.figures[name] == pytest.approx([oracles.MEASURES[oracle](ranking) for ranking in rankings])
        assert values.mean(name) == pytest.approx(values.figures[name].mean())


def test_names_of_figures():
    """What a search is scored by, and what all-vs-all is."""
    assert list(ranking_measures((1, 20), "step")) == ["rank1", "rank20", "mAP", "mINP"]
    assert list(mutual_measures((1, 20), "step")) == ["R@1", "R@20", "mAP", "map_at_r", "r_precision", "mINP"]
    assert ranking_measures((1,), "trapezoid")["mAP"] != ranking_measures((1,), "step")["mAP"]


def test_trials_are_averaged_over_those_that_asked():
    """A query is the mean of its trials, and counts as often as it was asked: the mean over all stays the same."""
    images = drawn(40, 5)
    labels, trials = Labels.of(images.records), []
    for trial in range(4):
        asked = np.arange(40) % 4 != trial
        found = rank_matches(
            CosineDistances(images.vectors, images.vectors), labels, labels, rules=Rules(same_image=True), asked=asked
        )
        part = per_query(
            found, images.records, ranking_measures((1,), "step"), protocol="single-shot", average_precision="step"
        )
        trials.append(part)
    merged = over_trials(trials, images.records)

    assert merged.trials.tolist() == [3] * 40
    assert merged.mean("mAP") == pytest.approx(np.mean([trial.mean("mAP") for trial in trials]))
    values = [float(t.figures["mAP"][t.rows == 7][0]) for t in trials if 7 in t.rows]
    assert merged.figures["mAP"][7] == pytest.approx(np.mean(values))
    firsts = [float(t.first_ranks[t.rows == 7][0]) for t in trials if 7 in t.rows]
    assert merged.first_ranks[7] == pytest.approx(np.mean(firsts))


def test_hardest_come_first():
    """Lowest average precision first, then the latest first match, then the row; -1 is no camera."""
    values = made([0.5, 0.1, 0.1, 0.1], [1, 5, 9, 5], [0, 1, 2, 3])
    found = hardest_queries(values, 4)

    assert [query.row for query in found] == [2, 1, 3, 0]
    assert found[-1].to_dict() == {
        "row": 0,
        "path": "0000.jpg",
        "identity": "n0",
        "camera": None,
        "average_precision": 0.5,
        "first_rank": 1.0,
    }
    assert (found[0].camera, found[0].first_rank) == (1, 9)
    assert len(hardest_queries(values, 2)) == 2


def test_worst_identities():
    """Lowest mean first, then the one with more queries, then the order of identities; trials are weighed."""
    values = made([0.25, 0.5, 0.375, 0.9, 0.375], [1] * 5, [7, 7, 3, 5, 4])

    assert [(s.identity, s.queries) for s in worst_identities(values)] == [("n7", 2), ("n3", 1), ("n4", 1), ("n5", 1)]
    assert worst_identities(values, 1)[0].to_dict() == {"identity": "n7", "mAP": 0.375, "queries": 2}
    weighed = made([0.2, 0.4], [1, 1], [0, 0], trials=[3, 1])
    assert worst_identities(weighed)[0].mAP == pytest.approx(0.25)
    assert weighed.mean("mAP") == pytest.approx(0.25)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6))
def test_the_order_of_images_does_not_matter(seed):
    """Sums of every identity are the same to the last bit however the images stand."""
    images = drawn(40, 6, seed=seed)
    order = np.random.Generator(np.random.Philox(seed + 1)).permutation(40)
    plain, shuffled = scored(images).by_identity(), scored(images.select(order)).by_identity()

    assert plain.names.tolist() == shuffled.names.tolist()
    assert (plain.weights == shuffled.weights).all()
    for name, sums in plain.figures.items():
        assert (sums == shuffled.figures[name]).all()


def test_no_query_with_a_match():
    """Nothing to list, and no mean."""
    values = scored(embeddings(np.eye(3), ["a", "b", "c"]))

    assert len(values) == 0
    assert values.mean("mAP") is None
    assert hardest_queries(values) == worst_identities(values) == []
