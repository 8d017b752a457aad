"""Faults of evaluation, by their rows: what elsewhere is scored as good, crashes, or goes unsaid."""

import itertools
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import oracles
import pytest
from samples import drawn, embeddings

from reid import files
from reid.distances import CosineDistances, MatrixDistances
from reid.errors import DataError, ShapeError
from reid.evaluation.matches import Labels
from reid.evaluation.protocols import Options, all_vs_all, evaluate, query_gallery, single_shot
from reid.evaluation.ranking import rank_matches
from reid.records import Embeddings

TESTS = Path(__file__).parents[1]
IMAGES = drawn(60, 7)
QUERY, GALLERY = IMAGES.select(slice(20)), IMAGES.select(slice(20, None))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rows", [[3], list(range(20))])
def test_g1_vectors_that_are_not_numbers(value, rows):
    """One row or all, query or gallery, NaN or infinite: refused with exit code 65, and images are named."""
    vectors = QUERY.vectors.copy()
    vectors[rows, 0] = value
    with pytest.raises(
        ShapeError, match=rf"{len(rows)} of 20 vectors hold NaN or infinity: {rows[0]:04d}\.jpg"
    ) as caught:
        Embeddings(vectors, QUERY.records)
    assert caught.value.exit_code == 65
    for pair in ((vectors, GALLERY.vectors), (GALLERY.vectors, vectors)):
        with pytest.raises(ShapeError, match=f"{len(rows)} of 20 .* row {rows[0]}"):
            CosineDistances(*pair)


def test_g1_distances_that_are_not_numbers():
    """A matrix from elsewhere is refused as well, naming the query's row."""
    matrix = np.ones((20, 40))
    matrix[7, 3] = np.nan
    with pytest.raises(ShapeError, match=r"1 of 20 rows of distances .* row 7"):
        rank_matches(MatrixDistances(matrix), Labels.of(QUERY.records), Labels.of(GALLERY.records))


@pytest.mark.parametrize("noise", [0.0, 1e-8])
def test_g2_a_collapsed_model_scores_badly_in_any_order(noise):
    """A hundred shuffles of a gallery of (nearly) equal vectors give one result, and a bad one where all are equal."""
    generator = np.random.Generator(np.random.Philox(4))
    vectors = (np.ones((60, 6)) + noise * generator.standard_normal((60, 6))).astype(np.float32)
    vectors = vectors[generator.integers(0, 60, 60)]
    images = replace(IMAGES, vectors=vectors)
    query, gallery = images.select(slice(20)), images.select(slice(20, None))
    report = query_gallery(query, gallery)

    for _ in range(100):
        assert query_gallery(query, gallery.select(generator.permutation(40))) == report
    assert report.counts.ties > 0
    if noise == 0:
        assert report.cmc[1] == 0
        assert all_vs_all(images, nmi_seeds=0).recall[1] == 0
        assert single_shot(images).figures()["rank1"]["mean"] == 0


@pytest.mark.parametrize(
    ("query", "cameras", "gallery", "gallery_cameras", "counts"),
    [
        (["a", "b"], [1, 1], ["a", "c"], [2, 2], (1, 0)),
        (["a", "b"], [1, 1], ["a", "b"], [2, 1], (1, 1)),
        (["a", "b", "d"], [1, 1, 1], ["a", "b"], [2, 1], (2, 1)),
        (["a", "b"], [1, -1], ["a", "b"], [2, 1], (0, 0)),
        (["a", "b"], [1, 1], ["a", "b"], [2, -1], (0, 0)),
        (["a", "-1"], [1, 1], ["a", "b"], [2, 1], (0, 0)),
        (["a", "b"], None, ["a", "c"], [2, 2], (1, 0)),
        (["a", "b"], [1, 1], ["a", "b"], None, (0, 0)),
    ],
)
def test_g3_some_queries_without_match(query, cameras, gallery, gallery_cameras, counts):
    """They are counted, with the reason, and the means are those of the others."""
    asked = embeddings(np.eye(4)[: len(query)], query, cameras, prefix="q")
    images = embeddings(np.eye(4)[: len(gallery)], gallery, gallery_cameras, prefix="g")
    report = query_gallery(asked, images)

    assert report.counts.queries == len(query) - query.count("-1")
    assert (report.counts.queries_without_match, report.counts.queries_only_same_camera) == counts
    assert report.cmc[1] == 1


