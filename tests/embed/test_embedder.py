"""Images in, unit vectors out, whichever way the images come."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import small_runs
import torch
from PIL import Image

from reid.data.images import read_image
from reid.embed import BATCH, Embedder
from reid.errors import ConfigError, DataError, MissingInputError, ShapeError
from reid.model.store import Description
from reid.records import Records


def test_files_arrays_and_records_give_the_same_vectors(embedder: Embedder, records: Records) -> None:
    """Paths, texts, arrays and mixtures of them, and records read by workers: the same vector for the same image."""
    paths = records.files()
    arrays = [read_image(path) for path in paths]
    wanted = embedder.embed(paths)
    mixed = [
        array if place % 3 == 0 else str(path) if place % 3 == 1 else path
        for place, (path, array) in enumerate(zip(paths, arrays, strict=True))
    ]

    assert wanted.dtype == np.float32
    assert wanted.shape == (12, 16)
    assert np.linalg.norm(wanted, axis=1) == pytest.approx(np.ones(12), abs=1e-6)
    assert embedder.embed(arrays) == pytest.approx(wanted, abs=1e-6)
    assert embedder.embed(mixed) == pytest.approx(wanted, abs=1e-6)
    for workers in (0, 2):
        made = embedder.embed_records(records, workers=workers)
        assert made.vectors == pytest.approx(wanted, abs=1e-6)
        assert made.model == embedder.fingerprint
        assert made.records is records


def test_the_batch_an_image_is_in_does_not_matter(embedder: Embedder) -> None:
    """More images than a batch holds: in order, and each as if it were alone."""
    images = list(small_runs.pictures(BATCH + 5, size=(20, 24)).numpy())
    vectors = embedder.embed(images)

    assert vectors.shape == (BATCH + 5, 16)
    for place in (0, 77, BATCH - 1, BATCH, BATCH + 4):
        assert embedder.embed([images[place]])[0] == pytest.approx(vectors[place], abs=1e-5)


def test_no_images_are_no_vectors(embedder: Embedder) -> None:
    """An empty list gives (0, D)."""
    assert embedder.embed([]).shape == (0, 16)
    assert embedder.embed([]).dtype == np.float32


@pytest.mark.parametrize("threads", [None, 1, 3])
def test_every_kind_of_one_picture_gives_the_same_vector(embedder: Embedder, records: Records, threads: int) -> None:
    """Law: files, arrays, tensors, Pillow images and crops of frames, mixed, whatever the number of threads."""
    path = records.files()[0]
    array = read_image(path)
    tensor = torch.from_numpy(array)
    frame = np.zeros((90, 80, 3), dtype=np.uint8)
    frame[10:42, 20:52] = array
    kinds = [path, str(path), array, tensor, tensor.permute(2, 0, 1), Image.fromarray(array)]
    kinds += [
        (frame, np.array([[20.0, 10, 52, 42], [19.6, 9.7, 52.3, 42.4]])),
        (Image.fromarray(frame), [(20, 10, 52, 42)]),
    ]
    heard: list[int] = []
    made = embedder.embed(iter(kinds), threads=threads, progress=heard.append)

    assert made.shape == (9, 16)
    assert made == pytest.approx(np.repeat(embedder.embed([path]), 9, axis=0), abs=1e-6)
    assert sum(heard) == 9


def test_what_is_no_image_is_refused_with_its_place(embedder: Embedder) -> None:
    """Its place among the images is told; a single path is no list of images."""
    with pytest.raises(ShapeError, match=r"image 1 is uint8 of shape \(8, 8\)"):
        embedder.embed([np.zeros((8, 8, 3), dtype=np.uint8), np.zeros((8, 8), dtype=np.uint8)])
    with pytest.raises(ShapeError, match=r"images are the one path a\.jpg; put it in a list"):
        embedder.embed("a.jpg")


def test_files_that_cannot_be_read_are_named(embedder: Embedder, tmp_path: Path) -> None:
    """A missing file and one that is no picture."""
    with pytest.raises(MissingInputError, match=r"none\.jpg"):
        embedder.embed([tmp_path / "none.jpg"])
    (tmp_path / "page.jpg").write_text("<!doctype html><title>404</title>")
    with pytest.raises(DataError, match=r"page\.jpg"):
        embedder.embed([str(tmp_path / "page.jpg")])


def test_progress_adds_up_to_all_images(embedder: Embedder, records: Records) -> None:
    """The listener hears of every image once."""
    heard: list[int] = []
    embedder.embed_records(records, workers=0, progress=heard.append)

    assert sum(heard) == len(records)


def test_a_script_without_main_guard_may_embed(run: Path, records: Records) -> None:
    """Workers are made such that a plain script, run from anywhere, can use `embed_records`."""
    script = f"""
from pathlib import Path
from reid.embed import load_embedder
from reid.records import build
embedder = load_embedder({str(run)!r}, device="cpu")
records = build(Path({str(records.root)!r}), {records.paths.tolist()!r}, {records.names()!r})
print(embedder.embed_records(records, workers=1).vectors.shape)
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd="/")

    assert result.stdout.strip() == "(12, 16)", result.stderr


class Mean:
    """A model that is no network: the mean colour of a picture, as a direction."""

    def __init__(self, description: Description) -> None:
        self.description = description
        self.fingerprint = "f" * 64
        self.dimension = 3
        self.device = None

    def pictures(self, batch: np.ndarray) -> np.ndarray:
        means = batch.mean(axis=(1, 2), dtype=np.float32) + 1
        return means / np.linalg.norm(means, axis=1, keepdims=True)


def test_any_model_of_the_shape_will_do(embedder: Embedder, records: Records) -> None:
    """A model that is no network embeds arrays and records alike; only its network cannot be had."""
    other = Embedder(Mean(embedder.description))
    made = other.embed_records(records, workers=0)

    assert made.vectors == pytest.approx(other.embed(records.files()), abs=1e-6)
    assert made.model == "f" * 64
    assert other.embed([]).shape == (0, 3)
    assert other.device.type == "cpu"
    with pytest.raises(ConfigError, match="cannot be looked into; name the run that it was exported from"):
        _ = other.network
