"""Ranks of matches: equal to sorting every row, and invariant under all that must not matter."""

from dataclasses import replace

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.distances import CosineDistances, MatrixDistances
from reid.errors import ConfigError, ShapeError
from reid.evaluation import metrics, ranking
from reid.evaluation.matches import Labels, Rules
from reid.evaluation.ranking import MatchRanks, rank_matches

FIGURES = {
    "step": metrics.step_precision,
    "trapezoid": metrics.trapezoid_precision,
    "mINP": metrics.inverse_negative_penalty,
    "r_precision": metrics.r_precision,
    "map_at_r": metrics.map_at_r,
    **{f"hit{k}": lambda found, k=k: metrics.hits(found, k) for k in (1, 2, 5, 10)},
}


def draw_vectors(generator: np.random.Generator, number: int) -> np.ndarray:
    """Small sets of every awkward kind: ties by symmetry, plain, collapsed, nearly collapsed, duplicated."""
    width = int(generator.integers(1, 5))
    kind = int(generator.integers(5))
    if kind == 0:
        return generator.integers(-1, 2, (number, width)).astype(np.float32)
    if kind == 1:
        return np.ones((number, width), dtype=np.float32)
    vectors = generator.standard_normal((number, width))
    if kind == 2:
        vectors = vectors[:1] + 1e-7 * generator.integers(0, 3, (number, width))
    if kind == 3:
        vectors = vectors[generator.integers(0, 1 + number // 2, number)]
    return vectors.astype(np.float32)


def draw_case(seed: int) -> tuple[np.ndarray, Labels, int]:
    generator = np.random.Generator(np.random.Philox(seed))
    queries, images = int(generator.integers(1, 7)), int(generator.integers(1, 11))
    number = queries + images
    labels = Labels(generator.integers(-1, 4, number), generator.integers(-1, 3, number))
    return draw_vectors(generator, number), labels, queries


def part(labels: Labels, rows) -> Labels:
    return Labels(labels.identities[rows], labels.cameras[rows])


def plain(labels: Labels) -> tuple[list[int], list[int]]:
    return labels.identities.tolist(), labels.cameras.tolist()


def figures(found: MatchRanks) -> dict[str, float | None]:
    return {name: metrics.mean(figure(found)) for name, figure in FIGURES.items()}


def assert_same(found: MatchRanks, expected: MatchRanks) -> None:
    for name in ("ranks", "matches", "asked", "counted", "taken_out", "ties"):
        assert (getattr(found, name) == getattr(expected, name)).all(), name


def assert_agree(found: dict[str, float | None], expected: dict[str, float | None], seed: int) -> None:
    for name, value in found.items():
        wanted = expected[name]
        assert (value is None) == (wanted is None), (seed, name)
        assert value is None or abs(value - wanted) <= 1e-9, (seed, name)


def test_small_cases_equal_the_oracle():
    """On 2,000 random small sets all figures of every query equal those of sorted lists to 1e-9, and so do ties."""
    compare_small_cases(2_000)


@pytest.mark.soak
def test_ten_thousand_small_cases_equal_the_oracle():
    """The same in full."""
    compare_small_cases(10_000)


def compare_small_cases(count):
    """On random small sets, `count` of them."""
    ranks, matches, rankings = [], [], []
    for seed in range(count):
        vectors, labels, queries = draw_case(seed)
        query, gallery = part(labels, slice(queries)), part(labels, slice(queries, None))
        distances = CosineDistances(vectors[:queries], vectors[queries:])
        found = rank_matches(distances, query, gallery, rules=Rules(same_camera=seed % 2 == 0))
        exact = oracles.cosine_distances(vectors[:queries].tolist(), vectors[queries:].tolist())
        expected = oracles.score(exact, plain(query), plain(gallery), same_camera=seed % 2 == 0)
        assert (found.ties.sum(), found.asked.sum()) == (expected.ties, expected.queries), seed
        ranks.append(found.ranks)
        matches.append(found.matches[found.matches > 0])
        rankings += expected.rankings
    everything = replace(found, ranks=np.concatenate(ranks), matches=np.concatenate(matches))

    assert len(rankings) > count
    for name, figure in FIGURES.items():
        values = np.array([oracles.MEASURES[name](ranking) for ranking in rankings])
        assert np.abs(figure(everything) - values).max() <= 1e-9, name


@pytest.mark.parametrize("seed", range(200))
def test_all_vs_all_cases_equal_the_oracle(seed):
    """So do those of sets asked against themselves, an image never finding itself."""
    vectors, labels, _ = draw_case(seed)
    found = rank_matches(CosineDistances(vectors, vectors), labels, labels, rules=Rules(same_image=True))
    exact = oracles.cosine_distances(vectors.tolist(), vectors.tolist())
    expected = oracles.score(exact, plain(labels), plain(labels), same_image=True)

    assert_agree(figures(found), expected.figures, seed)


def test_given_distances_equal_the_oracle():
    """Distances from elsewhere are compared as they are."""
    generator = np.random.Generator(np.random.Philox(8))
    matrix = generator.integers(0, 6, (30, 40)).astype(np.float64)
    labels = Labels(generator.integers(-1, 6, 70), generator.integers(-1, 3, 70))
    query, gallery = part(labels, slice(30)), part(labels, slice(30, None))
    expected = oracles.score(matrix.tolist(), plain(query), plain(gallery), same_camera=True)
    found = rank_matches(MatrixDistances(matrix), query, gallery, rules=Rules(same_camera=True))

    assert_agree(figures(found), expected.figures, 8)
    assert found.ties.sum() == expected.ties


seeds = st.integers(0, 10**6)


@settings(deadline=None, max_examples=60)
@given(seeds, seeds)
def test_the_order_of_the_gallery_does_not_matter(seed, shuffle):
    """A permuted gallery gives exactly the same ranks."""
    vectors, labels, queries = draw_case(seed)
    query, gallery = part(labels, slice(queries)), part(labels, slice(queries, None))
    order = np.random.Generator(np.random.Philox(shuffle)).permutation(len(gallery))
    rules = Rules(same_camera=True)
    found = rank_matches(CosineDistances(vectors[:queries], vectors[queries:]), query, gallery, rules=rules)
    permuted = CosineDistances(vectors[:queries], vectors[queries:][order])

    assert_same(rank_matches(permuted, query, part(gallery, order), rules=rules), found)


@settings(deadline=None, max_examples=60)
@given(seeds, seeds)
def test_the_order_of_queries_does_not_matter(seed, shuffle):
    """Permuted queries have the same ranks each."""
    vectors, labels, queries = draw_case(seed)
    query, gallery = part(labels, slice(queries)), part(labels, slice(queries, None))
    order = np.random.Generator(np.random.Philox(shuffle)).permutation(queries)
    found = rank_matches(CosineDistances(vectors[:queries], vectors[queries:]), query, gallery)
    permuted = rank_matches(CosineDistances(vectors[:queries][order], vectors[queries:]), part(query, order), gallery)
    by_query = np.split(found.ranks, np.cumsum(found.matches)[:-1])

    assert permuted.ranks.tolist() == [rank for row in order for rank in by_query[row].tolist()]


@settings(deadline=None, max_examples=60)
@given(seeds, st.integers(-20, 20).filter(bool))
def test_the_length_of_vectors_does_not_matter(seed, exponent):
    """Doubling or halving vectors, each as often as one likes, changes nothing at all."""
    generator = np.random.Generator(np.random.Philox(seed))
    vectors = (generator.integers(-3, 4, (9, 3)) * 2 + 1).astype(np.float32)  # odd: at least of length 1.7
    labels = Labels(generator.integers(0, 3, 9))
    factors = np.float32(2) ** np.where(generator.random((9, 1)) < 0.5, 3, exponent).astype(np.float32)
    rules = Rules(same_image=True)
    scaled = CosineDistances(vectors * factors, vectors * factors)

    assert_same(
        rank_matches(scaled, labels, labels, rules=rules),
        rank_matches(CosineDistances(vectors, vectors), labels, labels, rules=rules),
    )


@settings(deadline=None, max_examples=60)
@given(seeds, st.integers(1, 5))
def test_junk_changes_nothing_but_its_count(seed, number):
    """Junk images in the gallery, and junk queries, leave every rank as it was."""
    vectors, labels, queries = draw_case(seed)
    query, gallery = part(labels, slice(queries)), part(labels, slice(queries, None))
    junk = draw_vectors(np.random.Generator(np.random.Philox(seed)), number)
    junk = np.resize(junk, (number, vectors.shape[1])).astype(np.float32)
    with_junk = Labels(np.append(gallery.identities, [-1] * number), np.append(gallery.cameras, [0] * number))
    found = rank_matches(CosineDistances(vectors[:queries], vectors[queries:]), query, gallery)
    larger = np.concatenate([vectors[queries:], junk])
    other = rank_matches(CosineDistances(vectors[:queries], larger), query, with_junk)

    assert_same(other, found)
    assert other.junk == found.junk + number


@settings(deadline=None, max_examples=60)
@given(seeds, st.integers(1, 3000))
def test_the_size_of_blocks_does_not_matter(seed, memory):
    """Any memory gives the same ranks."""
    vectors, labels, _ = draw_case(seed)
    distances, rules = CosineDistances(vectors, vectors), Rules(same_image=True)

    assert_same(
        rank_matches(distances, labels, labels, rules=rules, memory=memory),
        rank_matches(distances, labels, labels, rules=rules),
    )


@settings(deadline=None, max_examples=60)
@given(seeds)
def test_a_doubled_gallery_doubles_what_ranks_before(seed):
    """With every image twice, twice as many non-matches rank before each match, and matches come in pairs."""
    vectors, labels, queries = draw_case(seed)
    query, gallery = part(labels, slice(queries)), part(labels, slice(queries, None))
    twice = np.tile(np.arange(len(gallery)), 2)
    once = rank_matches(CosineDistances(vectors[:queries], vectors[queries:]), query, gallery)
    both = rank_matches(CosineDistances(vectors[:queries], vectors[queries:][twice]), query, part(gallery, twice))

    place = np.arange(len(once.ranks)) - np.repeat(np.cumsum(once.matches) - once.matches, once.matches)
    before = 2 * (once.ranks - 1 - place)
    expected = np.stack([before + 2 * place + 1, before + 2 * place + 2], axis=1).reshape(-1)
    assert both.ranks.tolist() == expected.tolist()


@settings(deadline=None, max_examples=60)
@given(seeds)
def test_names_of_cameras_do_not_matter(seed):
    """Only whether two are the same one; and the same images again from a camera of no query are all found there."""
    vectors, labels, queries = draw_case(seed)
    query, gallery = part(labels, slice(queries)), part(labels, slice(queries, None))
    rules = Rules(same_camera=True)
    once = rank_matches(CosineDistances(vectors[:queries], vectors[queries:]), query, gallery, rules=rules)

    renamed = [Labels(one.identities, np.where(one.cameras < 0, -1, 90 - 7 * one.cameras)) for one in (query, gallery)]
    assert_same(rank_matches(CosineDistances(vectors[:queries], vectors[queries:]), *renamed, rules=rules), once)

    twice = np.tile(np.arange(len(gallery)), 2)
    cameras = np.concatenate([gallery.cameras, np.full(len(gallery), 50)])
    doubled = Labels(gallery.identities[twice], cameras)
    both = rank_matches(CosineDistances(vectors[:queries], vectors[queries:][twice]), query, doubled, rules=rules)
    assert (both.taken_out == once.taken_out).all()
    assert (both.matches == 2 * once.matches + once.taken_out).all()


@pytest.mark.parametrize("threads", ["2", "5"])
def test_the_number_of_threads_does_not_matter(monkeypatch, threads):
    """Nor whether somebody watches; who watches sees every distance once."""
    generator = np.random.Generator(np.random.Philox(3))
    vectors = generator.standard_normal((300, 5)).astype(np.float32)
    query, gallery = Labels(generator.integers(-1, 30, 100)), Labels(generator.integers(-1, 30, 200))
    distances = CosineDistances(vectors[:100], vectors[100:])
    expected = rank_matches(distances, query, gallery)
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    monkeypatch.setattr(ranking, "_TILE", 1000)
    monkeypatch.setattr(ranking, "_ROWS", 20)
    seen = np.zeros((100, 200))

    def watch(block):
        rows = slice(block.start, block.start + len(block.others))
        seen[rows, block.first : block.first + block.others.shape[1]] += np.isfinite(block.others)
        seen[block.start + block.matched.rows, block.matched.columns] += 1

    for watchers in ((), (watch,)):
        found = rank_matches(distances, query, gallery, watch=watchers)
        assert found.ranks.tolist() == expected.ranks.tolist()
        assert found.ties.tolist() == expected.ties.tolist()
    asked = query.identities != -1
    assert (seen[asked] == (gallery.identities != -1)).all()


def test_a_collapsed_model_ranks_last():
    """Where all vectors are equal, every match ranks behind every non-match."""
    vectors = np.full((500, 8), 0.3, dtype=np.float32)
    labels = Labels(np.arange(500) % 50)
    found = rank_matches(CosineDistances(vectors, vectors), labels, labels, rules=Rules(same_image=True))

    assert found.ranks.reshape(500, 9).tolist() == [list(range(491, 500))] * 500
    assert found.ties.sum() == 500 * 9 * 490


def test_a_larger_set_in_several_blocks(monkeypatch):
    """Hundreds of queries in many blocks with thousands of near ties equal sorting exact distances."""
    monkeypatch.setattr(ranking, "_TILE", 5000)
    monkeypatch.setattr(ranking, "_ROWS", 50)
    generator = np.random.Generator(np.random.Philox(11))
    vectors = generator.standard_normal((900, 4)).astype(np.float32)
    labels = Labels(generator.integers(0, 90, 900))
    distances = CosineDistances(vectors, vectors)
    found = rank_matches(distances, labels, labels, rules=Rules(same_image=True))

    exact = distances.exact(np.arange(900), np.arange(900))
    same = labels.identities[:, None] == labels.identities
    expected = []
    for query in range(900):
        right = np.sort(exact[query][same[query] & (np.arange(900) != query)])
        wrong = np.sort(exact[query][~same[query]])
        expected += (np.searchsorted(wrong, right, side="right") + np.arange(1, len(right) + 1)).tolist()
    assert found.ranks.tolist() == expected


def test_sizes_and_memory_are_checked():
    """Labels must fit the distances, and memory must be positive."""
    distances = MatrixDistances(np.zeros((2, 3)))
    two, three = Labels(np.zeros(2, np.int64)), Labels(np.zeros(3, np.int64))
    with pytest.raises(ShapeError, match="2 queries x 2 images"):
        rank_matches(distances, two, two)
    with pytest.raises(ConfigError, match="memory must be positive"):
        rank_matches(distances, two, three, memory=0)


def test_no_queries_give_empty_ranks():
    """Nothing asked, nothing ranked, nothing fails."""
    nothing = Labels(np.zeros(0, np.int64))
    found = rank_matches(MatrixDistances(np.zeros((0, 3))), nothing, Labels(np.zeros(3, np.int64)))

    assert len(found.ranks) == len(found.matches) == 0
    assert replace(found, junk=0).junk == 0
