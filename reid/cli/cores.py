"""How a command shares the machine's cores between reading images and computing.

Where a network runs on the CPU, the number of its threads follows from how much it has to compute, from the number of
cores and from OMP_NUM_THREADS, never from timing and never from `data.workers`: sums are rounded in another order with
another number of threads, and a run must come out the same every time.

Threads of a convolution's backward pass wait for each other without sleeping. One that has to share its core with a
loader process holds up all of them: on two cores, one thread beside a loader process was seen to be 15 times as fast
as two. So on two or three cores, a heavy network has them all, and its threads read the images between two steps, which
costs a few per cent; a light one, which two threads would not make faster, has one, and a loader process reads ahead.
With more cores, a quarter of them read.
"""

import os

import cv2
import torch

from reid.data.loader import available_cores, default_workers
from reid.embed import Averaged, Embedder, TorchModel
from reid.embed.onnx import OnnxModel
from reid.model.complexity import multiply_adds
from reid.model.embedder import EmbeddingNetwork

LIGHT = 100e6
"""Multiply-adds for a picture below which a second thread gains nothing: small-cnn at 48 pixels takes 17 million,
ResNet-18 at 128 pixels 590 million."""


def share_cores(workers: int | None, network: EmbeddingNetwork, size: tuple[int, int], *, neighbours: int = 1) -> int:
    """The number of loader processes; on a CPU, torch is given as many threads as suit the network.

    OpenCV gets one thread, as its threads would disturb torch's.

    Args:
        workers: as the user set it, which changes nothing else: more of them than torch's threads leave cores for
            slow the network down. None chooses.
        network: where it is, and how much it computes, decides.
        size: (height, width) of its pictures.
        neighbours: number of processes that do so on this machine.
    """
    cv2.setNumThreads(1)
    device = network.mean.device.type
    if device == "cpu":
        cores = max(1, available_cores() // neighbours)
        torch.set_num_threads(min(_limit(), threads(multiply_adds(network, size), cores)))
    return default_workers(device) // neighbours if workers is None else workers


def share_for(embedder: Embedder, workers: int | None = None) -> int:
    """The same for a model that only computes, whatever it runs on: one that is not torch's counts as heavy."""
    plain = embedder.model.model if isinstance(embedder.model, Averaged) else embedder.model
    if isinstance(plain, TorchModel):
        return share_cores(workers, plain.network, plain.description.image_size)
    cv2.setNumThreads(1)
    device = embedder.device.type
    if device == "cpu":
        torch.set_num_threads(min(_limit(), threads(round(LIGHT), available_cores())))
        if isinstance(plain, OnnxModel):
            plain.compute_with(torch.get_num_threads())
    return default_workers(device) if workers is None else workers


def threads(products: int, cores: int) -> int:
    """How many threads compute.

    Args:
        products: multiply-adds of the network for a picture.
        cores: of this machine.
    """
    if cores >= 4:
        return cores - cores // 4
    return 1 if products < LIGHT else cores


def _limit() -> int:
    """The user's own; torch knows it too, but not after its number of threads was changed."""
    wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(wanted) if wanted.isdecimal() and int(wanted) else available_cores()
