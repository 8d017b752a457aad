"""Images of any kind in, unit vectors out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from reid.data.images import read_image
from reid.data.loader import Reader
from reid.embed.model import Model, TorchModel
from reid.embed.reading import BATCH, Fixed, Floats, Pixels, compute_over, transform
from reid.errors import ConfigError, ShapeError
from reid.model.embedder import EmbeddingNetwork
from reid.model.store import Description
from reid.records import Embeddings, Records


@dataclass(frozen=True)
class Embedder:
    """A trained model that turns images into vectors.

    Attributes:
        model: computes the vectors of prepared pictures.
        max_megapixels: larger pictures are refused.
    """

    model: Model
    max_megapixels: float = 64.0

    @property
    def description(self) -> Description:
        """How images are prepared for the model."""
        return self.model.description

    @property
    def fingerprint(self) -> str:
        """Of what is computed; vectors of different fingerprints must not be compared."""
        return self.model.fingerprint

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        return self.model.dimension

    @property
    def device(self) -> torch.device:
        """Where the model computes."""
        return self.model.device or torch.device("cpu")

    @property
    def network(self) -> EmbeddingNetwork:
        """The network, for what needs more than its vectors.

        Raises:
            ConfigError: the model is an exported one, which cannot be looked into.
        """
        if isinstance(self.model, TorchModel):
            return self.model.network
        raise ConfigError("an exported model cannot be looked into; name the run that it was exported from")

    def embed(self, images: Sequence[Pixels | Path | str]) -> Floats:
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
        found = [np.zeros((0, self.dimension), dtype=np.float32)]
        for start in range(0, len(images), BATCH):
            pictures = [
                prepare(self._pixels(image, place)) for place, image in enumerate(images[start : start + BATCH], start)
            ]
            found.append(self.model.pictures(np.stack(pictures)))
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
        vectors = compute_over(
            reader,
            lambda batch: self.model.pictures(batch.numpy()),
            self.device,
            workers=workers,
            progress=progress,
        )
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
