"""Rank lists in which colours say what made the match: activation maps laid over query and hits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from reid.data.transforms import TestTransform
from reid.records import Floats
from reid.report.figures import RankRow
from reid.report.tiles import Pixels

if TYPE_CHECKING:
    from reid.model.embedder import EmbeddingNetwork

_FAINTEST = 0.12  # share of the largest contribution below which nothing is coloured
_STRONGEST = 0.62  # opacity
_SMALLEST = 180  # pixels of the shorter side: fewer would show as blocks


@dataclass(frozen=True, eq=False)
class Explainer:
    """Draws activation maps over the pictures of a rank list.

    A hit is coloured by what its places contribute to its similarity with the query; the query by what its own
    contribute to that with its first hit. Colours go from the faintest to the strongest place of each picture.

    Attributes:
        network: in evaluation mode; see `reid.model.activation`.
        prepare: how its pictures are made.
        learner: whose slice of the embedding alone is looked at; None is the whole.
    """

    network: "EmbeddingNetwork"
    prepare: TestTransform
    learner: int | None = None

    @property
    def words(self) -> str:
        """What is coloured, in words."""
        return "what drove the match" + ("" if self.learner is None else f" in the slice of learner {self.learner}")

    def __call__(self, row: RankRow) -> RankRow:
        """The same list with coloured pictures."""
        if not row.hits:
            return row
        images = [row.query.image, *(hit.image for hit in row.hits)]
        prepared = [self.prepare(image) for image in images]
        maps = self._maps(prepared)
        whole = self.prepare.crop == "resize"  # else a part of the image is what the network sees
        tiles = [
            replace(tile, image=coloured(image if whole else seen, places))
            for tile, image, seen, places in zip((row.query, *row.hits), images, prepared, maps, strict=True)
        ]
        return RankRow(tiles[0], tuple(tiles[1:]))

    def _maps(self, prepared: Sequence[Pixels]) -> Floats:
        import torch

        from reid.model.activation import activation_maps

        self.network.eval()
        pictures = torch.from_numpy(np.stack(prepared)).to(self.network.mean.device)
        with torch.no_grad():
            vectors = self.network(pictures)
        towards = vectors[:1].repeat(len(vectors), 1)
        towards[0] = vectors[1]
        maps: Floats = activation_maps(self.network, pictures, towards, learner=self.learner).cpu().numpy()
        return maps


def coloured(image: Pixels, places: Floats) -> Pixels:
    """A picture with the places that raise the similarity in colour, the rest paler and grey.

    Args:
        image: (H, W, 3) uint8 RGB.
        places: (h, w) contributions; those below zero count as none.
    """
    scale = max(1.0, _SMALLEST / min(image.shape[:2]))
    height, width = (round(scale * side) for side in image.shape[:2])
    large = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    strength = np.maximum(cv2.resize(places.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR), 0)
    strength /= max(float(strength.max()), 1e-12)
    heat = cv2.applyColorMap(np.round(255 * strength).astype(np.uint8), cv2.COLORMAP_TURBO)[:, :, ::-1]
    grey = cv2.cvtColor(cv2.cvtColor(large, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    opacity = _STRONGEST * np.clip((strength - _FAINTEST) / (1 - _FAINTEST), 0, 1)[:, :, np.newaxis] ** 0.6
    return np.round(opacity * heat + (1 - opacity) * grey).astype(np.uint8)
