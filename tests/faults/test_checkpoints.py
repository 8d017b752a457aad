"""FAULTS D for all that a run keeps: state, model, divisions and settings survive kills, failing disks and damage.

What is particular to models is in test_models.py.
"""

import base64
import contextlib
import functools
import json
import os
import pickle
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import disks
import golden
import numpy as np
import pytest
import small_runs
import torch
from damage import mutants
from payloads import Calls, payloads, write_archive
from weights_here import read_here

from reid import files
from reid.errors import ArtefactError, OutputError, ReidError
from reid.model.backbone import SmallCNN
from reid.model.embedder import Architecture, EmbeddingNetwork
from reid.model.state import read_state
from reid.model.store import load_model, save_model
from reid.train.division import Division
from reid.train.run_folder import RunFolder

SOAK = (pytest.mark.soak, pytest.mark.timeout(3600))


@dataclass(frozen=True)
class Artefact:
    """Something that a run keeps on disk.

    Attributes:
        file: that it is in, below the run's folder.
        write: puts a version, a number, into a run's folder.
        read: the version that is there, after proof that it is whole.
    """

    file: str
    write: Callable[[Path, int], None]
    read: Callable[[Path], int]


def _write_state(folder: Path, version: int) -> None:
    RunFolder(folder).write_state({"version": version, "weight": torch.full((5000,), float(version))})


def _read_state(folder: Path) -> int:
    state, _ = RunFolder(folder).read_state()
    assert bool((state["weight"] == state["version"]).all())
    assert len(state["weight"]) == 5000
    return int(state["version"])


@functools.cache
def _network() -> EmbeddingNetwork:
    return small_runs.network()


def _write_model(folder: Path, version: int) -> None:
    network = _network()
    with torch.no_grad():
        network.layer.bias.fill_(version)
    save_model(folder, network, small_runs.description(network.architecture))


def _read_model(folder: Path) -> int:
    network, _, _ = load_model(folder)
    version = int(network.layer.bias[0])
    for name, tensor in _network().state_dict().items():
        assert name == "layer.bias" or torch.equal(network.state_dict()[name], tensor)
    assert network.layer.bias.tolist() == [version] * 16
    return version


def _write_division(folder: Path, version: int) -> None:
    RunFolder(folder).write_division(0, Division(np.arange(200) % (version + 1), version + 1))


def _read_division(folder: Path) -> int:
    division = RunFolder(folder).read_division(0)
    assert division.clusters.tolist() == [image % division.learners for image in range(200)]
    return division.learners - 1


def _write_settings(folder: Path, version: int) -> None:
    RunFolder(folder).write_settings({"seed": version, "train": {"lr": 1e-5, "names": ["a", "b"] * 20, "end": version}})


def _read_settings(folder: Path) -> int:
    settings = RunFolder(folder).read_settings()
    seed = int(settings["seed"])
    assert settings == {"seed": seed, "train": {"lr": 1e-5, "names": ["a", "b"] * 20, "end": seed}}
    return seed


ARTEFACTS = {
    "state": Artefact("last.ckpt", _write_state, _read_state),
    "model": Artefact("model.safetensors", _write_model, _read_model),
    "division": Artefact("divisions/epoch-0000.npz", _write_division, _read_division),
    "settings": Artefact("config.yaml", _write_settings, _read_settings),
}
EVERY = pytest.mark.parametrize("kind", ARTEFACTS)


