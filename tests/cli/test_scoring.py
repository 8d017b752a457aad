"""Which run, which dataset and which settings reid-eval takes."""

import json

import numpy as np
import pytest
from whole_runs import evaluate

from reid.evaluation.features import load_features
from reid.evaluation.protocols import Options
from reid.evaluation.protocols import evaluate as score


@pytest.fixture
def vectors(tmp_path):
    """Vectors of five identities, all against all."""
    random = np.random.default_rng(1)
    np.savez(
        tmp_path / "v.npz",
        query_vectors=random.normal(size=(30, 8)).astype(np.float32),
        query_identities=np.arange(30) % 5,
    )
    return tmp_path


@pytest.mark.parametrize("kind", ["step", "trapezoid"])
@pytest.mark.parametrize("protocol", ["all-vs-all", "single-shot"])
def test_options_reach_the_protocol(vectors, kind, protocol):
    """The figures are those of the functions, with the same options."""
    arguments = ("--protocol", protocol, "--average-precision", kind, "--trials", 3)
    done = evaluate(vectors, "--embeddings", "v.npz", *arguments, "--out", "o", "--json", "j.json")
    _, every = load_features(vectors / "v.npz")

    assert done.code == 0, done.err
    report = json.loads((vectors / "j.json").read_text())
    wanted = score(every, protocol, Options(average_precision=kind, trials=3)).to_dict()
    assert report["splits"] == {"test": {protocol: json.loads(json.dumps(wanted))}}
    assert json.loads((vectors / "o" / "report.json").read_text()) == report
    assert f"| test  | {protocol}" in done.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--split", "large"), 78, "leave out --split"),
        (("--run", "r", "--dataset", "d", "--root", "x"), 78, "leave out --run, --dataset, --root"),
        (("--flip", "--crops", "5"), 78, "leave out --flip, --crops"),
        (("--protocol", "query-gallery"), 78, "needs queries of their own"),
    ],
)
def test_what_vectors_cannot_answer(vectors, arguments, code, words):
    """Options that would do nothing are refused."""
    done = evaluate(vectors, "--embeddings", "v.npz", *arguments)

    assert (done.code, words in done.err) == (code, True), done.err


def test_no_run(tmp_path):
    """Says how to get one."""
    done = evaluate(tmp_path)

    assert done.code == 66
    assert "train one with reid-train, or name another with --run" in done.err


def test_vectors_where_reranking_does_harm(tmp_path):
    """Said of vectors from elsewhere too, before they are scored; not without re-ranking."""
    random = np.random.default_rng(1)
    sides = {
        f"{side}_{part}": value
        for side in ("query", "gallery")
        for part, value in (("vectors", random.normal(size=(12, 8))), ("identities", np.arange(12)))
    }
    np.savez(tmp_path / "v.npz", **sides)
    refined = evaluate(tmp_path, "--embeddings", "v.npz", "--rerank", "k-reciprocal")
    plain = evaluate(tmp_path, "--embeddings", "v.npz")

    assert (refined.code, plain.code) == (0, 0)
    assert "note: test query-gallery: the gallery holds about one image per identity" in refined.err
    assert "v.npz, re-ranked by k-reciprocal, in percent" in refined.out
    assert plain.err == ""