@pytest.mark.parametrize(
    ("gallery", "cameras", "reasons"),
    [
        (["c", "d"], [2, 2], ["2 have an identity that the gallery lacks"]),
        (["a", "b"], [1, 1], ["2 have their identity in the gallery only on their own camera"]),
        (
            ["a", "d"],
            [1, 1],
            ["1 have an identity that the gallery lacks", "1 have their identity in the gallery only"],
        ),
        (["c", "d"], None, ["2 have an identity that the gallery lacks"]),
    ],
)
def test_g3_no_query_with_a_match(gallery, cameras, reasons):
    """Refused with exit code 65, the reasons counted and the camera rule explained."""
    asked = embeddings(np.eye(2), ["a", "b"], [1, 1])
    with pytest.raises(DataError, match="none of the 2 queries has a match") as caught:
        query_gallery(asked, embeddings(np.eye(2), gallery, cameras, prefix="g"))

    assert caught.value.exit_code == 65
    assert all(reason in str(caught.value) for reason in [*reasons, "same_camera='keep'"])


def test_g4_only_single_images():
    """Where every image has an identity of its own all figures are undefined: null in JSON, never NaN."""
    images = embeddings(np.eye(5), list("abcde"))
    found = json.loads(files.to_json(all_vs_all(images).to_dict()))

    assert found["recall"] == {"1": None, "2": None, "4": None}
    assert found["mAP"] is found["nmi"] is found["map_at_r"] is found["r_precision"] is None
    assert (found["queries"], found["queries_without_match"]) == (5, 5)
    assert json.loads(files.to_json(single_shot(images).to_dict()))["rank1"] == {"mean": None, "std": None}


def test_g5_nan_where_queries_are_the_gallery():
    """The row is named here too."""
    vectors = IMAGES.vectors.copy()
    vectors[9] = np.nan
    with pytest.raises(ShapeError, match=r"1 of 60 .* row 9"):
        CosineDistances(vectors, vectors)


LARGE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (2 * 2**30,) * 2)
import numpy as np
from samples import drawn
from dataclasses import replace
from reid.evaluation.protocols import query_gallery

def status(field):
    return int(open("/proc/self/status").read().split(field)[1].split()[0]) * 1024

def score(queries):
    return query_gallery(images.select(slice(queries)), images.select(slice(6_000, None)), memory=memory, bootstrap=0)

memory = int(sys.argv[1])
images = drawn(106_000, 10_000, width=16)
try:
    np.ones((6_000, 100_000), dtype=np.float32)
except MemoryError:
    print("all distances at once do not fit")
score(10)
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS:")
print(score(6_000).counts.queries)
images = replace(images, vectors=np.ones_like(images.vectors))
print(score(100).cmc[1])
print(status("VmHWM:") - before)
print("torch" in sys.modules)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits and tells a process's memory")
@pytest.mark.parametrize("memory", [2**25, pytest.param(2**30, marks=pytest.mark.soak)])
def test_g6_a_large_gallery_in_little_memory(memory):
    """100,000 images in 2 GB, where their matrix of distances has no room, collapsed vectors included; within `memory`."""
    done = subprocess.run(
        [sys.executable, "-c", LARGE, str(memory)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [TESTS, TESTS.parent]))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    refused, asked, collapsed, extra, torch = done.stdout.splitlines()

    assert (refused, asked, collapsed) == ("all distances at once do not fit", "6000", "0.0")
    assert int(extra) < min(memory, 50_000_000)
    assert torch == "False"


