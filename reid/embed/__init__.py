"""Images in, unit vectors out: the deployed side of a trained model, whatever computes it."""

from reid.embed.averaging import Averaged
from reid.embed.embedder import Embedder
from reid.embed.inference import Inference, run_over
from reid.embed.loading import choose_device, load_embedder
from reid.embed.model import Model, TorchModel
from reid.embed.reading import BATCH, Fixed, transform
from reid.embed.tracking import Appearance

__all__ = [
    "BATCH",
    "Appearance",
    "Averaged",
    "Embedder",
    "Fixed",
    "Inference",
    "Model",
    "TorchModel",
    "choose_device",
    "load_embedder",
    "run_over",
    "transform",
]
