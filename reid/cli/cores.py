"""How a command shares the machine's cores between reading images and computing."""

import cv2
import torch

from reid.data.loader import available_cores, default_workers


def share_cores(workers: int | None, place: torch.device) -> int:
    """The number of loader processes; where the network runs on the CPU, it is given the cores they leave.

    Threads of a convolution's backward pass wait for each other without sleeping: one that has to share its core with
    a loader process holds up all of them (on two busy cores, one thread was seen to be 15 times as fast as two).

    OpenCV gets one thread for the same reason.

    A lower number for torch, as set with OMP_NUM_THREADS, stays.

    Args:
        workers: as the user set it; None chooses.
        place: where the network is.
    """
    cv2.setNumThreads(1)
    workers = default_workers(place.type) if workers is None else workers
    if place.type == "cpu":
        torch.set_num_threads(min(torch.get_num_threads(), max(1, available_cores() - workers)))
    return workers
