"""The map of the embedding: groups stay together, and the same seed gives the same map."""

import sys
import types

import cv2
import numpy as np
import pytest
from samples import embeddings

from reid.report.embedding_map import chosen, embedding_map, place


def groups(number: int, each: int):
    draw = np.random.default_rng(0)
    centres = np.linalg.qr(draw.normal(size=(16, 16)))[0]
    names = np.arange(number * each) // each
    return centres[names % 16] + 0.05 * draw.normal(size=(len(names), 16)), [f"{name:02d}" for name in names]


def test_neighbours_stay_neighbours(tmp_path):
    """Nearest on the map is of the same identity; the picture has two panels where cameras are known; seeds repeat."""
    vectors, names = groups(8, 10)
    points, words = place(vectors.astype(np.float32), 3)
    distances = np.linalg.norm(points[:, None] - points[None], axis=2) + np.diag([np.inf] * 80)

    assert (distances.argmin(axis=1) // 10 == np.arange(80) // 10).all()
    assert "16 principal components" in words
    assert embedding_map(embeddings(vectors, names, [1, 2] * 40), tmp_path / "two.png", seed=1) is not None
    wide = cv2.imread(str(tmp_path / "two.png")).shape
    assert wide[1] > 2 * wide[0]
    assert embedding_map(embeddings(vectors[:5], names[:5]), tmp_path / "few.png") is None
    assert not (tmp_path / "few.png").exists()


def test_whole_identities_are_left_out():
    """No more images than asked for, every identity complete, junk never, and the same ones again."""
    identities = np.repeat(np.arange(-1, 30), 7)
    rows = chosen(identities, 50, 1)
    codes, sizes = np.unique(identities[rows], return_counts=True)

    assert 40 < len(rows) <= 50
    assert set(sizes.tolist()) == {7}
    assert -1 not in codes
    assert (chosen(identities, 50, 1) == rows).all()
    assert (chosen(identities, 10**6, 1) == np.flatnonzero(identities >= 0)).all()


class Umap:
    """Stands for the class of umap-learn, with what it refuses."""

    def __init__(self, *, random_state, n_neighbors):
        self.random_state, self.neighbours = random_state, n_neighbors

    def fit_transform(self, points):
        assert 1 < self.neighbours < len(points)
        assert isinstance(self.random_state, int)
        return points[:, :2].astype(np.float32)


@pytest.mark.parametrize(("inside", "words"), [({"UMAP": Umap}, "UMAP"), ({}, "t-SNE (perplexity 3)")])
def test_umap_is_taken_where_it_is_installed(inside, words, monkeypatch):
    """Also of few images; something else by that name, such as a folder, is not taken for it."""
    module = types.ModuleType("umap")
    vars(module).update(inside)
    module.__spec__ = types.SimpleNamespace()
    monkeypatch.setitem(sys.modules, "umap", module)
    vectors, _ = groups(2, 5)
    points, said = place(vectors.astype(np.float32), 3)

    assert (points.shape, points.dtype) == ((10, 2), np.float64)
    assert said.endswith(words)


@pytest.mark.parametrize("vectors", [np.full((20, 4), 0.5), np.linspace(0, 1, 20)[:, None]])
def test_vectors_with_little_in_them(vectors, tmp_path):
    """A model that makes one vector of everything, or vectors of one number, still have a map."""
    assert np.isfinite(place(vectors.astype(np.float32), 0)[0]).all()
    assert embedding_map(embeddings(vectors, ["a", "b"] * 10), tmp_path / "m.png") is not None