def names(folder: Path) -> list[str]:
    """Every file below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "kills",
    [
        {"state": 16, "model": 4, "division": 6, "settings": 6},
        pytest.param(dict.fromkeys(ARTEFACTS, 1000), marks=SOAK),
    ],
    ids=["some", "all"],
)
def test_a_killed_run_keeps_what_it_had(kills: dict[str, int], tmp_path: Path) -> None:
    """D1, D11: after SIGKILL at a random moment, what was written last, or what was being written, is read whole; what
    lies beside it goes when the run is taken up again.
    """
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    arguments = [sys.executable, __file__, json.dumps(kills), tmp_path]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, env=environment)

    assert done.stderr == ""
    assert done.stdout == ""
    left = names(tmp_path)
    whole = [name for name in left if "tmp-reid" not in name]
    with RunFolder(tmp_path).locked():
        assert names(tmp_path) == sorted([*whole, "run.lock"])
    assert len(left) > len(whole), "no kill hit a writer at work"


@EVERY
def test_a_loss_of_power_costs_one_write_at_most(kind: str, tmp_path: Path) -> None:
    """D2: whenever power is lost, a disk that kept what was flushed, and renames in order, holds the old or the new."""
    artefact, run = ARTEFACTS[kind], tmp_path / "run"
    run.mkdir()
    for version in (1, 2):
        artefact.write(run, version)
    with disks.Journal.of(run) as journal:
        artefact.write(run, 3)

    found = []
    for number, contents in enumerate(journal.after_power_loss()):
        disks.lay_out(contents, run, tmp_path / str(number))
        found.append(artefact.read(tmp_path / str(number)))
    assert set(found) == {2, 3}
    assert found[0] == 2
    assert found[-1] == 3


@EVERY
def test_a_file_that_is_not_flushed_would_be_found(kind: str, tmp_path: Path) -> None:
    """D2: the test above fails where a file is renamed before it was flushed."""
    artefact, run = ARTEFACTS[kind], tmp_path / "run"
    run.mkdir()
    artefact.write(run, 2)
    with disks.Journal.of(run, flushes=False) as journal:
        artefact.write(run, 3)

    *_, last = journal.after_power_loss()
    disks.lay_out(last, run, tmp_path / "after")
    with contextlib.suppress(ReidError):
        assert artefact.read(tmp_path / "after") != 3


@pytest.mark.parametrize("number", disks.DISK_FAILURES)
@pytest.mark.parametrize(("kind", "damaged"), [*((kind, False) for kind in ARTEFACTS), ("state", True)])
def test_every_failing_write_flush_or_rename_leaves_a_whole_one(
    kind: str, number: int, damaged: bool, tmp_path: Path
) -> None:
    """D3, D12: the disk may be full, over quota or broken at any call: exit code 74 names the file and the free space,
    the old or the new is read, nothing is left beside it, and the next write succeeds.

    So it is for a state, of which there are two, when the newer one was damaged before.
    """
    artefact = ARTEFACTS[kind]
    for at in range(100):
        for version in (1, 2):
            artefact.write(tmp_path, version)
        if damaged:
            (tmp_path / artefact.file).write_bytes(b"damaged")
        before, error = names(tmp_path), None
        with disks.failing(at, number):
            try:
                artefact.write(tmp_path, 3)
            except ArtefactError as failure:
                error = failure
        if error is None:
            break
        assert error.exit_code == 74
        assert str(tmp_path) in str(error)
        assert re.search(rf"{os.strerror(number)} \([\d.,]+ MB free on its disk\)", str(error))
        assert artefact.read(tmp_path) in {1 if damaged else 2, 3}
        assert [name for name in names(tmp_path) if name != "next.ckpt"] in (before, before[1:])
    assert artefact.read(tmp_path) == 3
    assert at >= 4


@EVERY
def test_a_file_that_may_not_grow_leaves_the_old(kind: str, tmp_path: Path) -> None:
    """D3: whatever the largest size of a file is that the system allows, the old is read until the new one fits."""
    artefact = ARTEFACTS[kind]
    artefact.write(tmp_path, 2)
    size = (tmp_path / artefact.file).stat().st_size
    for limit in (0, 1, 100, size // 2, size - 1):
        with disks.largest_file(limit), pytest.raises(ArtefactError, match="File too large") as caught:
            artefact.write(tmp_path, 3)
        assert caught.value.exit_code == 74
        assert artefact.read(tmp_path) == 2
        assert not [name for name in names(tmp_path) if "tmp" in name]
    with disks.largest_file(size + 1000):
        artefact.write(tmp_path, 3)
    assert artefact.read(tmp_path) == 3


@EVERY
def test_a_folder_that_may_not_be_written_is_named(kind: str, tmp_path: Path) -> None:
    """Exit code 73 with the path, as another place mends that."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file/gone"):
        ARTEFACTS[kind].write(tmp_path / "file" / "gone", 1)


@EVERY
@pytest.mark.parametrize("count", [150, pytest.param(10_000, marks=SOAK)])
def test_no_damage_is_read_as_something_else(kind: str, count: int, tmp_path: Path) -> None:
    """D4: each damaged copy is refused with exit code 74 and the file's name, or means what it meant before."""
    artefact, refused = ARTEFACTS[kind], 0
    artefact.write(tmp_path, 3)
    path = tmp_path / artefact.file
    for mutant in mutants(path.read_bytes(), count, seed=count):
        path.write_bytes(mutant)
        with contextlib.suppress(ArtefactError):
            assert artefact.read(tmp_path) == 3
            continue
        refused += 1
        with pytest.raises(ArtefactError, match=path.name) as caught:
            artefact.read(tmp_path)
        assert caught.value.exit_code == 74

    assert refused > count * 0.8


