"""The index as its owner sees it, against plain rankings."""

import threading
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from plain_search import KINDS, found, identities, index_of, random, ranking, recall, unit

from reid.errors import ArtefactError, GalleryError, ShapeError
from reid.gallery.index import Clusters, VectorIndex, vector_index


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 10**6), count=st.sampled_from([1, 10, 150, 500]))
def test_exact(kind, seed, count):
    """Without lists the ranking is the plain one to the last bit, with any vectors, ties by slot."""
    rows = KINDS[kind](random(seed))
    index = index_of(rows)
    query = rows[7] if seed % 2 else (rows[7] * 0.5 + rows[8] * 0.5).astype(np.float32)

    assert found(index, query, count) == ranking(rows, query, count, list(range(200)))


def test_exact_in_lists():
    """With lists, an exact search still misses nothing, and neither does one among few rows."""
    rows = identities(2, 3000, 24, 0.8)
    rows = np.concatenate([rows, rows[:5]])
    index = index_of(rows, 3000)
    index.forget(np.array([17, 2000]))
    index.cluster(0)
    index.append(3000, rows[3000:])
    alive = [slot for slot in range(3005) if slot not in {17, 2000}]
    for slot in (0, 17, 555):
        assert found(index, rows[slot], 12, exact=True) == ranking(rows, rows[slot], 12, alive)
        chosen = np.array([3, 17, 556, 2000, 3001])
        assert found(index, rows[slot], 12, among=chosen) == ranking(rows, rows[slot], 12, [3, 556, 3001])
        assert found(index, rows[slot], 12, among=chosen, exact=True) == ranking(rows, rows[slot], 12, [3, 556, 3001])


@pytest.mark.parametrize("noise", [0.4, 0.9])
def test_recall(noise):
    """Nearly all of the best rows are found by lists: easy and hard identities, few and many hits, rows that came later."""
    rows = identities(3, 12_000, 64, noise, each=25)
    index, queries = index_of(rows, 11_000), rows[::120] + rows[1::120]
    index.cluster(0)
    index.append(11_000, rows[11_000:])

    assert recall(index, rows, unit(queries), 10, np.arange(12_000)) > 0.985
    assert recall(index, rows, unit(queries), 60, np.arange(12_000)) > 0.985


@pytest.mark.parametrize("length", [1e-3, 1.8, 1e4])
def test_recall_does_not_depend_on_the_length_of_queries(length):
    """A sum of several crops finds what their mean finds, scored in proportion."""
    rows = identities(3, 6000, 32, 0.6)
    index = index_of(rows)
    index.cluster(0)
    queries = unit(rows[::60] + rows[1::60])
    found_by_mean = index.search(queries, 10)
    found_by_sum = index.search(queries * np.float32(length), 10)

    same = [len(np.intersect1d(one[0], other[0])) / 10 for one, other in zip(found_by_mean, found_by_sum, strict=True)]
    assert np.mean(same) > 0.999
    assert recall(index, rows, queries * np.float32(length), 10, np.arange(6000)) > 0.985


@pytest.mark.parametrize("filtered", ["half", "a tenth", "other lists", "same lists"])
def test_filters_keep_recall(filtered, monkeypatch):
    """A filter that has much, little or nothing to do with what is similar costs no recall."""
    monkeypatch.setattr(vector_index, "_FEW", 100)
    monkeypatch.setattr(vector_index, "_FEW_OF", 100)
    rows = identities(4, 12_000, 64, 0.5, each=25)
    index = index_of(rows)
    index.cluster(0)
    lists = index.clusters.assignment
    among = {
        "half": np.arange(0, 12_000, 2),
        "a tenth": np.sort(random(1).choice(12_000, 1200, replace=False)),
        "other lists": np.flatnonzero(lists % 3 == 0),
        "same lists": np.flatnonzero(lists % 3 == 1),
    }[filtered]
    queries = rows[lists % 3 == 1][::40]

    assert recall(index, rows, queries, 10, among, among=among) > 0.985


def test_scores_do_not_depend_on_the_way():
    """Exact, by lists, alone, in a batch, or among few rows: bit for bit."""
    rows = identities(5, 4000, 48, 0.3)
    index = index_of(rows)
    index.cluster(0)
    queries = rows[:40] + rows[40:80]
    batch = index.search(queries, 10)
    exact = index.search(queries, 10, exact=True)
    for query, one, other in zip(queries, batch, exact, strict=True):
        assert found(index, query, 10) == list(zip(*map(np.ndarray.tolist, one), strict=True))
        again = dict(found(index, query, 10, among=np.sort(one[0])))
        assert again == dict(zip(*map(np.ndarray.tolist, one), strict=True))
        known = dict(zip(*map(np.ndarray.tolist, other), strict=True))
        assert all(known.get(slot, score) == score for slot, score in again.items())


