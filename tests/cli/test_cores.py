"""Cores are shared between loader processes and the network."""

import pytest
import torch

from reid.cli.cores import share_cores
from reid.data.loader import available_cores, default_workers


@pytest.fixture
def threads():
    """Sets torch's number of threads, and puts it back."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("workers", [0, 1, 1000, None])
def test_the_network_gets_what_loader_processes_leave(threads, workers):
    """At least one; on a CPU."""
    threads(available_cores())
    used = share_cores(workers, torch.device("cpu"))

    assert used == (default_workers("cpu") if workers is None else workers)
    assert torch.get_num_threads() == max(1, available_cores() - used)


def test_the_users_limit_stays(threads):
    """OMP_NUM_THREADS=1 means one thread."""
    threads(1)
    share_cores(0, torch.device("cpu"))

    assert torch.get_num_threads() == 1


def test_a_gpu_needs_no_threads(threads):
    """They stay as they are."""
    threads(1)

    assert share_cores(None, torch.device("cuda")) == default_workers("cuda")
    assert torch.get_num_threads() == 1
