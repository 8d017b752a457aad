"""A folder of images as a gallery: what it says of them, and when it embeds them."""

import dataclasses
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import small_runs

from reid.embed import Embedder, TorchModel, choose_device
from reid.errors import ArtefactError, DataError, GalleryError, MissingInputError
from reid.gallery.folder import CACHE_SUFFIX, named, open_gallery, read_folder


@pytest.fixture(scope="module")
def embedder():
    """A small network that was never trained."""
    network = small_runs.network()
    return Embedder(TorchModel(network, small_runs.description(network.architecture), "a" * 64, choose_device("cpu")))


def picture(path: Path, seed: int) -> None:
    """A random picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 256, (20, 20, 3), dtype=np.uint8))


@pytest.fixture
def folder(tmp_path):
    """Four pictures in two sub-folders."""
    for number, name in enumerate(("a/0.png", "a/1.png", "b/0.png", "b/1.png")):
        picture(tmp_path / "crops" / name, number)
    return tmp_path / "crops"


def opened(folder, embedder):
    """The gallery, right to the last vector, and how many of its images were embedded for it."""
    counts = []
    gallery = open_gallery(folder, embedder, progress=counts.append)
    wanted = embedder.embed(gallery.records.files())
    assert gallery.vectors == pytest.approx(wanted, abs=1e-5)
    assert gallery.model == embedder.fingerprint
    return gallery, sum(counts)


def test_identities_and_cameras_from_market_names(tmp_path):
    """Where all names are of that form, folders say nothing."""
    for number, name in enumerate(("x/0002_c12s1_000451_03.png", "-1_c3s1_000001_00.png", "0007_c2s1_000001_00.png")):
        picture(tmp_path / name, number)
    found = read_folder(tmp_path)

    assert list(found.paths) == ["-1_c3s1_000001_00.png", "0007_c2s1_000001_00.png", "x/0002_c12s1_000451_03.png"]
    assert found.names() == ["-1", "0007", "0002"]
    assert found.cameras.tolist() == [3, 2, 12]
    assert named("0002_c12s1_000451_03.jpg") == ("0002", 12)
    assert named("anything.jpg") is None
    assert named("0000_c2s1_000451_03.jpg") == named("-1_c2s1_000451_03.jpg") == (None, 2), "nobody in particular"


def test_identities_from_folders_or_none(folder):
    """The first folder's name; an image in the gallery itself has none, and one odd name ends the reading of names."""
    picture(folder / "0002_c1s1_000451_03.png", 9)
    picture(folder / "b" / "deeper" / "c.png", 9)
    found = read_folder(folder)

    assert dict(zip(found.paths, found.names(), strict=True)) == {
        "0002_c1s1_000451_03.png": "-1",
        "a/0.png": "a",
        "a/1.png": "a",
        "b/0.png": "b",
        "b/1.png": "b",
        "b/deeper/c.png": "b",
    }
    assert found.cameras is None


def test_embeds_only_what_is_new(folder, embedder):
    """Everything once, then nothing, then what was added or changed; what was removed is gone."""
    assert opened(folder, embedder)[1] == 4
    assert opened(folder, embedder)[1] == 0
    picture(folder / "c" / "0.png", 7)
    assert opened(folder, embedder)[1] == 1
    picture(folder / "a" / "0.png", 8)
    os.utime(folder / "a" / "0.png", ns=(1, 1))
    assert opened(folder, embedder)[1] == 1
    (folder / "a" / "1.png").unlink()
    gallery, embedded = opened(folder, embedder)
    assert embedded == 0
    assert list(gallery.records.paths) == ["a/0.png", "b/0.png", "b/1.png", "c/0.png"]
    assert gallery.records.names() == ["a", "b", "b", "c"]
    assert opened(folder, embedder)[1] == 0
    assert sorted(path.name for path in folder.parent.iterdir()) == ["crops", f"crops{CACHE_SUFFIX}"]