def test_kept_lists_make_the_same_index(tmp_path):
    """Appended whole or in blocks, with rows that came after, and some forgotten: the answers are the same."""
    rows = identities(6, 3000, 32, 0.5)
    first = index_of(rows, 2500)
    first.cluster(0)
    first.forget(np.array([4, 100]))
    first.append(2500, rows[2500:])
    first.clusters.save(tmp_path / "lists", {})
    second = VectorIndex(32, lambda slots: rows[slots], clusters=Clusters.load(tmp_path / "lists", {}))
    for start in range(0, 3000, 700):
        second.append(start, rows[start : start + 700])
    second.forget(np.array([4, 100]))

    assert second.rows == 3000
    for query in rows[::100]:
        assert found(first, query, 10) == found(second, query, 10)


def test_while_rows_of_kept_lists_are_missing():
    """An index that is being filled finds the rows that it has."""
    rows = identities(6, 1000, 32, 0.5)
    first = index_of(rows)
    first.cluster(0)
    second = VectorIndex(32, lambda slots: rows[slots], clusters=first.clusters)
    assert found(second, rows[0], 5) == []
    second.append(0, rows[:300])

    assert found(second, rows[0], 5, exact=True) == ranking(rows, rows[0], 5, list(range(300)))
    assert {slot for slot, _ in found(second, rows[0], 5)} <= set(range(300))


def test_rows_in_parts(monkeypatch):
    """Threads that each take parts of a range make the same index; where one of them fails, nothing is added."""
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    rows = identities(6, 40_000, 8, 0.5)
    whole, parts = index_of(rows), index_of(rows[:100])
    parts._read = whole._read
    asked = []

    def blocks(first, stop, *, damaged=None):
        asked.append((first, stop))
        for start in range(first, stop, 777):
            if damaged is not None and start <= damaged < start + 777:
                raise ArtefactError("damaged")
            yield start, rows[start : min(start + 777, stop)]

    with pytest.raises(ArtefactError, match="damaged"):
        parts.extend(40_000, partial(blocks, damaged=30_000))
    assert parts.rows == 100
    parts.extend(40_000, blocks)
    assert sorted(asked[3:]) == [(100, 13_400), (13_400, 26_700), (26_700, 40_000)]
    for query in rows[::4000]:
        assert found(parts, query, 20) == found(whole, query, 20)


def test_when_lists_are_wanted(monkeypatch):
    """From a number of rows on, and again when there are four times as many; removed rows do not count."""
    monkeypatch.setattr(vector_index, "CLUSTERED_FROM", 100)
    rows = identities(7, 500, 8, 0.5)
    index = VectorIndex(8, lambda slots: rows[slots])
    index.append(0, rows[:99])
    assert (index.wants_clustering, index.clusters) == (False, None)
    index.append(99, rows[99:101])
    assert index.wants_clustering
    index.forget(np.array([0, 1, 1]))
    assert not index.wants_clustering
    index.cluster(0)
    assert len(index.clusters.assignment) == 101
    index.append(101, rows[101:400])
    assert index.wants_clustering
    index.cluster(0)
    assert not index.wants_clustering


def test_wrong_arguments():
    """Each has its message, and none reaches a loop."""
    rows = identities(8, 50, 8, 0.5)
    index = index_of(rows)
    other = index_of(rows)
    other.cluster(0)

    with pytest.raises(GalleryError, match="at least 1, got 0"):
        index.search(rows[:1], 0)
    for queries in (rows[0], rows[:1, :7]):
        with pytest.raises(ShapeError, match="queries have shape"):
            index.search(queries, 1)
    with pytest.raises(ShapeError, match="NaN"):
        index.search(np.full((1, 8), np.nan, dtype=np.float32), 1)
    with pytest.raises(ShapeError, match="do not follow the 50"):
        index.append(51, rows)
    with pytest.raises(ShapeError, match="vectors of 8 numbers"):
        index.append(50, rows[:, :7])
    for slots in ([-1], [50], [2**62]):
        with pytest.raises(GalleryError, match="there are 50"):
            index.forget(np.array(slots))
    with pytest.raises(ArtefactError, match="vectors of 8 numbers, the gallery's have 9"):
        VectorIndex(9, lambda slots: rows[slots], clusters=other.clusters)


