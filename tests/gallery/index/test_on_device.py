"""Searches on a device against plain rankings; the CPU is a device too, on which all of it can be tried."""

import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_search import KINDS, found, identities, index_of, random, ranking

from reid.gallery.index import on_device, vector_index

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    """Several blocks of rows, groups of queries and copies where there are hundreds of rows."""
    monkeypatch.setattr(on_device, "_ROWS", 64)
    monkeypatch.setattr(on_device, "_COPIED", 50)
    monkeypatch.setattr(on_device, "_PRODUCTS", 500)
    monkeypatch.setattr(vector_index, "_FEW", 5)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 10**6), count=st.sampled_from([1, 10, 150, 500]))
def test_exact(device, kind, seed, count):
    """The ranking is the plain one to the last bit, with any vectors, ties by slot."""
    rows = KINDS[kind](random(seed))
    index = index_of(rows)
    index.search_on(device)
    query = rows[7] if seed % 2 else (rows[7] * 0.5 + rows[8] * 0.5).astype(np.float32)
    assert found(index, query, count) == ranking(rows, query, count, list(range(200)))


@pytest.mark.parametrize("device", DEVICES)
def test_follows_the_index(device):
    """Rows that are added, removed, put into lists and filtered are found, or not, as without the device."""
    rows = identities(2, 900, 24, 0.8)
    index = index_of(rows, 300)
    index.search_on(device)
    assert found(index, rows[3], 20) == ranking(rows, rows[3], 20, list(range(300)))
    index.append(300, rows[300:700])
    index.forget(np.array([3, 299, 650]))
    alive = [slot for slot in range(700) if slot not in {3, 299, 650}]
    assert found(index, rows[3], 20) == ranking(rows, rows[3], 20, alive)
    index.cluster(0)
    index.append(700, rows[700:])
    index.forget(np.array([3, 4, 701]))
    alive = [slot for slot in range(900) if slot not in {3, 4, 299, 650, 701}]
    for query in rows[[3, 4, 640, 899]]:
        assert found(index, query, 20) == ranking(rows, query, 20, alive)
        chosen = np.arange(0, 1000, 2)
        assert found(index, query, 20, among=chosen) == ranking(rows, query, 20, [s for s in alive if s % 2 == 0])
        assert found(index, query, 20, among=np.array([4, 5, 6])) == ranking(rows, query, 20, [5, 6])
    several = index.search(rows[:7], 5)
    assert [one[0].tolist() for one in several] == [[s for s, _ in ranking(rows, q, 5, alive)] for q in rows[:7]]


def test_nothing_to_find():
    """An empty index, and one whose rows are all gone, find nothing."""
    index = index_of(np.empty((0, 8), dtype=np.float32))
    index.search_on("cpu")
    assert found(index, np.ones(8, dtype=np.float32), 3) == []
    rows = identities(1, 20, 8, 0.5)
    index.append(0, rows)
    index.forget(np.arange(20))
    assert found(index, rows[0], 3) == []


def test_no_room_on_the_device(monkeypatch):
    """Where the device is full, searches go on without it."""
    rows = identities(4, 200, 16, 0.5)
    index = index_of(rows)
    index.search_on("cpu")

    def full(*_):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(on_device.DeviceRows, "_extended", full)
    assert found(index, rows[0], 5) == ranking(rows, rows[0], 5, list(range(200)))
    monkeypatch.undo()
    assert found(index, rows[0], 5) == ranking(rows, rows[0], 5, list(range(200)))


def test_searches_while_rows_are_added():
    """Every answer is the one of some moment: all rows that were there before it was asked are looked at."""
    rows = identities(5, 2000, 16, 0.5)
    index = index_of(rows, 200)
    index.search_on("cpu")
    wrong, stop = [], threading.Event()

    def ask(place):
        while not stop.is_set():
            before = index.rows
            best = found(index, rows[place], 1)
            if best != ranking(rows, rows[place], 1, [place]) or before > index.rows:
                wrong.append(best)

    threads = [threading.Thread(target=ask, args=(place,)) for place in (0, 50, 199)]
    for thread in threads:
        thread.start()
    for first in range(200, 2000, 100):
        index.append(first, rows[first : first + 100])
        index.forget(np.array([first]))
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
    alive = [slot for slot in range(2000) if slot < 200 or slot % 100]
    assert found(index, rows[1999], 9) == ranking(rows, rows[1999], 9, alive)


@pytest.mark.parametrize("rough", [False, True])
def test_products_that_rounding_puts_in_another_order(rough, monkeypatch):
    """Rows that their codes keep whole, and queries that tell them apart in the last bits only: the order is right still.

    With `rough`, queries lose what a device takes from them that multiplies in bfloat16, as a process may allow it to.
    """
    numbers = random(6)
    rows = numbers.permuted(np.repeat([[1, -1]], 32, axis=1).repeat(300, axis=0), axis=1).astype(np.float32)
    query = (1 + 2.0**-23 * numbers.integers(0, 3, 64)).astype(np.float32)
    index = index_of(rows)
    index.search_on("cpu")
    if rough:
        query = (query + 2.0**-9 * numbers.standard_normal(64)).astype(np.float32)
        bounds = on_device.DeviceRows._bounds
        monkeypatch.setattr(torch, "get_float32_matmul_precision", lambda: "medium")
        monkeypatch.setattr(
            on_device.DeviceRows,
            "_bounds",
            lambda self, held, hidden, units, count: bounds(self, held, hidden, units.bfloat16().float(), count),
        )
    assert found(index, query, 20) == ranking(rows, query, 20, list(range(300)))
