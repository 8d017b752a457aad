"""What computes the vectors of an embedder: any object of one small shape, whatever it runs on."""

from dataclasses import dataclass
from typing import Protocol

import torch

from reid.embed.inference import Inference
from reid.embed.reading import Floats, Pixels
from reid.model.embedder import EmbeddingNetwork
from reid.model.store import Description


class Model(Protocol):
    """Pictures of a model's size in, unit vectors out."""

    @property
    def description(self) -> Description:
        """How images are prepared for it."""
        ...

    @property
    def fingerprint(self) -> str:
        """Of what it computes; vectors of different fingerprints must not be compared."""
        ...

    @property
    def dimension(self) -> int:
        """Length of its vectors."""
        ...

    @property
    def device(self) -> torch.device | None:
        """Where it computes; None where that is no device of torch's, but the CPU."""
        ...

    def pictures(self, batch: Pixels) -> Floats:
        """(B, height, width, 3) uint8 RGB pictures of the description's size -> (B, D) float32, unit length."""
        ...


@dataclass(frozen=True)
class TorchModel:
    """A network as it was trained.

    Attributes:
        network: on its device; put in evaluation mode before it computes.
        description: how images are prepared for it.
        fingerprint: sha256 of weights and description.
        device: where the network is.
        precision: what the network multiplies in.
    """

    network: EmbeddingNetwork
    description: Description
    fingerprint: str
    device: torch.device
    precision: torch.dtype = torch.float32

    @property
    def dimension(self) -> int:
        """Length of its vectors."""
        return self.network.architecture.dimension

    def pictures(self, batch: Pixels) -> Floats:
        """(B, height, width, 3) uint8 RGB pictures of the description's size -> (B, D) float32, unit length."""
        if self.network.training:
            self.network.eval()
        on_device = torch.from_numpy(batch).to(self.device, non_blocking=True)
        return Inference(precision=self.precision)(self.network, on_device)
