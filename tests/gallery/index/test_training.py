"""Lists of rows that belong together, and how many of them a search needs."""

import numpy as np
from plain_search import identities, random, unit

from reid.gallery.index.training import assign, lists_for, measure, train


def test_numbers_of_lists():
    """They grow with the square root of the rows, up to a limit, and have two rows at least."""
    assert [lists_for(rows) for rows in (2, 100, 10_000, 1_000_000, 10**8)] == [1, 50, 800, 8000, 16384]


def test_identities_come_together():
    """Images of an identity are in one list where there is a list for each; each row's centroid is the nearest."""
    rows = identities(1, 600, 32, 0.2, each=60)
    positions = np.arange(600)
    centroids = train(lambda wanted: rows[wanted], positions, 40, 0)
    lists = assign(lambda wanted: rows[wanted], positions, centroids)

    apart = ((rows[:, np.newaxis].astype(np.float64) - centroids) ** 2).sum(axis=2)
    assert np.allclose(apart[positions, lists], apart.min(axis=1), atol=1e-5)
    owners = {number: set((np.flatnonzero(lists == number) // 60).tolist()) for number in range(40)}
    assert sum(len(owner) > 1 for owner in owners.values()) <= 2


def test_k_means_sees_a_sample():
    """Of many rows only so many a list are read."""
    rows, read = identities(2, 3000, 8, 0.2), []

    def restore(wanted):
        read.append(len(wanted))
        return rows[wanted]

    centroids = train(restore, np.arange(3000), 4, 0)
    assert centroids.shape == (4, 8)
    assert read == [160]


def test_margins():
    """With lists up to that far in rank 99.5 % of the nearest rows are found, and with less they are not."""
    rows = identities(3, 4000, 32, 0.7)
    numbers = random(4)
    centroids = unit(rows[numbers.choice(4000, 60, replace=False)]) * np.float32(0.8)
    ranks = rows @ centroids.T - 0.32
    lists = ranks.argmax(axis=1)
    margins = measure(lambda wanted: rows[wanted], np.arange(4000), lists.astype(np.int32), centroids, 0)

    products = rows @ rows.T
    np.fill_diagonal(products, -2)
    best = np.argsort(-products, axis=1)[:, :10]
    held = np.take_along_axis(ranks, lists[best], axis=1)
    score = np.take_along_axis(products, best[:, 9:], axis=1)
    near = held >= ranks.max(axis=1, keepdims=True) - margins.near
    assert 0.985 < near.mean() <= 1
    assert (held >= score - margins.reach).mean() > 0.985
    assert (held >= ranks.max(axis=1, keepdims=True) - margins.near / 2).mean() < 0.985


def test_few_rows():
    """Two rows have a margin too."""
    rows = unit(random(5).standard_normal((2, 8)))
    margins = measure(lambda wanted: rows[wanted], np.arange(2), np.zeros(2, dtype=np.int32), rows[:1], 0)

    assert np.isfinite(margins).all()