def test_nothing_to_find():
    """No rows, no queries, no rows that are allowed, slots that are not there."""
    rows = identities(8, 50, 8, 0.5)
    index = VectorIndex(8, lambda slots: rows[slots])
    assert found(index, rows[0], 3) == []
    index.cluster(0)
    index.append(0, rows)
    index.forget(np.empty(0, dtype=np.int64))

    assert index.search(rows[:0], 3) == []
    assert found(index, rows[0], 3, among=np.empty(0, dtype=np.int64)) == []
    assert found(index, rows[0], 3, among=np.array([-5, -1, 50, 2**40])) == []
    index.forget(np.arange(50))
    assert found(index, rows[0], 3) == []
    index.cluster(0)
    assert found(index, rows[0], 3) == []


class Changes(RuleBasedStateMachine):
    """Appending, forgetting, making lists and searching in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = np.empty((0, 8), dtype=np.float32)
        self.alive: set[int] = set()
        self.index = VectorIndex(8, lambda slots: self.rows[slots])

    @rule(seed=st.integers(0, 10**6), count=st.integers(0, 40))
    def append(self, seed, count):
        more = unit(random(seed).integers(-2, 3, (count, 8)) + 0.1)
        first = len(self.rows)
        self.rows = np.concatenate([self.rows, more])
        self.index.append(first, more)
        self.alive |= set(range(first, first + count))

    @precondition(lambda self: len(self.rows))
    @rule(seed=st.integers(0, 10**6))
    def forget(self, seed):
        slots = random(seed).integers(0, len(self.rows), 3)
        self.index.forget(slots)
        self.alive -= set(slots.tolist())

    @precondition(lambda self: len(self.alive) > 10)
    @rule(seed=st.integers(0, 10))
    def cluster(self, seed):
        self.index.cluster(seed)

    @precondition(lambda self: self.index.clusters is not None)
    @rule()
    def open_again(self):
        gone = np.array(sorted(set(range(len(self.rows))) - self.alive), dtype=np.int64)
        self.index = VectorIndex(8, lambda slots: self.rows[slots], clusters=self.index.clusters)
        self.index.append(0, self.rows)
        self.index.forget(gone)

    @invariant()
    def finds_what_is_there(self):
        query = np.linspace(-1, 1, 8, dtype=np.float32)
        expected = ranking(self.rows, query, 6, sorted(self.alive))
        assert found(self.index, query, 6, exact=True) == expected
        some = np.array(sorted(self.alive), dtype=np.int64)[::2]
        assert found(self.index, query, 6, among=some) == ranking(self.rows, query, 6, some.tolist())
        assert {slot for slot, _ in found(self.index, query, 6)} <= self.alive


Changes.TestCase.settings = settings(deadline=None, max_examples=12, stateful_step_count=15)
TestChanges = Changes.TestCase


def test_searches_while_the_index_changes(monkeypatch):
    """Several threads search while one appends, forgets and clusters: what they find was there, with its true score.

    A row that was forgotten before a search began is not found, and one that was there all along is.
    """
    monkeypatch.setattr("reid.gallery.index.state._LATER", 100)
    rows = identities(9, 6000, 16, 0.3)
    index = VectorIndex(16, lambda slots: rows[slots])
    index.append(0, rows[:1000])
    gone: set[int] = set()
    over, failures, searches = threading.Event(), [], [0]

    def searching(first):
        place = first
        while not over.is_set():
            place = (place + 7) % 1000
            before = frozenset(gone)
            for slot, score in found(index, rows[place], 5, exact=bool(place % 2)):
                if slot in before or abs(score - float(rows[slot] @ rows[place])) > 1e-5:
                    failures.append(slot)
            if found(index, rows[place], 1)[0][1] < 0.999 and place not in gone:
                failures.append(place)
            searches[0] += 1

    threads = [threading.Thread(target=searching, args=(first,)) for first in (0, 3, 5)]
    for thread in threads:
        thread.start()
    for step in range(50):
        index.append(1000 + 100 * step, rows[1000 + 100 * step : 1100 + 100 * step])
        forgotten = [1000 + 100 * step, 1001 + 100 * step, step]
        index.forget(np.array(forgotten))
        gone.update(forgotten)
        if step % 20 == 5:
            index.cluster(step)
    over.set()
    for thread in threads:
        thread.join()

    assert failures == []
    assert searches[0] > 10