@pytest.fixture(autouse=True)
def weights_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch files are read here by what reads them elsewhere, which starts in seconds."""
    read_here(monkeypatch)


def _weights(path: Path) -> None:
    EmbeddingNetwork(Architecture("small-cnn", 8, 2), str(path))


def test_the_payloads_are_live(tmp_path: Path) -> None:
    """Each would be executed by a careless reader: the test below can fail."""
    marker = tmp_path / "executed"
    for name, content in payloads(marker).items():
        pickle.loads(content)  # noqa: S301  all it does is to touch a file
        assert marker.exists(), name
        marker.unlink()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".bin"])
def test_nothing_in_a_file_of_weights_is_executed(suffix: str, tmp_path: Path) -> None:
    """D5: bare, in a torch archive, or in one that also claims to be a script, a payload is refused and does not run."""
    marker, path = tmp_path / "executed", tmp_path / f"weights{suffix}"
    for name, content in payloads(marker).items():
        for bare in (True, False):
            path.write_bytes(content) if bare else write_archive(path, content)
            for read in (read_state, _weights):
                with pytest.raises(ArtefactError, match=r"weights\.\w+ is not a readable file of weights"):
                    read(path)
                assert not marker.exists(), name
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("archive/constants.pkl", content)
    with pytest.raises(ArtefactError, match="is not a readable file of weights"):
        read_state(path)
    torch.save({"weight": Calls(Path.touch, marker)}, path, _use_new_zipfile_serialization=False)
    with pytest.raises(ArtefactError, match="is not a readable file of weights"):
        read_state(path)
    assert not marker.exists()


def test_nothing_in_a_run_is_executed(tmp_path: Path) -> None:
    """D5: payloads with good sums in the place of state, division and settings are refused and do not run."""
    run, marker = RunFolder(tmp_path), tmp_path / "executed"
    (tmp_path / "divisions").mkdir()
    for name, content in payloads(marker).items():
        write_archive(tmp_path / "archive", content)
        for sealed in (content, (tmp_path / "archive").read_bytes()):
            with files.sealing(tmp_path / "last.ckpt") as sink:
                sink.write(sealed)
            with pytest.raises(ArtefactError, match=r"last\.ckpt does not hold the state of a run"):
                run.read_state()
            assert not marker.exists(), name
    objects = np.array([Calls(Path.touch, marker)], dtype=object)
    np.savez(tmp_path / "divisions" / "epoch-0000.npz", clusters=objects, sizes=objects)
    with pytest.raises(ArtefactError, match=r"epoch-0000\.npz is corrupt"):
        run.read_division(0)
    files.write_signed_text(tmp_path / "config.yaml", f"a: !!python/object/apply:os.system ['touch {marker}']\n")
    with pytest.raises(ReidError, match=r"config\.yaml"):
        run.read_settings()
    assert not marker.exists()


@pytest.mark.parametrize("fault", ["dropped", "renamed", "reshaped"])
def test_each_key_of_weights_that_differs_is_listed(fault: str, tmp_path: Path) -> None:
    """D6: weights of which any one tensor is missing, bears another name or has another shape are refused with its name."""
    backbone = SmallCNN()
    state, path = backbone.state_dict(), tmp_path / "weights.pth"
    for name, tensor in state.items():
        other = dict(state)
        del other[name]
        if fault == "renamed":
            other[f"{name}x"] = tensor
        elif fault == "reshaped":
            other[name] = torch.zeros(*tensor.shape, 2)
        torch.save(other, path)
        expected = {
            "dropped": f"missing: {name}",
            "renamed": f"missing: {name}; unexpected: {name}x",
            "reshaped": f"shapes: {name} is {(*tensor.shape, 2)}, wanted {tuple(tensor.shape)}",
        }[fault]
        if name.endswith("num_batches_tracked") and fault == "dropped":
            _weights(path)
            continue
        if name.endswith("num_batches_tracked") and fault == "renamed":
            expected = f"unexpected: {name}x"
        with pytest.raises(ArtefactError) as caught:
            _weights(path)
        assert expected in str(caught.value)
        assert "weights.pth does not hold the weights of this backbone" in str(caught.value)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_weights_that_are_no_numbers_start_no_training(value: float, tmp_path: Path) -> None:
    """D7: any one tensor of a file of weights that holds NaN or infinity is named."""
    backbone = SmallCNN()
    for name, tensor in backbone.state_dict().items():
        if not tensor.is_floating_point():
            continue
        broken = tensor.clone()
        broken.view(-1)[-1] = value
        torch.save({**backbone.state_dict(), name: broken}, tmp_path / "weights.pth")
        with pytest.raises(ArtefactError, match=rf"weights\.pth holds NaN or infinity in {name}; use another file"):
            _weights(tmp_path / "weights.pth")


@pytest.mark.parametrize("version", golden.STATES)
def test_states_of_all_versions_are_read(version: int, tmp_path: Path) -> None:
    """D8: what a released version wrote is read by all later ones."""
    (tmp_path / "last.ckpt").write_bytes(zlib.decompress(base64.b64decode(golden.STATES[version])))
    state, note = RunFolder(tmp_path).read_state()

    assert state["w"].tolist() == [0, 1, 2]
    assert state["n"] == {"step": 3, "best": 0.5, "none": None, "list": ["a", True]}
    assert note is None


@pytest.mark.parametrize("version", golden.MODELS)
def test_models_of_all_versions_are_read(version: int, tmp_path: Path) -> None:
    """D8: what a released version wrote is read by all later ones, with every weight and the whole description."""
    (tmp_path / "model.safetensors").write_bytes(zlib.decompress(base64.b64decode(golden.MODELS[version])))
    network, description, _ = load_model(tmp_path)

    assert (description.kind, description.dataset, description.image_size) == ("vehicle", "demo", (32, 32))
    assert (network.architecture.dimension, network.architecture.learners) == (8, 2)
    assert all(bool((tensor == place).all()) for place, tensor in enumerate(network.state_dict().values()))


@pytest.mark.parametrize("damaged", [(), ("last",), ("previous",), ("last", "previous")])
@pytest.mark.parametrize("first", [False, True])
def test_the_newest_whole_state_is_taken(damaged: tuple[str, ...], first: bool, tmp_path: Path) -> None:
    """D9: of states under three names, the newest whole one; damage is told unless something newer is whole.

    `first`: the run was killed when the third state was complete and had not got its name yet.
    """
    for version in (1, 2):
        _write_state(tmp_path, version)
    if first:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "move_along", lambda *_paths: None)
            _write_state(tmp_path, 3)
    for name in damaged:
        (tmp_path / f"{name}.ckpt").write_bytes((tmp_path / f"{name}.ckpt").read_bytes()[:-1])
    expected = 3 if first else 2 if "last" not in damaged else 1 if "previous" not in damaged else None
    if expected is None:
        with pytest.raises(ArtefactError, match=r"last\.ckpt is corrupt.*previous\.ckpt is corrupt"):
            RunFolder(tmp_path).read_state()
        return
    state, note = RunFolder(tmp_path).read_state()

    assert state["version"] == expected
    assert (note is not None) == (expected == 1)


def test_a_run_that_is_trained_is_read_but_not_trained_twice(tmp_path: Path) -> None:
    """D10: another process reads all of it, and is told who trains it when it wants to train it too, exit code 75."""
    for artefact in ARTEFACTS.values():
        artefact.write(tmp_path, 3)
    code = (
        "import sys; from pathlib import Path; from reid.train.run_folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).locked(): print(flush=True); sys.stdin.readline()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as trainer:
        assert trainer.stdout is not None
        trainer.stdout.readline()
        assert [artefact.read(tmp_path) for artefact in ARTEFACTS.values()] == [3] * 4
        with pytest.raises(ReidError, match=f"in use by process {trainer.pid} on") as caught:
            RunFolder(tmp_path).locked().__enter__()
    assert caught.value.exit_code == 75
    with RunFolder(tmp_path).locked():
        pass


if __name__ == "__main__":
    place = Path(sys.argv[2])
    for kind, rounds in json.loads(sys.argv[1]).items():
        told = ARTEFACTS[kind]
        problems = disks.kill_writers(functools.partial(told.write, place), functools.partial(told.read, place), rounds)
        sys.stdout.writelines(f"{kind}: {problem}\n" for problem in problems)
