"""Images in, unit vectors out, whichever way the images come."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import small_runs
import torch

from reid.data.images import read_image
from reid.data.loader import Reader
from reid.embed import BATCH, Embedder, Fixed, Inference, choose_device, load_embedder, run_over, transform
from reid.errors import ConfigError, DataError, MissingInputError, ShapeError
from reid.model.store import save_model
from reid.records import Records


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """A few pictures in files."""
    return small_runs.patches(tmp_path_factory.mktemp("patches"), identities=4, each=3)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model."""
    folder, network = tmp_path_factory.mktemp("run"), small_runs.network()
    save_model(folder, network, small_runs.description(network.architecture))
    return folder


@pytest.fixture
def embedder(run: Path) -> Embedder:
    return load_embedder(run, device="cpu")


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


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((8, 8), dtype=np.uint8), r"image 1 is uint8 of shape \(8, 8\); wanted uint8 of shape \(H, W, 3\)"),
        (np.zeros((8, 8, 4), dtype=np.uint8), r"image 1 is uint8 of shape \(8, 8, 4\)"),
        (np.zeros((3, 8, 8), dtype=np.uint8), r"image 1 is uint8 of shape \(3, 8, 8\)"),
        (np.zeros((0, 8, 3), dtype=np.uint8), r"image 1 is uint8 of shape \(0, 8, 3\)"),
        (np.zeros((8, 8, 3), dtype=np.float32), r"image 1 is float32 of shape \(8, 8, 3\)"),
        (torch.zeros(8, 8, 3, dtype=torch.uint8), r"image 1 is a Tensor; wanted a path or a numpy array"),
        (None, r"image 1 is a NoneType"),
    ],
)
def test_what_is_no_image_is_refused_with_its_place(embedder: Embedder, image: object, message: str) -> None:
    """Wrong type, depth or shape: ShapeError that says which image and what it is."""
    with pytest.raises(ShapeError, match=message):
        embedder.embed([np.zeros((8, 8, 3), dtype=np.uint8), image])  # type: ignore[list-item]


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


def test_no_images_to_run_over_is_an_error(embedder: Embedder) -> None:
    """Embedding an empty list of records cannot be what was meant."""
    reader = Reader([], Fixed(transform(embedder.description)))
    with pytest.raises(DataError, match="there are no images to embed"):
        run_over(reader, embedder.network, embedder.device, Inference(), workers=0)


def test_pooled_features_are_the_backbones(embedder: Embedder) -> None:
    """Space "pooled" gives the feature before the embedding layer; bfloat16 stays near it."""
    pictures = small_runs.pictures(4)
    with torch.no_grad():
        wanted = embedder.network.pooled(pictures).numpy()
    rough = Inference("pooled", precision=torch.bfloat16)(embedder.network, pictures)

    assert Inference("pooled")(embedder.network, pictures) == pytest.approx(wanted, abs=1e-6)
    assert rough.dtype == np.float32
    assert rough == pytest.approx(wanted, rel=0.1, abs=0.05)


def test_devices(run: Path) -> None:
    """ "auto" exists everywhere; one that does not says what to do."""
    assert choose_device("auto").type in {"cpu", "cuda"}
    assert choose_device("cpu").type == "cpu"
    for name in ("cud", "cuda:99", "mps:7", ""):
        with pytest.raises(ConfigError, match="cannot be used here; use cpu, or leave --device out"):
            load_embedder(run, device=name)


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
