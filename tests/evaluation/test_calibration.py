"""What scores mean: thresholds and probabilities from pairs, kept with a run and checked when they are read."""

import json
import math

import numpy as np
import pytest
from damage import mutants
from samples import drawn, embeddings

from reid import files
from reid.errors import ArtefactError, ConfigError, DataError
from reid.evaluation.calibration import Calibration, calibrate, load_calibration, save_calibration
from reid.evaluation.verification import BINS, RATES
from reid.records import Embeddings

WIDTH = 2 / BINS


@pytest.fixture(scope="module")
def images() -> Embeddings:
    """120 images of 15 identities on three cameras, of model "m"."""
    found = drawn(120, 15, seed=2)
    return Embeddings(found.vectors, found.records, "m")


@pytest.fixture(scope="module")
def found(images) -> Calibration:
    """Their calibration."""
    return calibrate(images)


def scores_of(images) -> tuple[list[float], list[float]]:
    """Of matching pairs of two cameras, and of all other pairs."""
    vectors = images.vectors.astype(np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names, cameras = images.records.identities, images.records.cameras
    matching, others = [], []
    for i in range(len(names)):
        for j in range(i):
            if names[i] != names[j]:
                others.append(float(vectors[i] @ vectors[j]))
            elif cameras[i] != cameras[j]:
                matching.append(float(vectors[i] @ vectors[j]))
    return matching, others


def test_thresholds_are_those_of_sorted_scores(images, found):
    """The rate is kept, and would not be two bins lower; the share of matching pairs there; none for too few pairs."""
    matching, others = scores_of(images)

    assert (found.matching_pairs, found.other_pairs, found.identities, found.images) == (
        len(matching),
        len(others),
        15,
        120,
    )
    assert (found.model, found.across_cameras, found.queries) == ("m", True, 120)
    for name, rate in RATES.items():
        threshold = found.thresholds[name]
        if len(others) < 1 / rate:
            assert threshold is None
            continue
        assert sum(score >= threshold for score in others) <= rate * len(others)
        assert sum(score >= threshold - 2 * WIDTH for score in others) > rate * len(others)
        share = sum(score >= threshold for score in matching) / len(matching)
        assert found.match_rates[name] == pytest.approx(share, abs=1 / len(matching))
    assert found.thresholds["1e-4"] is None


def test_unknown_where_the_identity_is_left_out(images, found):
    """Against the images of all other identities one query in ten is answered, as wanted."""
    vectors = images.vectors / np.linalg.norm(images.vectors, axis=1, keepdims=True)
    names = images.records.identities
    best = [max(vectors[names != names[row]] @ vectors[row]) for row in range(120)]
    threshold = found.unknown_below(14, false_alarms=0.1)

    assert threshold.how == "measured"
    assert sum(score >= threshold.score for score in best) <= 12
    assert sum(score >= threshold.score - 2 * WIDTH for score in best) > 12
    assert threshold.score > found.threshold(0.1)
    assert found.unknown_below(1000).score > threshold.score


def test_probability_is_the_curve(found):
    """By its formula, for any prior, shape and size of score; it is even where the odds are, and rises."""
    scores = np.linspace(-1, 1, 21).reshape(3, 7)
    for prior in (0.5, 0.001):
        odds = [found.slope * s + found.intercept + math.log(prior / (1 - prior)) for s in scores.ravel().tolist()]
        wanted = np.reshape([1 / (1 + math.exp(-one)) for one in odds], (3, 7))
        assert found.probability(scores, prior=prior) == pytest.approx(wanted)
    assert found.probability(-found.intercept / found.slope) == pytest.approx(0.5)
    assert (np.diff(found.probability(scores).ravel()) > 0).all()
    assert found.probability([1e6, -1e6]).tolist() == [1, 0]
    for prior in (0, 1, -1, math.nan):
        with pytest.raises(ConfigError, match="between 0 and 1"):
            found.probability(scores, prior=prior)


def test_probabilities_come_true():
    """Of pairs of other identities from the same world, as many match as the curve says, tenth by tenth."""
    world = drawn(3000, 300, width=32, spread=1.2, seed=3)
    held_out = world.records.identities < 150
    found = calibrate(world.select(np.flatnonzero(held_out)))
    matching, others = (np.array(scores) for scores in scores_of(world.select(np.flatnonzero(~held_out)[:700])))
    weights = np.concatenate([np.full(len(matching), 0.5 / len(matching)), np.full(len(others), 0.5 / len(others))])
    told = found.probability(np.concatenate([matching, others]))
    tenths = np.minimum(9, (10 * told).astype(int))
    true = weights * np.repeat([1, 0], [len(matching), len(others)])
    for tenth in set(tenths.tolist()):
        inside = tenths == tenth
        assert true[inside].sum() / weights[inside].sum() == pytest.approx(
            np.average(told[inside], weights=weights[inside]), abs=0.12
        )


def test_thresholds_by_rate(found):
    """The next lower rate that there is; lower ones are refused with what can be told."""
    assert found.threshold(0.05) == found.thresholds["1e-2"]
    assert found.threshold(1e-3) == found.thresholds["1e-3"]
    with pytest.raises(ConfigError, match=r"rate of 0\.0001 is lower than [\d,]+ pairs can tell: the lowest is 0\.001"):
        found.threshold(1e-4)


def test_perfect_and_useless_models():
    """Identities far apart, and all images alike: finite, and as sure as that."""
    names = [name for name in "abcdef" for _ in range(5)]
    perfect = calibrate(embeddings(np.repeat(np.eye(6), 5, axis=0), names))
    useless = calibrate(embeddings(np.ones((30, 6)), names))

    assert perfect.probability([1.0, 0.0]) == pytest.approx([1, 0], abs=0.02)
    assert perfect.match_rates["1e-2"] == 1
    assert 0 < perfect.thresholds["1e-2"] < 0.001
    assert useless.probability([1.0, 0.0]) == pytest.approx([0.5, 0.5], abs=0.01)
    assert useless.match_rates["1e-2"] == 0
    assert useless.thresholds["1e-2"] > 1
    for one in (perfect, useless):
        assert Calibration.from_dict(json.loads(json.dumps(one.to_dict()))) == one


def test_nothing_to_learn_from():
    """One identity, or single images: an error that says what is needed."""
    for names in (["a", "a"], ["a", "b"], ["-1", "a", "a"]):
        with pytest.raises(DataError, match="pairs need two identities, and one with two images"):
            calibrate(embeddings(np.eye(3)[: len(names)], names))


def test_kept_with_a_run(found, tmp_path):
    """It comes back, by folder or by the model in it; without a file there is none."""
    assert load_calibration(tmp_path, "m") is None
    save_calibration(tmp_path, found)

    assert load_calibration(tmp_path, "m") == load_calibration(tmp_path / "model.safetensors", "m") == found
    with pytest.raises(ArtefactError, match="belongs to model m, and the run's is other; bring the run to its end"):
        load_calibration(tmp_path, "other")


def test_no_damage_goes_unseen(found, tmp_path):
    """Damaged copies are refused with the file's name, or read as before where the damage means nothing."""
    save_calibration(tmp_path, found)
    path = tmp_path / "calibration.json"
    whole = path.read_bytes()
    for content in mutants(whole, 100, seed=1):
        path.write_bytes(content)
        read, refused = None, ""
        try:
            read = load_calibration(tmp_path, "m")
        except ArtefactError as error:
            refused = str(error)
        assert read == found or "calibration.json" in refused


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "format 2, newer than this version reads"),
        ({"format": None}, "format None, which is unknown"),
        ({"model": 3}, "wrong kind"),
        ({"images": 0}, "numbers of images and pairs"),
        ({"images": "9"}, "numbers of images and pairs"),
        ({"slope": -1.0}, "slope -1.0"),
        ({"intercept": math.nan}, "intercept nan"),
        ({"slope": "x"}, "TypeError"),
        ({"thresholds": {}}, "rates are"),
        ({"thresholds": dict.fromkeys(RATES, 7.0)}, "thresholds are"),
        ({"match_rates": dict.fromkeys(RATES, -0.5)}, "rates are"),
        ({"unknown": [{"identities": 1}]}, "TypeError"),
        ({"unknown": [{"identities": 1, "rate": 0.1, "score": 0.5, "how": "guessed"}]}, "no known way"),
        ({"unknown": 3}, "TypeError"),
    ],
)
def test_what_cannot_be(found, change, message):
    """A field that is missing or cannot be is named, whoever wrote it."""
    with pytest.raises(ArtefactError, match=message):
        Calibration.from_dict({**found.to_dict(), **change})
    lacking = {key: value for key, value in found.to_dict().items() if key not in change}
    with pytest.raises(ArtefactError):
        Calibration.from_dict(lacking)


def test_signed_like_other_files(found, tmp_path):
    """The file is JSON with a sha256 of its own and names the prior."""
    save_calibration(tmp_path, found)
    content = files.read_json(tmp_path / "calibration.json")

    assert content["prior"] == 0.5
    assert len(content["sha256"]) == 64