def test_renamed_folders_are_renamed_identities(folder, embedder):
    """The cache remembers pictures, never names."""
    opened(folder, embedder)
    (folder / "a").rename(folder / "z")
    gallery, _ = opened(folder, embedder)

    assert gallery.records.names() == ["b", "b", "z", "z"]


def test_another_models_cache_is_ignored(folder, embedder):
    """Vectors of different models are never mixed."""
    opened(folder, embedder)
    network = small_runs.network(seed=1)
    other = Embedder(dataclasses.replace(embedder.model, network=network, fingerprint="b" * 64))

    assert opened(folder, other)[1] == 4
    assert opened(folder, embedder)[1] == 4


@pytest.mark.parametrize("name", ["manifest.json", "records.csv", "vectors.npy"])
@pytest.mark.parametrize("damage", ["truncated", "flipped", "gone", "empty"])
def test_damaged_cache_is_built_again(folder, embedder, name, damage):
    """Silently, with the right answers."""
    opened(folder, embedder)
    path = folder.parent / f"crops{CACHE_SUFFIX}" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(
            {"truncated": bytes(content[: len(content) // 2]), "flipped": bytes(content), "empty": b""}[damage]
        )

    assert opened(folder, embedder)[1] == 4
    assert opened(folder, embedder)[1] == 0


def test_place_where_nothing_can_be_kept(folder, embedder):
    """A file in the cache's place: answers all the same, and the file stays."""
    place = folder.parent / f"crops{CACHE_SUFFIX}"
    place.write_text("mine")

    assert [opened(folder, embedder)[1] for _ in range(2)] == [4, 4]
    assert place.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_read_only_place(folder, embedder):
    """Nothing is kept beside a folder in a place where nothing can be written."""
    folder.parent.chmod(0o555)
    try:
        assert [opened(folder, embedder)[1] for _ in range(2)] == [4, 4]
    finally:
        folder.parent.chmod(0o755)


def test_folder_without_a_name(folder, embedder, monkeypatch):
    """`.` and `..` are kept beside the folder they mean, not in it."""
    monkeypatch.chdir(folder / "a")

    assert opened(Path(), embedder)[1] == 2
    assert opened(Path(".."), embedder)[1] == 4
    assert opened(folder, embedder)[1] == 0
    assert (folder / f"a{CACHE_SUFFIX}").is_dir()
    assert not list((folder / "a").glob(".*"))


def test_embeddings_folder(folder, embedder, tmp_path):
    """Its vectors are taken as they are, of its own model only; damage is an error."""
    made = embedder.embed_records(read_folder(folder))
    made.save(tmp_path / "made")
    shutil.rmtree(folder)
    gallery = open_gallery(tmp_path / "made", embedder)

    assert np.array_equal(gallery.vectors, made.vectors)
    with pytest.raises(GalleryError, match=r"aaaaaaaaaaaa.*bbbbbbbbbbbb"):
        open_gallery(tmp_path / "made", Embedder(dataclasses.replace(embedder.model, fingerprint="b" * 64)))
    (tmp_path / "made" / "vectors.npy").write_bytes(b"")
    with pytest.raises(ArtefactError, match=r"vectors\.npy"):
        open_gallery(tmp_path / "made", embedder)


@pytest.mark.parametrize("name", ["nothing", "n" * 300])
def test_missing_folder(tmp_path, embedder, name):
    """Named in the message, whatever its name."""
    with pytest.raises(MissingInputError, match=f"no gallery folder .*{name}"):
        open_gallery(tmp_path / name, embedder)


def test_folder_without_images(tmp_path, embedder):
    """Bad data, and no cache of nothing."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "readme.txt").write_text("none")
    with pytest.raises(DataError, match="holds no images"):
        open_gallery(tmp_path / "empty", embedder)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_unreadable_image(folder, embedder):
    """Named."""
    (folder / "a" / "broken.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"broken\.png"):
        open_gallery(folder, embedder)
