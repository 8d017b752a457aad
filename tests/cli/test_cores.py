"""Who gets the cores: the network on a CPU, or the loader processes."""

from types import SimpleNamespace

import pytest
import small_runs
import torch

from reid.cli import cores
from reid.cli.cores import LIGHT, share_cores, share_for, threads
from reid.data.loader import available_cores, default_workers
from reid.embed import Embedder, TorchModel
from reid.embed.onnx import OnnxModel
from reid.model.embedder import Architecture, EmbeddingNetwork

SMALL, LARGE = (48, 48), (256, 256)


@pytest.fixture(autouse=True)
def put_back(monkeypatch):
    """No limit of the user's, and torch's number of threads afterwards as before."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def network():
    return EmbeddingNetwork(Architecture("small-cnn", 16, 2))


@pytest.mark.parametrize(
    ("machine", "light", "heavy"), [(1, 1, 1), (2, 1, 2), (3, 1, 3), (4, 3, 3), (8, 6, 6), (64, 48, 48)]
)
def test_threads_follow_from_network_and_cores(machine, light, heavy):
    """One for a light network and all for a heavy one where cores are few; else three quarters."""
    assert threads(int(LIGHT) - 1, machine) == light
    assert threads(int(LIGHT), machine) == heavy


@pytest.mark.parametrize("machine", [1, 2, 3, 4, 16])
@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_threads_and_default_workers_fit_the_machine(monkeypatch, network, machine, size):
    """Together no more than there are cores; a light network never reads alone where there are two."""
    monkeypatch.setattr(cores, "available_cores", lambda: machine)
    monkeypatch.setattr("reid.data.loader.available_cores", lambda: machine)
    workers = share_cores(None, network, size)

    assert torch.get_num_threads() + workers <= machine
    assert workers or size == LARGE or machine == 1


@pytest.mark.parametrize(("machine", "neighbours"), [(1, 2), (2, 2), (16, 4), (64, 8)])
def test_processes_share_a_machine(monkeypatch, network, machine, neighbours):
    """Threads and loader processes of all of them fit it together, as far as it has a core for each process."""
    monkeypatch.setattr(cores, "available_cores", lambda: machine)
    monkeypatch.setattr("reid.data.loader.available_cores", lambda: machine)
    workers = share_cores(None, network, LARGE, neighbours=neighbours)

    assert neighbours * (torch.get_num_threads() + workers) <= max(machine, neighbours)


@pytest.mark.parametrize("workers", [0, 1, 5])
def test_workers_do_not_change_threads(network, workers):
    """What the user sets is used, and the same network gets the same threads, so that its results stay the same."""
    share_cores(None, network, SMALL)
    before = torch.get_num_threads()

    assert share_cores(workers, network, SMALL) == workers
    assert torch.get_num_threads() == before


def test_a_light_network_does_not_bind_a_heavy_one_after_it(monkeypatch, network):
    """Two models scored by one command get what each would get alone, in either order."""
    monkeypatch.setattr(cores, "available_cores", lambda: 2)
    found = []
    for size in (LARGE, SMALL, LARGE):
        share_cores(None, network, size)
        found.append(torch.get_num_threads())

    assert found == [2, 1, 2]


@pytest.mark.parametrize(("limit", "found"), [("1", 1), ("2,1", 2), ("9", 3), ("0", 3), ("many", 3), ("", 3)])
def test_the_users_limit_stays(monkeypatch, network, limit, found):
    """OMP_NUM_THREADS lowers the number and never raises it; what it cannot mean is ignored."""
    monkeypatch.setattr(cores, "available_cores", lambda: 3)
    monkeypatch.setenv("OMP_NUM_THREADS", limit)
    share_cores(0, network, LARGE)

    assert torch.get_num_threads() == found


def test_elsewhere_threads_stay():
    """A network that is not on the CPU needs none, and all cores may read."""
    torch.set_num_threads(1)
    away = EmbeddingNetwork(Architecture("small-cnn", 16, 2)).to("meta")

    assert share_cores(None, away, LARGE) == default_workers("meta") == min(16, available_cores())
    assert torch.get_num_threads() == 1


def test_a_model_that_is_not_torchs_counts_as_heavy(monkeypatch, network):
    """An exported model has the threads of a heavy network; a network those it would have by itself."""
    description = small_runs.description(network.architecture)
    model = TorchModel(network, description, "", torch.device("cpu"))
    other = SimpleNamespace(description=description, device=None)
    for machine in (1, 2, 8):
        monkeypatch.setattr(cores, "available_cores", lambda machine=machine: machine)
        share_for(Embedder(other))
        assert torch.get_num_threads() == threads(int(LIGHT), machine)
        assert share_for(Embedder(model), 3) == 3
        assert torch.get_num_threads() == threads(0, machine)


def test_an_exported_model_gets_the_threads_of_torch(monkeypatch, tmp_path):
    """What torch is given, onnxruntime is told, so that loader processes have cores of their own."""
    monkeypatch.setattr(cores, "available_cores", lambda: 8)
    told = []
    monkeypatch.setattr(OnnxModel, "compute_with", lambda _model, number: told.append(number))
    share_for(Embedder(OnnxModel(None, SimpleNamespace(description=None), 8, tmp_path)))

    assert told == [6] == [torch.get_num_threads()]
