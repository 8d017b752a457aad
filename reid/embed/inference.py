"""A network on batches, without gradients."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from reid.data.loader import Reader
from reid.embed.reading import Floats, compute_over
from reid.model.embedder import EmbeddingNetwork


@dataclass(frozen=True)
class Inference:
    """What is computed of a batch.

    Attributes:
        space: "embedding", or "pooled" for the backbone's feature before the embedding layer.
        precision: what the network multiplies in.
    """

    space: str = "embedding"
    precision: torch.dtype = torch.float32

    def __call__(self, network: EmbeddingNetwork, batch: torch.Tensor) -> Floats:
        """(B, D) float32 of a (B, H, W, 3) uint8 batch on the network's device."""
        function = network if self.space == "embedding" else network.pooled
        half = self.precision != torch.float32
        with (
            torch.inference_mode(),
            torch.autocast(batch.device.type, dtype=self.precision if half else None, enabled=half),
        ):
            vectors: Floats = function(batch).float().cpu().numpy()
        return vectors


def run_over(
    reader: Reader,
    network: EmbeddingNetwork,
    device: torch.device,
    inference: Inference,
    *,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Floats:
    """`inference` of every image of `reader` in order, (N, D) float32; the network is put in evaluation mode.

    Raises:
        DataError: no images, or a file is not a readable image.
    """
    network.eval()

    def compute(batch: torch.Tensor) -> Floats:
        return inference(network, batch.to(device, non_blocking=True))

    return compute_over(reader, compute, device, workers=workers, progress=progress)
