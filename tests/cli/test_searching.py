"""Crops in, ranked gallery images out."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import small_runs

from reid.cli.searching import Found, check_figure, draw, print_found, rank
from reid.embed import load_embedder
from reid.errors import GalleryError, MissingInputError, OutputError
from reid.gallery.answers import Answer
from reid.gallery.entries import Hit, Stored
from reid.gallery.filters import Where
from reid.gallery.gallery import Gallery
from reid.model.store import save_model

OPTIONS = {
    "count": 5,
    "by": "image",
    "best_of": 1,
    "one_object": False,
    "rerank": False,
    "threshold": None,
    "false_alarms": None,
    "device": "cpu",
}


def ask(place, crops, gallery="gallery", where=None, **options):
    """What is found with the model of the place."""
    return rank(str(place / gallery), crops, where or Where(), {**OPTIONS, "model": place, **options})


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A model, twelve gallery images and a crop that is none of them."""
    folder, network = tmp_path_factory.mktemp("query"), small_runs.network()
    save_model(folder, network, small_runs.description(network.architecture))
    small_runs.patches(folder / "gallery", identities=4, each=3)
    small_runs.patches(folder / "crops", identities=1, each=1, seed=9)
    return folder


def test_hits_are_those_of_a_plain_ranking(place):
    """For a crop from elsewhere, and for one of the gallery, which is not its own answer by whatever path it is named."""
    own = place / "crops" / ".." / "gallery" / "001_1.png"
    crops = [place / "crops" / "000_0.png", own]
    answers = ask(place, crops)
    embedder = load_embedder(place)
    files = sorted((place / "gallery").iterdir())
    vectors = embedder.embed(files)

    assert [answer.itself for answer in answers] == [False, True]
    for crop, answer in zip(crops, answers, strict=True):
        scores = vectors @ embedder.embed([crop])[0]
        wanted = [row for row in np.argsort(-scores, kind="stable") if files[row] != crop.resolve()][:5]
        assert [hit.path for hit in answer.answer.hits] == [files[row] for row in wanted]
        assert [hit.score for hit in answer.answer.hits] == pytest.approx(scores[wanted].tolist(), abs=1e-5)
        assert answer.crops == (crop,)


def test_large_crop_before_the_gallery_is_embedded(place, tmp_path):
    """OpenCV reads it with one thread: others would be waited for for ever in the process that reads the gallery."""
    cv2.setNumThreads(4)
    cv2.imwrite(str(tmp_path / "large.jpg"), np.random.default_rng(0).integers(0, 255, (2000, 2000, 3), dtype=np.uint8))
    small_runs.patches(tmp_path / "gallery", identities=2, each=2)

    options = {**OPTIONS, "count": 9, "model": place}
    assert len(rank(str(tmp_path / "gallery"), [tmp_path / "large.jpg"], Where(), options)[0].answer.hits) == 4
    assert cv2.getNumThreads() == 1


def test_missing_crop(place):
    """Named."""
    with pytest.raises(MissingInputError, match=r"none\.png"):
        ask(place, [place / "none.png"])


@pytest.fixture(scope="module")
def made(place):
    """A gallery of the same images, with times."""
    embedder = load_embedder(place)
    with Gallery.create(place / "made", embedder, run=place) as gallery:
        gallery.add(place / "gallery", workers=0)
    return "made"


def test_a_gallery_answers_as_the_folder_does(place, made):
    """The same images in the same order with the same scores; the crop's own content is left out, by whatever name."""
    copy = place / "copy.png"
    copy.write_bytes((place / "gallery" / "001_1.png").read_bytes())
    for where in (Where(), Where(paths=(str(place / "gallery"),))):
        plain = ask(place, [place / "crops" / "000_0.png", place / "gallery" / "001_1.png"], where=where)
        kept = ask(place, [place / "crops" / "000_0.png", copy], made, where=where, model=None)
        assert [one.itself for one in kept] == [False, True]
        for one, other in zip(plain, kept, strict=True):
            assert [hit.path for hit in one.answer.hits] == [hit.path for hit in other.answer.hits]
            assert [h.score for h in one.answer.hits] == pytest.approx([h.score for h in other.answer.hits], abs=1e-6)


def test_one_object_and_identities(place, made):
    """Several crops are one query; identities come once each."""
    crops = sorted((place / "gallery").glob("001_*"))
    (found,) = ask(place, crops, made, one_object=True, by="identity", best_of=2, count=3)

    assert found.crops == tuple(crops)
    assert found.itself
    assert len({hit.identity for hit in found.answer.hits} - {None}) + sum(
        hit.identity is None for hit in found.answer.hits
    ) == len(found.answer.hits)
    told = found.to_dict()
    assert (told["query"], told["crops"]) == (str(crops[0]), [str(crop) for crop in crops])


