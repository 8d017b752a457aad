"""Crops in, ranked gallery images out."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import small_runs

from reid.cli.query import Answer, check_figure, draw, print_hits, rank
from reid.embed import load_embedder
from reid.errors import MissingInputError, OutputError
from reid.gallery.search import Hit
from reid.model.store import save_model


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
    answers = rank(crops, place / "gallery", count=5, model=place)
    embedder = load_embedder(place)
    files = sorted((place / "gallery").iterdir())
    vectors = embedder.embed(files)

    assert [answer.itself for answer in answers] == [False, True]
    for crop, answer in zip(crops, answers, strict=True):
        scores = vectors @ embedder.embed([crop])[0]
        wanted = [row for row in np.argsort(-scores, kind="stable") if files[row] != crop.resolve()][:5]
        assert [hit.path for hit in answer.hits] == [files[row] for row in wanted]
        assert [hit.score for hit in answer.hits] == pytest.approx(scores[wanted].tolist(), abs=1e-5)
        assert answer.query == crop


def test_large_crop_before_the_gallery_is_embedded(place, tmp_path):
    """OpenCV reads it with one thread: others would be waited for for ever in the process that reads the gallery."""
    cv2.setNumThreads(4)
    cv2.imwrite(str(tmp_path / "large.jpg"), np.random.default_rng(0).integers(0, 255, (2000, 2000, 3), dtype=np.uint8))
    small_runs.patches(tmp_path / "gallery", identities=2, each=2)

    assert len(rank([tmp_path / "large.jpg"], tmp_path / "gallery", count=9, model=place)[0].hits) == 4
    assert cv2.getNumThreads() == 1


def test_missing_crop(place):
    """Named."""
    with pytest.raises(MissingInputError, match=r"none\.png"):
        rank([place / "none.png"], place / "gallery", count=1, model=place)


def test_table(capsys):
    """Control characters of names are shown as escapes; what is not known is said or left blank."""
    hit = Hit(1, None, 0.5, Path("a\x1b[31m.png"), None)
    print_hits([Answer(Path("q\n.png"), None, None, (hit,), itself=True)])
    out = capsys.readouterr().out

    assert out.splitlines()[0] == r"q\n.png  (its own file is in the gallery and left out)"
    assert out.splitlines()[3].split() == ["1", "unknown", "0.5000", r"a\x1b[31m.png"]


def test_figure(place, tmp_path):
    """A picture with a row per crop."""
    crop = place / "crops" / "000_0.png"
    one, two = (rank([crop] * rows, place / "gallery", count=3, model=place) for rows in (1, 2))
    draw(one, tmp_path / "one.png")
    draw(two, tmp_path / "two.png")
    sizes = [cv2.imread(str(tmp_path / name)).shape for name in ("one.png", "two.png")]

    assert sizes[0][1] == sizes[1][1]
    assert sizes[0][0] < sizes[1][0]


@pytest.mark.parametrize("name", [".", "nothing/f.png", "n" * 300 + "/f.png"])
def test_figure_that_cannot_be_written(tmp_path, name):
    """Refused before any work."""
    with pytest.raises(OutputError, match="--figure"):
        check_figure(tmp_path / name)
    check_figure(tmp_path / "f.png")
