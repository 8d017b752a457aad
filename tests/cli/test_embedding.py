"""Embedding in bulk."""

import json

import numpy as np
import pytest
import small_runs
import videos
from whole_runs import call

from reid.cli import embedding
from reid.cli.embed import main
from reid.data.boxes import cut
from reid.data.videos import Video, read_frame
from reid.embed import TorchModel, load_embedder
from reid.gallery.gallery import Gallery
from reid.gallery.pictures import read_picture
from reid.gallery.sources import Told
from reid.model.store import save_model
from reid.records import Embeddings


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a model and twelve images, embedded five at a time."""
    network = small_runs.network()
    (tmp_path / "run").mkdir()
    save_model(tmp_path / "run", network, small_runs.description(network.architecture))
    small_runs.patches(tmp_path / "images", identities=4, each=3)
    monkeypatch.setattr(embedding, "PIECE", 5)
    return tmp_path


def embed(place, *arguments):
    """The command, its processes being this one."""
    return call(main, place, "images", "--run", "run", "--workers", 0, *arguments)


def test_one_folder_of_vectors(place):
    """Those of the model, in the order of the names; nothing else is left."""
    done = embed(place, "--out", "e")
    assert (done.code, done.out) == (0, "12 vectors in e\n"), done.err
    made = Embeddings.load(place / "e")
    names = sorted((place / "images").iterdir())

    assert made.records.files() == names
    np.testing.assert_allclose(made.vectors, load_embedder(place / "run").embed(names), atol=1e-6)
    assert not (place / "e.pieces").exists()
    assert embed(place, "--out", "e").code == 73


def test_shards_fill_a_gallery_in_any_order(place):
    """Together they are all images, each once."""
    for number in (1, 2, 3):
        assert embed(place, "--out", f"e{number}", "--shard", f"{number}/3").code == 0
    embedder = load_embedder(place / "run")
    with Gallery.create(place / "g", embedder) as gallery:
        for number in (3, 1, 2):
            gallery.add(place / f"e{number}", workers=0)
        whole = sorted((i.path, i.identity) for i in gallery.images())
    with Gallery.create(place / "h", embedder) as gallery:
        gallery.add(place / "images", workers=0)
        assert whole == sorted((i.path, i.identity) for i in gallery.images())


def test_goes_on_where_it_was_broken_off(place, monkeypatch):
    """Pieces that were done are not embedded again; those of other images or another model are."""
    calls, plain = [], TorchModel.pictures

    def counted(model, batch):
        calls.append(len(batch))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return plain(model, batch)

    monkeypatch.setattr(TorchModel, "pictures", counted)
    assert embed(place, "--out", "e").code == 130
    assert [path.name for path in (place / "e.pieces").iterdir()] == ["000000"]
    assert embed(place, "--out", "e").code == 0
    assert calls == [5, 5, 5, 2]
    names = sorted((place / "images").iterdir())
    made = Embeddings.load(place / "e")
    assert made.records.files() == names
    np.testing.assert_allclose(made.vectors, load_embedder(place / "run", device="cpu").embed(names), atol=1e-6)


def test_images_that_cannot_be_used(place):
    """End it with their name, or are left out and told."""
    (place / "images" / "001_1.png").write_bytes(b"no image")
    failed = embed(place, "--out", "e")
    assert (failed.code, "001_1.png" in failed.err) == (65, True)
    told = json.loads(embed(place, "--out", "e", "--on-bad-image", "skip", "--json", "-").out)
    assert (told["images"], told["skipped"]) == (11, 1)
    assert "001_1.png" in told["problems"][0]


def test_boxes_in_a_video(place, monkeypatch):
    """Every box is the crop of its frame; a video is decoded once whatever the number of pieces, and read by a gallery."""
    clip = videos.write(place / "gate.avi", videos.frames(9))
    rows = [(number, 2 * place + number, 5, 30, 40, place) for number in range(9) for place in range(1, 3)]
    text = "\n".join(",".join(map(str, row)) for row in [("frame", "x", "y", "w", "h", "track"), *rows])
    (place / "tracks.csv").write_text(text)
    opened = []
    plain = Video.__init__
    monkeypatch.setattr(Video, "__init__", lambda self, *rest: (opened.append(rest[0]), plain(self, *rest))[1])
    done = call(main, place, "tracks.csv", "--video", "gate.avi", "--run", "run", "--out", "e")
    assert (done.code, done.out) == (0, "18 vectors in e\n"), done.err
    assert len(opened) == 1

    made = Embeddings.load(place / "e")
    embedder = load_embedder(place / "run", device="cpu")
    frames = [read_frame(clip, number, max_megapixels=1) for number in range(9)]
    crops = [cut(frames[n], (x, y, x + w, y + h))[0] for n, x, y, w, h, _ in rows]
    np.testing.assert_allclose(made.vectors, embedder.embed(crops), atol=1e-6)
    assert made.records.names() == [f"gate:{row[-1]}" for row in rows]
    with Gallery.create(place / "g", embedder) as gallery, Gallery.create(place / "h", embedder) as other:
        assert gallery.add(place / "e", workers=0).added == 18
        assert other.add(place / "tracks.csv", told=Told(video=clip), workers=2).added == 18
        paths = [[(image.path, image.box, image.sha256) for image in one.images()] for one in (gallery, other)]
        assert paths[0] == paths[1]
        assert read_picture(next(gallery.images())).shape == (40, 30, 3)


def test_mistakes_in_videos(place):
    """A frame that is not there, and a box outside of it, are told with their line, or left out."""
    videos.write(place / "gate.avi", videos.frames(3))
    (place / "t.csv").write_text(
        "path,frame,x1,y1,x2,y2\ngate.avi,0,0,0,20,20\ngate.avi,1,99,0,120,20\ngate.avi,7,0,0,9,9\n"
    )
    done = call(main, place, "t.csv", "--run", "run", "--out", "e")
    assert done.code == 65
    assert "t.csv:3: cannot use a part of" in done.err
    assert "gate.avi#frame=1: box (99, 0, 120, 20) lies outside the frame, which has 64 x 48 pixels" in done.err
    done = call(main, place, "t.csv", "--run", "run", "--out", "e", "--on-bad-image", "skip")
    assert done.code == 0
    assert "2 images could not be used" in done.out
    assert "gate.avi has no frame 7: it ends, or is damaged, after 3 frames" in done.out


def test_ways_of_making_vectors_are_never_mixed(place):
    """Averaging makes another model's vectors, and says so in the manifest; pieces of another way are made again."""
    embedder = load_embedder(place / "run", device="cpu")
    for name, options in (
        ("plain", ()),
        ("flip", ("--flip",)),
        ("five", ("--crops", 5)),
        ("rough", ("--precision", "bf16")),
    ):
        assert embed(place, "--out", name, *options).code == 0
    names = sorted((place / "images").iterdir())
    flip, five = Embeddings.load(place / "flip"), Embeddings.load(place / "five")
    assert flip.model == embedder.averaged(flip=True).fingerprint
    np.testing.assert_allclose(flip.vectors, embedder.averaged(flip=True).embed(names), atol=1e-6)
    np.testing.assert_allclose(five.vectors, embedder.averaged(crops=5).embed(names), atol=1e-6)
    told = json.loads((place / "flip" / "manifest.json").read_text())
    assert (told["flip"], told["crops"], told["precision"]) == (True, 1, "fp32")
    assert Embeddings.load(place / "rough").model == embedder.fingerprint


def test_pieces_that_others_left_are_not_taken(place):
    """A run on more images with another model that was broken off leaves nothing in the folder."""
    small_runs.patches(place / "few", identities=1, each=2)
    assert embed(place, "--out", "whole").code == 0
    (place / "e.pieces").mkdir()
    (place / "whole").rename(place / "e.pieces" / "000007")
    assert call(main, place, "few", "--run", "run", "--workers", 0, "--out", "e").out == "2 vectors in e\n"
