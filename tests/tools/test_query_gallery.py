"""tools/query_gallery.py as a user calls it."""

import importlib.util
import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from whole_runs import TINY, call, evaluate, train, trained

from reid.cli.command import run
from reid.data.synthetic import draw_dataset
from reid.embed import load_embedder

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "query_gallery.py"


def query(folder, *arguments):
    """The tool in a working folder."""
    spec = importlib.util.spec_from_file_location("query_gallery", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return call(lambda: run(module.command), folder, *arguments)


@pytest.fixture
def market(tmp_path_factory, tmp_path):
    """A working folder with a copy of the drawn gallery and queries, and the finished run."""
    made = trained(tmp_path_factory)
    for name in ("bounding_box_test", "query"):
        shutil.copytree(made.data / name, tmp_path / name)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "latest").symlink_to(made.run)
    return tmp_path


def test_json_table_and_figure(market):
    """The documented shape, the plain ranking, a picture, and nothing else on standard output."""
    crops = sorted((market / "query").iterdir())[:2]
    done = query(market, "--gallery", "bounding_box_test", *crops, "-k", 4, "--json", "-", "--figure", "f.png")

    assert done.code == 0, done.err
    answers = json.loads(done.out)
    assert [answer["query"] for answer in answers] == [str(crop) for crop in crops]
    assert cv2.imread(str(market / "f.png")).shape[0] > 100
    assert done.err == "rank lists drawn in f.png\n"
    embedder = load_embedder(market / "runs" / "latest")
    files = sorted((market / "bounding_box_test").iterdir())
    vectors = embedder.embed(files)
    for crop, answer in zip(crops, answers, strict=True):
        scores = vectors @ embedder.embed([crop])[0]
        order = np.argsort(-scores, kind="stable")[:4]
        assert [hit["path"] for hit in answer["hits"]] == [f"bounding_box_test/{files[row].name}" for row in order]
        assert [hit["score"] for hit in answer["hits"]] == pytest.approx(scores[order].tolist(), abs=1e-5)
        assert [hit["rank"] for hit in answer["hits"]] == [1, 2, 3, 4]
        for hit in answer["hits"]:
            assert hit.keys() >= {"rank", "identity", "score", "path", "camera"}
            name = Path(hit["path"]).name
            assert hit["identity"] == (None if name.startswith(("-1", "0000")) else name[:4])
            assert hit["camera"] == int(name.split("_c")[1].split("s")[0])
    shown = query(market, "--gallery", "bounding_box_test", *crops, "-k", 4)
    for hit in (hit for answer in answers for hit in answer["hits"]):
        line = next(line for line in shown.out.splitlines() if hit["path"] in line and f"{hit['score']:.4f}" in line)
        assert line.split()[0] == str(hit["rank"])


def test_own_file_and_cameras(market):
    """A crop is not its own answer; other cameras only, or one camera only; the cache is made once."""
    crop = min((market / "bounding_box_test").glob("00*"))
    camera = int(crop.name.split("_c")[1].split("s")[0])
    common = ("--gallery", "bounding_box_test", crop, "-k", 99, "--json", "-")
    every, others, one = (
        json.loads(query(market, *common, *more).out)[0]["hits"]
        for more in ((), ("--not-camera", camera), ("--camera", camera))
    )

    count = len(list((market / "bounding_box_test").iterdir()))
    assert len(every) == count - 1
    assert crop.name not in {Path(hit["path"]).name for hit in every}
    assert {hit["camera"] for hit in one} == {camera}
    assert camera not in {hit["camera"] for hit in others}
    assert len(one) + len(others) == len(every)
    cache = market / "bounding_box_test.embeddings"
    before = (cache / "vectors.npy").stat().st_ino
    query(market, *common)
    assert (cache / "vectors.npy").stat().st_ino == before


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--gallery", "nothing", "CROP"), 66, "no gallery folder nothing"),
        (("--gallery", "bounding_box_test", "none.jpg"), 66, "none.jpg"),
        (("--gallery", "bounding_box_test", "CROP", "--run", "no"), 66, "no"),
        (("--gallery", "bounding_box_test", "CROP", "-k", "0"), 2, "-k"),
        (("--gallery", "bounding_box_test", "CROP", "--figure", "no/f.png"), 73, "--figure no/f.png"),
        (("--gallery", "bounding_box_test"), 2, "CROP"),
        (("CROP",), 2, "--gallery"),
    ],
)
def test_mistakes(market, arguments, code, words):
    """Each with its code, and what is wrong."""
    crop = min((market / "query").iterdir())
    done = query(market, *(crop if word == "CROP" else word for word in arguments))

    assert (done.code, words in done.err) == (code, True), done.err


ODD = ["a\nb", os.fsdecode(b"\xff\xfe"), "n" * 251, "<img onerror=alert(1)>", "-k", " ", "\x1b[31m", "é,\"'"]


def test_odd_file_names_go_all_the_way(tmp_path):
    """Trained on, scored and found; JSON gives every name back, nothing for a terminal to obey is printed."""
    draw_dataset(tmp_path / "set", layout="folder", identities=16, images_per_identity=6, seed=2, processes=1)
    folders = [path for part in ("train", "test") for path in sorted((tmp_path / "set" / part).iterdir())]
    for folder in folders:
        for name, file in zip(ODD, sorted(folder.iterdir()), strict=False):
            file.rename(folder / f"{name}.jpg")
    for folder, name in zip(folders[-8:], ODD[1:], strict=False):
        folder.rename(folder.with_name(name))
    done = train(tmp_path, "--dataset", "folder", "--root", "set", *TINY, "--json", "-")
    assert done.code == 0, done.err
    scored = evaluate(tmp_path, "--json", "-")
    assert json.loads(scored.out)["splits"] == json.loads(done.out)["splits"]
    gallery = tmp_path / "set" / "test"
    crops = sorted(next(iter(gallery.iterdir())).iterdir())
    asked = ("--gallery", gallery, *crops)
    found = query(tmp_path, *asked, "-k", 99, "--json", "-")

    assert found.code == 0, found.err
    every = {str(path) for path in gallery.rglob("*.jpg")}
    for crop, answer in zip(crops, json.loads(found.out), strict=True):
        assert answer["query"] == str(crop)
        assert {hit["path"] for hit in answer["hits"]} == every - {str(crop)}
        assert all(hit["identity"] == Path(hit["path"]).parent.name for hit in answer["hits"])
    table = query(tmp_path, *asked, "-k", 99).out
    assert query(tmp_path, *asked, "-k", 2, "--figure", "f.png").code == 0
    assert "\x1b" not in table
    assert "\\x1b[31m" in table
