"""What stands between vectors and ranking reaches every protocol."""

from dataclasses import replace

import numpy as np
import pytest
from samples import drawn

from reid.distances import CosineDistances, MatrixDistances
from reid.evaluation.all_vs_all import all_vs_all
from reid.evaluation.query_gallery import query_gallery
from reid.evaluation.refinement import PLAIN, Refinement
from reid.evaluation.single_shot import single_shot


def turned(query: np.ndarray, gallery: np.ndarray) -> MatrixDistances:
    """The farthest first."""
    distances = CosineDistances(query, gallery)
    return MatrixDistances(-distances.rows(0, len(query)))


SAME = Refinement(expand=lambda query, gallery: (query, gallery), rerank=CosineDistances)
TURNED = Refinement(rerank=turned)


def with_junk():
    images = drawn(60, 7)
    images.records.identities[::9] = -1
    return images


def test_cosine_distances_are_the_plain_ones() -> None:
    """Whoever makes them, the figures are the same, junk in the set or not; junk is counted all the same."""
    images = with_junk()
    query, gallery = images.select(slice(0, 20)), images.select(slice(20, None))
    for refined, plain in (
        (query_gallery(query, gallery, refinement=SAME), query_gallery(query, gallery)),
        (all_vs_all(images, refinement=SAME), all_vs_all(images)),
        (single_shot(images, refinement=SAME), single_shot(images)),
    ):
        assert refined.figures() == plain.figures()
        assert refined.counts == plain.counts


def test_other_distances_give_other_figures() -> None:
    """Turned round, what was near is far, in every protocol."""
    images = with_junk()
    query, gallery = images.select(slice(0, 20)), images.select(slice(20, None))

    assert query_gallery(query, gallery, refinement=TURNED).mAP < query_gallery(query, gallery).mAP
    assert all_vs_all(images, refinement=TURNED).mAP < all_vs_all(images).mAP
    shared = single_shot(images, refinement=TURNED)
    assert shared.figures()["mAP"]["mean"] < single_shot(images).figures()["mAP"]["mean"]
    apart = single_shot(images, refinement=replace(TURNED, expand=lambda query, gallery: (query, gallery)))
    assert apart.figures() == shared.figures()


@pytest.mark.parametrize("trials", [1, 3])
def test_expansion_sees_one_trial_at_a_time(trials: int) -> None:
    """Its queries and its gallery, without junk; nothing else may be averaged."""
    images, seen = with_junk(), []

    def expand(query: np.ndarray, gallery: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen.append((len(query), len(gallery)))
        return query, gallery

    report = single_shot(images, trials=trials, refinement=Refinement(expand=expand))
    identities = len(set(images.records.identities.tolist()) - {-1})
    known = int((images.records.identities != -1).sum())
    assert seen == [(known - identities, identities)] * trials
    assert report.figures() == single_shot(images, trials=trials).figures()


def test_plain_is_plain() -> None:
    """Nothing is copied where nothing is refined."""
    images = with_junk()

    assert PLAIN.plain
    assert PLAIN.without_junk(images) is images
    assert not SAME.plain
    assert len(SAME.without_junk(images).records) == (images.records.identities != -1).sum()
