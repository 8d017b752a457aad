"""reid-eval --compare: two runs, or two files of vectors."""

import json
import shutil

import numpy as np
import pytest
from whole_runs import Trained, evaluate
from whole_runs import trained as train


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two files of vectors of the same images, the second with less noise, and one of other images."""
    where = tmp_path_factory.mktemp("vectors")
    random = np.random.default_rng(1)
    identities = np.arange(120) % 12
    centres = random.normal(size=(12, 8))
    for name, noise, number in (("a", 1.5, 120), ("b", 0.7, 120), ("c", 1.0, 60)):
        vectors = centres[identities[:number]] + noise * random.normal(size=(number, 8))
        np.savez(where / f"{name}.npz", query_vectors=vectors, query_identities=identities[:number])
    return where


def test_two_files(folder):
    """The difference of every figure, with interval and p; the JSON says the same."""
    done = evaluate(folder, "--compare", "a.npz", "b.npz", "--json", "j.json", "--out", "o")

    assert done.code == 0, done.err
    report = json.loads((folder / "j.json").read_text())
    assert report == json.loads((folder / "o" / "comparison.json").read_text())
    figures = report["splits"]["test"]["all-vs-all"]["figures"]
    better = figures["mAP"]
    assert better["difference"] == pytest.approx(better["second"] - better["first"])
    assert 0 < better["interval"][0] < better["difference"] < better["interval"][1]
    assert better["p"] < 0.05
    assert f"{100 * better['difference']:+.1f}" in done.out
    assert "| mAP " in done.out
    single = evaluate(folder, "--embeddings", "a.npz", "--json", "-")
    alone = json.loads(single.out)["splits"]["test"]["all-vs-all"]
    assert better["first"] == pytest.approx(alone["mAP"])


def test_a_file_with_itself(folder):
    """No difference, and chance explains it."""
    done = evaluate(folder, "--compare", "a.npz", "a.npz", "--json", "-")
    figures = json.loads(done.out)["splits"]["test"]["all-vs-all"]["figures"]

    assert {one["difference"] for one in figures.values()} == {0.0}
    assert {one["p"] for one in figures.values()} == {1.0}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--compare", "a.npz", "c.npz"), 65, "were not asked the same queries"),
        (("--compare", "a.npz", "b.npz", "--embeddings", "a.npz"), 78, "leave out --run and --embeddings"),
        (("--compare", "a.npz", "b.npz", "--split", "large"), 78, "leave out --split"),
        (("--compare", "a.npz", "b.npz", "--explain"), 78, "leave it out with --compare"),
        (("--compare", "a.npz", "b.npz", "--explain-learner", "0"), 78, "leave it out with --compare"),
        (("--compare", "a.npz", "missing"), 2, "missing"),
    ],
)
def test_what_cannot_be_compared(folder, arguments, code, words):
    """Says why."""
    done = evaluate(folder, *arguments)

    assert (done.code, words in done.err) == (code, True), done.err


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Trained:
    """A finished run."""
    return train(tmp_path_factory)


def test_two_runs(trained, tmp_path):
    """A run with itself: the same dataset is embedded twice, and nothing sets them apart; a run and a file do not go together."""
    second = shutil.copytree(trained.run, tmp_path / "second")
    done = evaluate(trained.folder, "--compare", trained.run, second, "--json", "-")

    assert done.code == 0, done.err
    report = json.loads(done.out)
    place = second / f"compared-with-{trained.run.name}"
    assert json.loads((place / "comparison.json").read_text()) == report
    assert (place / "report" / "index.html").is_file()
    assert report["dataset"] == trained.name
    for by_protocol in report["splits"].values():
        for found in by_protocol.values():
            assert {one["difference"] for one in found["figures"].values()} <= {0.0}
    np.savez(trained.folder / "v.npz", query_vectors=np.eye(4), query_identities=np.arange(4) % 2)
    mixed = evaluate(trained.folder, "--compare", trained.run, "v.npz")
    assert mixed.code == 78
    assert "is a run and v.npz is not" in mixed.err
