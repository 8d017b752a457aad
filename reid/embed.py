"""Images in, unit vectors out: the deployed side of a trained model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from reid.data.images import read_image
from reid.data.loader import Loader, Reader, Task, default_workers
from reid.data.transforms import TestTransform
from reid.errors import ConfigError, DataError, ShapeError
from reid.model.embedder import EmbeddingNetwork
from reid.model.store import Description, load_model
from reid.records import Embeddings, Records
from reid.text import printable

Pixels = NDArray[np.uint8]
BATCH = 128


@dataclass(frozen=True)
class Embedder:
    """A trained model that turns images into vectors.

    Attributes:
        network: the model, in evaluation mode.
        description: how images are prepared for it.
        fingerprint: sha256 of weights and description; vectors of different fingerprints must not be compared.
        device: where the network is.
        max_megapixels: larger pictures are refused.
    """

    network: EmbeddingNetwork
    description: Description
    fingerprint: str
    device: torch.device
    max_megapixels: float = 64.0

    def embed(self, images: Sequence[Pixels | Path | str]) -> NDArray[np.float32]:
        """Vectors of images.

        Args:
            images: uint8 RGB arrays (H, W, 3) of any size, or paths, also mixed.

        Returns:
            (N, D) float32, unit length.

        Raises:
            MissingInputError: a file does not exist.
            DataError: a file is not a readable image.
            ShapeError: an image is neither a path nor a uint8 array with three channels; its place is named.
        """
        prepare = transform(self.description)
        found = [np.zeros((0, self.network.architecture.dimension), dtype=np.float32)]
        for start in range(0, len(images), BATCH):
            pictures = [
                prepare(self._pixels(image, place)) for place, image in enumerate(images[start : start + BATCH], start)
            ]
            found.append(Inference()(self.network, torch.from_numpy(np.stack(pictures)).to(self.device)))
        return np.concatenate(found)

    def embed_records(
        self, records: Records, *, workers: int | None = None, progress: Callable[[int], None] | None = None
    ) -> Embeddings:
        """Vectors of the images of `records`, files being read ahead by worker processes.

        Args:
            records: N images.
            workers: loader processes; None chooses by the number of cores.
            progress: called with the number of images of each finished batch.

        Raises:
            DataError: a file is not a readable image.
        """
        reader = Reader(records.files(), Fixed(transform(self.description)), max_megapixels=self.max_megapixels)
        vectors = run_over(reader, self.network, self.device, Inference(), workers=workers, progress=progress)
        return Embeddings(vectors, records, self.fingerprint)

    def _pixels(self, image: Pixels | Path | str, place: int) -> Pixels:
        if isinstance(image, (str, Path)):
            return read_image(Path(image), max_megapixels=self.max_megapixels)
        if not isinstance(image, np.ndarray):
            raise ShapeError(f"image {place} is a {type(image).__name__}; wanted a path or a numpy array")
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise ShapeError(
                f"image {place} is {image.dtype} of shape {image.shape}; wanted uint8 of shape (H, W, 3), RGB"
            )
        return image


@dataclass(frozen=True)
class Fixed:
    """A test transform in the loader's call shape: nothing is left to chance."""

    transform: TestTransform

    def __call__(self, image: Pixels, random: np.random.Generator) -> Pixels:  # noqa: ARG002  the loader's call shape
        """(H, W, 3) uint8 -> (height, width, 3) uint8."""
        return self.transform(image)


def load_embedder(path: str | Path, *, device: str = "auto") -> Embedder:
    """The model of a run folder.

    Args:
        path: a run folder such as "runs/latest", or a model.safetensors.
        device: "auto", "cpu", "cuda", ...

    Raises:
        MissingInputError: no model there.
        ArtefactError: the model is corrupt.
        ConfigError: there is no such device.
    """
    place = choose_device(device)
    network, description, fingerprint = load_model(Path(path))
    network.to(device=place).to(memory_format=torch.channels_last)
    return Embedder(network, description, fingerprint, place)


def choose_device(name: str) -> torch.device:
    """The device called `name`; "auto" is a GPU if there is one.

    Raises:
        ConfigError: there is no such device on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, ImportError) as error:
        raise ConfigError(
            f"device {printable(name)!r} cannot be used here; use cpu, or leave --device out ({printable(error)[:100]})"
        ) from error
    return device


def transform(description: Description) -> TestTransform:
    """The preparation of images that belongs to a model."""
    return TestTransform(description.image_size, crop=description.crop, interpolation=description.interpolation)


@dataclass(frozen=True)
class Inference:
    """What is computed of a batch.

    Attributes:
        space: "embedding", or "pooled" for the backbone's feature before the embedding layer.
        precision: what the network multiplies in.
    """

    space: str = "embedding"
    precision: torch.dtype = torch.float32

    def __call__(self, network: EmbeddingNetwork, batch: torch.Tensor) -> NDArray[np.float32]:
        """(B, D) float32 of a (B, H, W, 3) uint8 batch on the network's device."""
        function = network if self.space == "embedding" else network.pooled
        half = self.precision != torch.float32
        with (
            torch.inference_mode(),
            torch.autocast(batch.device.type, dtype=self.precision if half else None, enabled=half),
        ):
            vectors: NDArray[np.float32] = function(batch).float().cpu().numpy()
        return vectors


def run_over(
    reader: Reader,
    network: EmbeddingNetwork,
    device: torch.device,
    inference: Inference,
    *,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> NDArray[np.float32]:
    """`inference` of every image of `reader` in order, (N, D) float32; the network is put in evaluation mode.

    Raises:
        DataError: no images, or a file is not a readable image.
    """
    total = len(reader.paths)
    if not total:
        raise DataError("there are no images to embed")
    workers = default_workers(device.type) if workers is None else workers
    network.eval()
    found: NDArray[np.float32] | None = None
    with Loader(reader, workers=min(workers, -(-total // BATCH)), pin=device.type == "cuda") as loader:
        for task, batch in loader.batches(Task(0, step, rows) for step, rows in enumerate(_chunks(total))):
            made = inference(network, batch.to(device, non_blocking=True))
            found = np.empty((total, made.shape[1]), dtype=np.float32) if found is None else found
            found[task.rows] = made
            if progress is not None:
                progress(len(task.rows))
    return np.empty((0, 0), dtype=np.float32) if found is None else found


def _chunks(total: int) -> list[NDArray[np.int64]]:
    return [np.arange(start, min(start + BATCH, total)) for start in range(0, total, BATCH)]