def test_the_model_of_a_gallery(place, made, tmp_path):
    """Is the one it was made for, wherever it is now; another is refused, and a missing one named."""
    crop = place / "crops" / "000_0.png"
    other = small_runs.network(seed=5)
    save_model(tmp_path, other, small_runs.description(other.architecture))
    with pytest.raises(GalleryError, match="cannot be compared"):
        ask(place, [crop], made, model=tmp_path)
    with Gallery.open(place / made) as gallery:
        gallery.store.set("run", str(tmp_path / "gone"))
        with pytest.raises(MissingInputError, match=r"the gallery's model was .*gone"):
            ask(place, [crop], made, model=None)
        gallery.store.set("run", None)
        with pytest.raises(GalleryError, match="name its run with --run"):
            ask(place, [crop], made, model=None)
        gallery.store.set("run", str(place))


def test_table(capsys):
    """Control characters of names are shown as escapes; what is not known is said or left out; a crop is told by its box."""
    image = Stored("a\x1b[31m.png")
    answer = Answer((Hit(1, 0.5, image),), unknown=True, threshold=0.75)
    print_found([Found((Path("q\n.png"),), answer, None, None, itself=True)])
    out = capsys.readouterr().out.splitlines()

    assert out[0] == r"q\n.png  (its own file is in the gallery and left out; unknown: no score reaches 0.750)"
    assert out[1].split() == ["rank", "identity", "camera", "score", "image"]
    assert out[3].split() == ["1", "unknown", "0.5000", r"a\x1b[31m.png"]
    told = (
        Hit(1, 0.5, Stored("a.png", "car", 3, 1772352000.0), 0.25),
        Hit(2, 0.5, Stored("b.png", "car", 3, 17.0), 0.25),
    )
    print_found([Found((Path("q.png"),), Answer(told, unknown=False), None, None, itself=False)])
    out = capsys.readouterr().out.splitlines()
    assert out[1].split() == ["rank", "identity", "camera", "time", "score", "same?", "image"]
    assert out[3].split() == ["1", "car", "3", "2026-03-01", "08:00:00", "0.5000", "25", "%", "a.png"]
    assert out[4].split() == ["2", "car", "3", "17", "0.5000", "25", "%", "b.png"]
    crop = Stored("frame.png", "car", box=(1, 2, 30, 40), id=1234)
    print_found(
        [Found((Path("q.png"),), Answer((Hit(1, 0.5, crop),), unknown=False), None, None, itself=False)], ids=True
    )
    out = capsys.readouterr().out.splitlines()
    assert out[1].split() == ["rank", "identity", "camera", "score", "id", "image"]
    assert out[3].split() == ["1", "car", "0.5000", "1234", "frame.png", "(1,", "2,", "30,", "40)"]


def test_figure(place, tmp_path):
    """A picture with a row per crop."""
    crop = place / "crops" / "000_0.png"
    one, two = (ask(place, [crop] * rows, count=3) for rows in (1, 2))
    draw(one, tmp_path / "one.png")
    draw(two, tmp_path / "two.png")
    sizes = [cv2.imread(str(tmp_path / name)).shape for name in ("one.png", "two.png")]

    assert sizes[0][1] == sizes[1][1]
    assert sizes[0][0] < sizes[1][0]


def test_figure_of_images_that_are_gone(place, tmp_path):
    """Their thumbnails stand for them; where there are none, the missing file is named."""
    small_runs.patches(tmp_path / "images", identities=4, each=2)
    embedder, crop = load_embedder(place), place / "crops" / "000_0.png"
    with Gallery.create(tmp_path / "gallery", embedder) as gallery:
        gallery.add(tmp_path / "images")
    before = ask(place, [crop], tmp_path / "gallery", count=3, figure=tmp_path / "f.png")
    for image in (tmp_path / "images").iterdir():
        image.unlink()
    after = ask(place, [crop], tmp_path / "gallery", count=3, figure=tmp_path / "f.png")
    assert not before[0].thumbnails
    assert {*after[0].thumbnails} == {hit.image.id for hit in after[0].answer.hits}
    draw(after, tmp_path / "f.png")
    with pytest.raises(MissingInputError, match="images"):
        draw([replace(after[0], thumbnails={})], tmp_path / "f.png")


@pytest.mark.parametrize("name", [".", "nothing/f.png", "n" * 300 + "/f.png"])
def test_figure_that_cannot_be_written(tmp_path, name):
    """Refused before any work."""
    with pytest.raises(OutputError, match="--figure"):
        check_figure(tmp_path / name)
    check_figure(tmp_path / "f.png")
