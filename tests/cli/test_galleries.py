"""What the commands of `reid-gallery` do, except searching."""

import json

import numpy as np
import pytest
import small_runs
from whole_runs import call

from reid import records
from reid.cli.gallery import main
from reid.embed import load_embedder
from reid.evaluation.calibration import calibrate
from reid.gallery.gallery import Gallery
from reid.gallery.meaning import CALIBRATION
from reid.model.store import save_model
from reid.records import Embeddings


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A folder with a model, another model, and images."""
    folder = tmp_path_factory.mktemp("galleries")
    for seed, name in enumerate(("run", "other")):
        network = small_runs.network(seed=seed)
        (folder / name).mkdir()
        save_model(folder / name, network, small_runs.description(network.architecture))
    small_runs.patches(folder / "images", identities=4, each=3)
    return folder


@pytest.fixture
def place(begun, tmp_path):
    """A working folder with a gallery of twelve images of camera 1, three of which are a car."""
    for name in ("run", "other", "images"):
        (tmp_path / name).symlink_to(begun / name)
    with Gallery.create(tmp_path / "g", load_embedder(begun / "run"), run=begun / "run") as gallery:
        gallery.add(tmp_path / "images", workers=0)
        gallery.label({"id": [1, 2, 3]}, "car")
    return tmp_path


def gallery(place, *arguments):
    """A command in a working folder; what it did."""
    return call(main, place, *arguments)


def told(place, *arguments):
    """The JSON of a command that succeeds."""
    done = gallery(place, *arguments, "--json", "-")
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_from_nothing_to_a_search(begun, tmp_path):
    """Made, filled, filled again, looked at and searched, as in the documents."""
    for name in ("run", "images"):
        (tmp_path / name).symlink_to(begun / name)
    assert "cannot tell what is unknown" in gallery(tmp_path, "create", "g", "--run", "run").out
    added = gallery(tmp_path, "add", "g", "images", "--camera", "3", "--time", "2026-03-01", "--workers", "0")
    assert (added.out, added.err) == ("added 12 images\n", "")
    again = told(tmp_path, "add", "g", "images", "--workers", "0")
    assert (again["added"], again["duplicates"]) == (0, 12)
    info = told(tmp_path, "info", "g")
    assert (info["images"], info["identities"], info["unlabelled"], info["cameras"]) == (12, 0, 12, 1)
    assert {"model", "bytes", "dimension"} <= info.keys()
    shown = gallery(tmp_path, "info", "g").out
    assert "images         12" in shown
    assert "unknown below  not calibrated" in shown
    (answer,) = told(tmp_path, "search", "g", "images/001_1.png", "-k", "4", "--camera", "3")
    assert [hit["rank"] for hit in answer["hits"]] == [1, 2, 3, 4]
    assert answer["hits"][0]["time"] == 1772323200


def test_a_threshold_is_told_with_its_meaning(place):
    """The score, the share of false alarms it was chosen for, and whether that was measured."""
    images, labels = (
        np.random.default_rng(0).standard_normal((40, 16)).astype(np.float32),
        [str(n // 4) for n in range(40)],
    )
    model = load_embedder(place / "run").fingerprint
    found = calibrate(Embeddings(images, records.build(place, [f"{n}.png" for n in range(40)], labels), model))
    with Gallery.open(place / "g") as opened:
        opened.store.set(CALIBRATION, found.to_dict())
    shown = gallery(place, "info", "g").out
    assert "unknown below  not known for so many: 10 identities were held out (see --false-alarms)" in shown
    told(place, "label", "g", "car", "--id", "4", "--id", "5")

    wanted = found.unknown_below(8)
    line = f"unknown below  {wanted.score:.3f}, which 10 % of strangers should reach ({wanted.how})"
    assert line in gallery(place, "info", "g").out


def test_labels(place):
    """Given, taken away and merged."""
    assert told(place, "label", "g", "van", "--id", "4", "--id", "5") == {"changed": 2}
    assert told(place, "merge", "g", "car", "van", "--into", "truck") == {"changed": 5}
    assert told(place, "info", "g")["identities"] == 1
    assert gallery(place, "label", "g", "unknown", "--identity", "truck").out == "5 images are now unknown\n"
    assert told(place, "info", "g")["unlabelled"] == 12
    assert told(place, "label", "g", "bus", "--identity", "unknown", "--source", "images") == {"changed": 12}
    assert gallery(place, "merge", "g", "bus", "--into", "unknown").out == "12 images are now unknown\n"
    assert gallery(place, "merge", "g", "nobody", "--into", "a").err == (
        "error: the gallery has no identity nobody; nothing was changed\n"
    )


def test_removing_and_compacting(place):
    """By a condition or everything, and never by neither or both."""
    assert told(place, "remove", "g", "--identity", "car") == {"removed": 3}
    assert "gave back the room of 3 removed images" in gallery(place, "compact", "g").out
    assert gallery(place, "remove", "g").code == gallery(place, "remove", "g", "--all", "--id", "4").code == 65
    assert "removed 9 images; their bytes stay" in gallery(place, "remove", "g", "--all").out
    assert gallery(place, "label", "g", "a").code == 65


def test_copies_and_tables(place):
    """Everything is in the copy; a table can be added again."""
    assert told(place, "copy", "g", "h") == {"copied": 12}
    one, other = told(place, "info", "g"), told(place, "info", "h")
    changing = ("bytes", "created")
    assert {k: v for k, v in one.items() if k not in changing} == {k: v for k, v in other.items() if k not in changing}
    assert gallery(place, "export", "g", "t.csv", "--identity", "car").out == "3 images in t.csv\n"
    assert gallery(place, "export", "g", "t.csv").code == 73
    assert gallery(place, "export", "g", "t.csv", "--force").out == "12 images in t.csv\n"
    assert gallery(place, "create", "k", "--run", "run").code == 0
    assert told(place, "add", "k", "t.csv", "--workers", "0")["added"] == 12
    assert told(place, "info", "k")["identities"] == 1


def test_another_model(place):
    """Its vectors are refused; a migrated gallery has the same images with its vectors, and migrating goes on."""
    refused = gallery(place, "add", "g", "images", "--run", "other")
    assert (refused.code, "cannot be compared" in refused.err) == (65, True)
    assert told(place, "migrate", "g", "h", "--run", "other", "--workers", "0")["added"] == 12
    one, other = told(place, "info", "g"), told(place, "info", "h")
    assert (one["identities"], one["images"]) == (other["identities"], other["images"])
    assert one["model"] != other["model"]
    assert told(place, "remove", "h", "--id", "7") == {"removed": 1}
    assert told(place, "migrate", "g", "h", "--run", "other", "--workers", "0")["added"] == 1
    assert gallery(place, "migrate", "g", "h", "--run", "run").code == 65


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("info", "nothing"), 66, "no gallery in nothing"),
        (("add", "g", "nothing"), 66, "nothing"),
        (("search", "g", "none.jpg"), 66, "none.jpg"),
        (("create", "g", "--run", "run"), 73, "g exists already"),
        (("create", "h", "--run", "no"), 66, "no"),
        (("info", "milvus://"), 65, "milvus://"),
        (("search", "g", "images/001_1.png", "--since", "soon"), 65, "'soon' is no time"),
        (("check", "milvus+lite:///a.db/x", "--repair"), 65, "database"),
        (("export", "g", "t.txt"), 78, "t.txt"),
    ],
)
def test_mistakes(place, arguments, code, words):
    """Each with its code, and what is wrong."""
    done = gallery(place, *arguments)

    assert (done.code, words in done.err) == (code, True), done.err
    assert "Traceback" not in done.err


def test_a_gallery_of_averaged_vectors(place):
    """It remembers how its vectors were averaged, averages queries and further images alike, and takes no others."""
    assert "are those of vectors that are not averaged" in gallery(place, "create", "m", "--run", "run", "--flip").out
    assert gallery(place, "add", "m", "images", "--workers", "0").code == 0
    path = str(min((place / "images").iterdir()))
    hits = told(place, "search", "m", path)[0]["hits"]
    embedder = load_embedder(place / "run").averaged(flip=True)
    first, second = embedder.embed([path, hits[0]["path"]])
    assert hits[0]["score"] == pytest.approx(first @ second, abs=1e-5)
    embedder.embed_records(records.build(place / "images", ["000_0.png"], ["a"]), workers=0).save(place / "e")
    assert "1 were there already" in gallery(place, "add", "m", "e").out
    assert gallery(place, "add", "g", "e").code == 65
    assert gallery(place, "copy", "m", "copy").code == 0
    assert told(place, "info", "copy")["averaging"] == {"flip": True, "crops": 1}
    assert gallery(place, "migrate", "g", "five", "--run", "run", "--crops", "5", "--workers", "0").code == 0
    assert told(place, "info", "five")["averaging"] == {"flip": False, "crops": 5}