@pytest.mark.parametrize("rank", [1, 2, 3, 4, 1000])
@pytest.mark.parametrize("images", [1, 2, 3])
def test_g7_ranks_beyond_the_gallery(rank, images):
    """The curve stays at its last value, however small the gallery."""
    asked = embeddings([[1, 0]], ["a"])
    gallery = embeddings([[1, 0.1]] * (images - 1) + [[1, 0.5]], ["b"] * (images - 1) + ["a"], prefix="g")

    assert query_gallery(asked, gallery, ranks=(rank,)).cmc[rank] == (1 if rank >= images else 0)


def test_g8_queries_in_the_gallery_do_not_find_themselves():
    """A query's own file is left out of its ranking, as if it were not there, and the report says how many there are."""
    found = query_gallery(QUERY, IMAGES, camera_pairs=True)
    assert found.counts.queries_in_gallery == found.to_dict()["queries_in_gallery"] == 20
    kept = query_gallery(QUERY, IMAGES, same_camera="keep")
    everyone = all_vs_all(IMAGES)
    asked = np.isin(everyone.per_query.rows, np.arange(20))
    assert kept.per_query.figures["mAP"].tolist() == everyone.per_query.figures["mAP"][asked].tolist()
    assert query_gallery(QUERY, GALLERY).counts.queries_in_gallery == 0
    alone = embeddings(np.eye(2), ["a", "b"])
    with pytest.raises(DataError, match="2 have no other picture of their identity in the gallery than their own file"):
        query_gallery(alone, alone)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("memory", [1, 5000, 2**30])
def test_g9_types_and_blocks(kind, memory):
    """Half, single and double precision in blocks of any size stay within 1e-6 of the slow reference."""
    generator = np.random.Generator(np.random.Philox(6))
    vectors = generator.standard_normal((60, 12)).astype(np.float16).astype(kind)
    labels = Labels.of(IMAGES.records)
    found = rank_matches(CosineDistances(vectors, vectors), labels, labels, memory=memory)
    exact = oracles.cosine_distances(vectors.tolist(), vectors.tolist())
    plain = (IMAGES.records.identities.tolist(), [-1] * 60)
    rankings = oracles.score(exact, plain, plain).rankings

    assert found.ranks.tolist() == [rank for ranking in rankings for rank, right in enumerate(ranking, 1) if right]


@pytest.mark.parametrize("protocol", ["query-gallery", "single-shot", "all-vs-all"])
@pytest.mark.parametrize("names", [[], ["-1", "-1"]])
def test_g10_nothing_to_score(protocol, names):
    """An empty set, or one of junk alone, is refused with exit code 65."""
    nothing = embeddings(np.zeros((len(names), 8)), names)
    sets = [nothing] if protocol != "query-gallery" else [(nothing, GALLERY), (QUERY, nothing)]
    for images in sets:
        with pytest.raises(DataError, match="cannot be scored") as caught:
            evaluate(images, protocol)
        assert caught.value.exit_code == 65


def test_g11_figures_equal_a_naive_reference():
    """A few hundred sets here; ten thousand in tests/evaluation/test_ranking.py."""
    for seed in range(200):
        images = drawn(12, 4, width=2, seed=seed)
        exact = oracles.cosine_distances(images.vectors.tolist(), images.vectors.tolist())
        labels = images.records.identities.tolist(), [-1] * 12
        expected = oracles.score(exact, labels, labels, same_image=True).figures
        found = all_vs_all(images, nmi_seeds=0)

        assert found.mAP == pytest.approx(expected["step"], abs=1e-9)
        assert found.recall[1] == pytest.approx(expected["hit1"], abs=1e-9)


def test_c13_json_has_no_nan():
    """Every report is standard JSON, undefined figures included, and says why they are undefined."""
    sets = {"plain": IMAGES, "singles": embeddings(np.eye(3), list("abc")), "one": embeddings([[1, 0]], ["a"])}
    for images, protocol in itertools.product(sets.values(), ["single-shot", "all-vs-all"]):
        text = files.to_json(evaluate(images, protocol, Options(trials=2, nmi_seeds=1)).to_dict())
        found = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
        undefined = found["mAP"] is None or found["mAP"] == {"mean": None, "std": None}
        assert undefined == (found["queries"] == found["queries_without_match"])
