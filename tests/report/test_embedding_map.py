"""The map of the embedding: groups stay together, and the same seed gives the same map."""

import cv2
import numpy as np
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
