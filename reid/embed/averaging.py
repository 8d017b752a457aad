"""Test-time averaging: a vector is the mean of several views of its picture."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from reid.embed.model import Model
from reid.embed.reading import Floats, Pixels
from reid.errors import ConfigError
from reid.model.store import Description
from reid.model.subspaces import NORMALISE

CROPS = (1, 5)
_SHARE = 0.875  # of a side that a crop keeps, as in the usual centre crop


@dataclass(frozen=True)
class Averaged:
    """A model whose vectors are means over views, as directions: scaled to unit length by the model's own rule.

    With five crops, pictures are prepared a seventh larger, and the model sees their four corners and their middle.

    Attributes:
        model: of every view.
        flip: whether every view is also seen in a mirror.
        crops: 1 (the whole picture) or 5.

    Raises:
        ConfigError: another number of crops.
    """

    model: Model
    flip: bool = False
    crops: int = 1

    def __post_init__(self) -> None:
        if self.crops not in CROPS:
            raise ConfigError(f"crops must be 1 or 5, got {self.crops!r}")

    @property
    def description(self) -> Description:
        """How images are prepared for it."""
        plain = self.model.description
        if self.crops == 1:
            return plain
        height, width = plain.image_size
        larger = round(height / _SHARE), round(width / _SHARE)
        return replace(plain, image_size=larger, crop="cover" if plain.crop == "centre" else plain.crop)

    @property
    def fingerprint(self) -> str:
        """Another for every way of averaging."""
        how = f"{self.model.fingerprint} flip={self.flip} crops={self.crops}"
        return hashlib.sha256(how.encode()).hexdigest()

    @property
    def dimension(self) -> int:
        """Length of its vectors."""
        return self.model.dimension

    @property
    def device(self) -> torch.device | None:
        """Where it computes."""
        return self.model.device

    def pictures(self, batch: Pixels) -> Floats:
        """(B, height, width, 3) uint8 RGB pictures of the description's size -> (B, D) float32, unit length."""
        views = self._views(batch)
        total = np.zeros((len(batch), self.dimension), dtype=np.float64)
        for view in views:
            total += self.model.pictures(view)
        rule = self.description.architecture
        mean = torch.from_numpy((total / len(views)).astype(np.float32))
        made: Floats = NORMALISE[rule.normalise](mean, rule.learners).numpy()
        return made

    def _views(self, batch: Pixels) -> list[Pixels]:
        views = [batch]
        if self.crops > 1:
            height, width = self.model.description.image_size
            down, right = batch.shape[1] - height, batch.shape[2] - width
            places = [(0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2)]
            views = [np.ascontiguousarray(batch[:, y : y + height, x : x + width]) for y, x in places]
        if self.flip:
            views += [np.ascontiguousarray(view[:, :, ::-1]) for view in views]
        return views


def averaged(model: Model, *, flip: bool = False, crops: int = 1) -> Model:
    """A model whose vectors are means over views; the model itself where there is one view."""
    made = Averaged(model.model if isinstance(model, Averaged) else model, flip, crops)
    return made if flip or crops > 1 else made.model


def averaging(model: Model) -> Mapping[str, object]:
    """How a model averages, for manifests; empty where it does not."""
    return {"flip": model.flip, "crops": model.crops} if isinstance(model, Averaged) else {}
