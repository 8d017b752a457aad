"""Images of any kind in, unit vectors out."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch

from reid.data.loader import Reader
from reid.embed.averaging import Averaged, averaged, averaging
from reid.embed.batches import Preparer
from reid.embed.model import Model, TorchModel
from reid.embed.reading import Fixed, Floats, compute_over, transform
from reid.errors import ConfigError, ShapeError
from reid.model.embedder import EmbeddingNetwork
from reid.model.store import Description
from reid.records import Embeddings, Records
from reid.text import printable


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
        plain = self.model.model if isinstance(self.model, Averaged) else self.model
        if isinstance(plain, TorchModel):
            return plain.network
        raise ConfigError("an exported model cannot be looked into; name the run that it was exported from")

    @property
    def averaging(self) -> Mapping[str, object]:
        """How it averages over views of a picture, for manifests; empty where it does not."""
        return averaging(self.model)

    def averaged(self, *, flip: bool = False, crops: int = 1) -> Self:
        """The same model with vectors that are means over views, whose fingerprint is another.

        Args:
            flip: whether every view is also seen in a mirror.
            crops: 1, or 5: the four corners and the middle of a picture that is a seventh larger.

        Raises:
            ConfigError: another number of crops.
        """
        return replace(self, model=averaged(self.model, flip=flip, crops=crops))

    def embed(
        self,
        images: Iterable[Any],
        *,
        threads: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Floats:
        """Vectors of images of any kind and size, also mixed. The same picture gives the same vector in every form.

        Args:
            images: each a path, a uint8 RGB array (H, W, 3), a uint8 RGB tensor (H, W, 3) or (3, H, W), a Pillow image,
                or a pair of a frame (any of these) and its boxes (see `reid.embed.inputs.to_boxes`), each of which
                gives a vector, in order. An iterator is taken from bit by bit.
            threads: that read and prepare images while the model waits; None is as many as torch computes with.
            progress: called with the number of vectors of each finished batch.

        Returns:
            (N, D) float32, unit length.

        Raises:
            MissingInputError: a file does not exist.
            DataError: a file is not a readable image, or a box lies outside its frame.
            ShapeError: an image is none of these; its place is named.
        """
        if isinstance(images, (str, os.PathLike)):
            raise ShapeError(f"images are the one path {printable(images)}; put it in a list")
        preparer = Preparer(transform(self.description), self.max_megapixels)
        found = [np.zeros((0, self.dimension), dtype=np.float32)]
        for batch in preparer.batches(images, torch.get_num_threads() if threads is None else threads):
            found.append(self.model.pictures(batch))
            if progress is not None:
                progress(len(batch))
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
