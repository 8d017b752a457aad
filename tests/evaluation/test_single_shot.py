"""Galleries of one random image per identity."""

import numpy as np
import oracles
import pytest
from samples import drawn, embeddings

from reid import rng
from reid.errors import ConfigError
from reid.evaluation.single_shot import single_shot, trial_gallery


def expected_trial(images, seed, trial):
    """Draw the gallery as documented, in plain loops, and score the rest against it."""
    identities, paths = images.records.identities.tolist(), images.records.paths.tolist()
    groups = [
        sorted((row for row, i in enumerate(identities) if i == identity), key=paths.__getitem__)
        for identity in sorted(set(identities) - {-1})
    ]
    places = rng.generator(seed, "single-shot", trial).integers([len(group) for group in groups])
    gallery = [group[place] for group, place in zip(groups, places, strict=True)]
    query = [row for row in range(len(identities)) if row not in gallery]
    distances = oracles.cosine_distances(images.vectors[query].tolist(), images.vectors[gallery].tolist())
    labels = [([identities[row] for row in rows], [-1] * len(rows)) for rows in (query, gallery)]
    return oracles.score(distances, *labels)


@pytest.mark.parametrize("seed", [0, 7])
def test_trials_equal_the_definition(seed):
    """Every trial equals the plain loop over its own gallery, junk left out."""
    images = drawn(60, 7)
    images.records.identities[::9] = -1
    report = single_shot(images, trials=3, seed=seed, ranks=(1, 2, 5))

    for trial, found in enumerate(report.trials):
        expected = expected_trial(images, seed, trial)
        assert found.mAP == pytest.approx(expected.figures["step"], abs=1e-9)
        assert [found.cmc[k] for k in (1, 2, 5)] == pytest.approx([expected.figures[f"hit{k}"] for k in (1, 2, 5)])
        assert found.counts.queries == expected.queries
    assert len({trial.mAP for trial in report.trials}) > 1


def test_the_gallery_of_a_trial_is_known():
    """The trial with the same seed scores against these images."""
    images = drawn(60, 7)
    images.records.identities[::9] = -1
    asked = [set(range(60)) - set(single_shot(images, trials=1, seed=s).per_query.rows.tolist()) for s in (0, 7)]
    junk = set(range(0, 60, 9))

    assert [set(trial_gallery(images.records, seed=s, trial=0).tolist()) for s in (0, 7)] == [a - junk for a in asked]


def test_galleries_depend_on_nothing_else():
    """The order of images and a change in the numbers of trials leave every trial as it was."""
    images = drawn(60, 7)
    order = np.random.Generator(np.random.Philox(2)).permutation(60)

    assert single_shot(images, trials=2).trials == single_shot(images, trials=5).trials[:2]
    assert single_shot(images.select(order), trials=5) == single_shot(images, trials=5)
    assert single_shot(images, seed=1) != single_shot(images, seed=0)


def test_every_image_of_an_identity_can_be_drawn():
    """Over many trials the two images of an identity are drawn about equally often."""
    images = embeddings([[1, 0], [0, 1], [1, 0]], ["a", "a", "b"])
    outcomes = [trial.cmc[1] for trial in single_shot(images, trials=100).trials]

    # Either image is asked against the other and b: the match is at a right angle, and b nearer or as far.
    assert outcomes == [0.0] * 100
    assert single_shot(images, trials=100).counts.queries_with_ties in range(30, 71)


def test_identities_with_one_image_make_no_query():
    """Where all have only one there is nothing to ask, and every figure is undefined."""
    report = single_shot(embeddings(np.eye(3), ["a", "b", "c"]), trials=2)

    assert report.figures()["rank1"] == {"mean": None, "std": None}
    assert (report.counts.queries, report.counts.gallery, report.curve) == (0, 3, ())


def test_there_is_at_least_one_trial():
    """None would have no mean."""
    with pytest.raises(ConfigError, match="trials must be 1 or more, got 0"):
        single_shot(drawn(10, 2), trials=0)
