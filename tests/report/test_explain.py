"""Rank lists coloured by what made the match."""

import numpy as np
import small_runs

from reid.data.transforms import TestTransform
from reid.report.explain import Explainer, coloured
from reid.report.figures import RankRow, Tile


def test_rows_keep_what_they_say():
    """Only pictures change: of query and hits, each coloured; a list without hits stays as it is."""
    draw = np.random.default_rng(0)
    tiles = [Tile(draw.integers(0, 256, (40, 30, 3), dtype=np.uint8), str(n), n, 0.5) for n in range(3)]
    network = small_runs.network().train()
    for crop in ("resize", "centre"):
        made = Explainer(network, TestTransform((32, 32), crop=crop))(RankRow(tiles[0], tuple(tiles[1:])))
        for before, after in zip(tiles, (made.query, *made.hits), strict=True):
            assert (after.identity, after.camera, after.score) == (before.identity, before.camera, before.score)
            assert after.image.shape == ((240, 180, 3) if crop == "resize" else (180, 180, 3))
            assert (after.image.max(axis=2).astype(int) - after.image.min(axis=2)).max() > 100
    assert Explainer(network, TestTransform((32, 32)), 2).words == "what drove the match in the slice of learner 2"
    alone = RankRow(tiles[0], ())
    assert Explainer(network, TestTransform((32, 32)))(alone) is alone


def test_the_slice_of_one_learner(monkeypatch):
    """What its numbers of the vector add is coloured, and nothing else: the slices' maps add up to the whole's."""
    draw = np.random.default_rng(0)
    tiles = [Tile(draw.integers(0, 256, (40, 30, 3), dtype=np.uint8), str(n), n, 0.5) for n in range(3)]
    network, seen = small_runs.network(), []
    monkeypatch.setattr("reid.report.explain.coloured", lambda image, places: seen.append(places) or image)
    learners = network.architecture.learners
    for learner in (None, *range(learners)):
        Explainer(network, TestTransform((32, 32)), learner)(RankRow(tiles[0], tuple(tiles[1:])))
    whole, *slices = np.array(seen).reshape(learners + 1, 3, *seen[0].shape)

    assert learners > 1
    assert np.allclose(whole, np.sum(slices, axis=0), atol=1e-6)
    assert not np.allclose(slices[0], slices[1], atol=1e-4)


def test_colour_lies_where_contributions_are():
    """Above zero coloured, elsewhere grey; a map without any is all grey."""
    places = np.array([[0, 0], [-5, 1]], dtype=np.float32)
    picture = coloured(np.full((200, 200, 3), (10, 200, 90), np.uint8), places).astype(int)
    colour = picture.max(axis=2) - picture.min(axis=2)

    assert colour[160:, 160:].min() > 50
    assert colour[:40].max() == colour[:, :40].max() == 0
    plain = coloured(np.full((200, 200, 3), (10, 200, 90), np.uint8), -np.abs(places)).astype(int)
    assert (plain.max(axis=2) == plain.min(axis=2)).all()
