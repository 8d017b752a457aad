"""Every image against all others."""

import numpy as np
import oracles
import pytest
from samples import drawn, embeddings

from reid.evaluation.all_vs_all import RECALLS, all_vs_all


@pytest.mark.parametrize("kind", ["step", "trapezoid"])
def test_figures_equal_the_definition(kind):
    """Recall, mAP, MAP@R, R-precision and mINP equal plain loops, junk left out."""
    images = drawn(70, 9)
    images.records.identities[::8] = -1
    found = all_vs_all(images, ranks=(1, 2, 5, 10), average_precision=kind, nmi_seeds=0)
    distances = oracles.cosine_distances(images.vectors.tolist(), images.vectors.tolist())
    labels = images.records.identities.tolist(), [-1] * 70
    expected = oracles.score(distances, labels, labels, same_image=True).figures

    assert [found.recall[k] for k in (1, 2, 5, 10)] == pytest.approx([expected[f"hit{k}"] for k in (1, 2, 5, 10)])
    assert found.mAP == pytest.approx(expected[kind], abs=1e-9)
    assert found.map_at_r == pytest.approx(expected["map_at_r"], abs=1e-9)
    assert found.r_precision == pytest.approx(expected["r_precision"], abs=1e-9)
    assert found.mINP == pytest.approx(expected["mINP"], abs=1e-9)
    assert (found.counts.queries, found.counts.gallery, found.counts.junk) == (61, 61, 9)


def test_recalls_are_those_that_fit():
    """By default k goes as far as there are other images; asked for, any k is given."""
    assert list(all_vs_all(drawn(12, 3), nmi_seeds=0).recall) == [1, 2, 4, 5, 8, 10]
    assert list(all_vs_all(drawn(1100, 300), nmi_seeds=0).recall) == list(RECALLS)
    assert all_vs_all(embeddings(np.eye(2), ["a", "a"]), ranks=(1, 999), nmi_seeds=0).recall == {1: 1.0, 999: 1.0}


def test_nmi_is_part_of_it_and_can_be_left_out():
    """Three clusterings by default; junk takes no part in them."""
    images = drawn(60, 5, spread=0.05)
    images.records.identities[0] = -1

    assert len(all_vs_all(images).nmi) == 3
    assert all_vs_all(images).figures()["nmi"] > 0.8
    assert all_vs_all(images, nmi_seeds=0).figures()["nmi"] is None


def test_cameras_do_not_matter():
    """This protocol has no camera rule."""
    images = drawn(30, 3)
    images.records.cameras[:] = 1

    assert all_vs_all(images, nmi_seeds=0).counts.queries_without_match == 0
    assert all_vs_all(images, nmi_seeds=0).counts.camera_rule == "not in this protocol"
