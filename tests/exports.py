"""A model and the files it was exported to, made once for all tests."""

import fcntl
import functools
import os
import pickle
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import small_runs
import torch

from reid.embed import Embedder, TorchModel, load_embedder
from reid.export.exporting import Done, Form, Images, export_model
from reid.model.store import save_model
from reid.records import Records, build


@dataclass(frozen=True)
class Exports:
    """What was made of a model.

    Attributes:
        run: folder of the model.
        records: the images it was verified with.
        float32: the file in float32, which takes pixels.
        int8: the file in integers.
        done: what exporting said of each, by path.
    """

    run: Path
    records: Records
    float32: Path
    int8: Path
    done: dict[Path, Done]

    def embedder(self) -> Embedder:
        """The model as it was trained."""
        return load_embedder(self.run, device="cpu")


def exported(factory: pytest.TempPathFactory) -> Exports:
    """A small model with four learners, exported twice; by one of several processes of a test session for all."""
    base = factory.getbasetemp()
    return _exported(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)


def torch_model(network: torch.nn.Module | None = None, seed: int = 0) -> TorchModel:
    """A small model that is not on the disk."""
    made = small_runs.network(learners=4, seed=seed) if network is None else network
    return TorchModel(made.eval(), small_runs.description(made.architecture), "f" * 64, torch.device("cpu"))


@functools.cache
def _exported(base: Path) -> Exports:
    with (base / "exported.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = base / "exported.pickle"
        if not kept.exists():
            made = _export(base / "exported")
            kept.write_bytes(pickle.dumps((made.records.paths.tolist(), made.records.names(), made.done)))
        paths, names, done = pickle.loads(kept.read_bytes())  # noqa: S301  ours
    folder = base / "exported"
    records = build(folder / "images", paths, names)
    return Exports(folder / "run", records, folder / "model.onnx", folder / "model-int8.onnx", done)


def _export(folder: Path) -> Exports:
    shutil.rmtree(folder, ignore_errors=True)  # of a process that was stopped
    (folder / "run").mkdir(parents=True)
    network = small_runs.network(learners=4, pooling="generalised-mean")
    save_model(folder / "run", network, small_runs.description(network.architecture))
    records = small_runs.patches(folder / "images", identities=10, each=6)
    model = load_embedder(folder / "run", device="cpu").model
    assert isinstance(model, TorchModel)
    images = Images(records, labelled=True, calibration=records)
    made = Exports(folder / "run", records, folder / "model.onnx", folder / "model-int8.onnx", {})
    for path in (made.float32, made.int8):
        made.done[path] = export_model(model, path, images, Form(int8=path == made.int8), run=made.run, workers=0)
    return made
