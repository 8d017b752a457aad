"""From the options of reid-train to settings and a folder, before anything slow is imported."""

import subprocess
import sys
from pathlib import Path

import pytest

from reid.cli.settings import may_lower_identities, new_folder, run_settings
from reid.config import to_settings
from reid.errors import ConfigError, MissingInputError, OutputError
from reid.train.run_folder import RunFolder

NOTHING = dict.fromkeys(("dataset", "root", "out", "epochs", "weights", "seed")) | {
    "recipe": (),
    "assignments": (),
    "resume": False,
    "accept_data_change": False,
    "force": False,
    "dry_run": False,
    "device": "auto",
}


def settings_of(**options):
    """The configuration and the old run."""
    return run_settings({**NOTHING, **options})


def test_options_of_their_own():
    """Each is a key; they win over --set, which wins over the recipe."""
    config, old = settings_of(
        dataset="vid",
        root=Path("r"),
        recipe=("small",),
        epochs=7,
        weights="random",
        seed=5,
        assignments=("train.epochs=9", "train.lr=0.5"),
    )

    assert old is None
    assert (config.data.dataset, config.data.root) == ("vid", "r")
    assert (config.train.epochs, config.train.lr, config.seed) == (7, 0.5, 5)
    assert config.train.identities == 16
    assert config.model.weights == "random"


def test_the_datasets_recipe():
    """Where none is named; without a dataset it is the demo's."""
    assert settings_of()[0].data.dataset == "demo"
    assert settings_of()[0].model.backbone == "small-cnn"
    assert settings_of(dataset="market1501")[0].model.backbone == "resnet50"


def test_settings_need_no_torch():
    """Mistakes are told at once."""
    script = "import sys, reid.cli.settings; print('torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
    )


def test_folders_of_new_runs(tmp_path, monkeypatch):
    """Named after dataset and recipe, numbered; or where the user says; latest names the newest."""
    monkeypatch.chdir(tmp_path)
    latest = tmp_path / "runs" / "latest"
    for options, wanted in (
        ({"dataset": "vid", "recipe": ("small",)}, "runs/vehicleid-small-1"),
        ({"dataset": "vid", "recipe": ("small",)}, "runs/vehicleid-small-2"),
        ({"dataset": "vid", "out": Path("mine")}, "mine"),
        ({}, "runs/demo-demo-1"),
    ):
        every = {**NOTHING, **options}
        made = new_folder(every, run_settings(every)[0])
        assert made.path == Path(wanted)
        assert latest.resolve() == (tmp_path / wanted).resolve()
    (tmp_path / "mine" / "x").touch()
    with pytest.raises(OutputError, match="mine is not empty"):
        new_folder({**NOTHING, "out": Path("mine")}, settings_of()[0])


def test_resume(tmp_path, monkeypatch):
    """The run's own settings, but for --epochs and --root; what is given besides is refused."""
    monkeypatch.chdir(tmp_path)
    every = {**NOTHING, "recipe": ("small",), "seed": 3}
    made = new_folder(every, settings_of(recipe=("small",))[0])
    made.write_settings(to_settings(run_settings(every)[0]))
    (made.path / ".tmp-reid-0123456789abcdef").touch()

    config, old = settings_of(resume=True, epochs=99, root=Path("r"))
    assert old == RunFolder(Path("runs/latest"))
    assert (config.seed, config.train.epochs, config.data.root) == (3, 99, "r")
    assert not list(made.path.glob(".tmp-reid-*"))
    with pytest.raises(ConfigError, match="leave out --dataset, --config, --set, --weights, --seed"):
        settings_of(resume=True, dataset="d", recipe=("small",), assignments=("a=1",), weights="w", seed=0)
    with pytest.raises(MissingInputError, match="no run nowhere"):
        settings_of(resume=True, out=Path("nowhere"))


def test_whose_number_of_identities_it_is(tmp_path):
    """A shipped recipe's or the default may be lowered; not what the user wrote, in a base of an own file neither."""
    files = {"own": "train: {identities: 8}", "other": "base: small", "change": f"base: {tmp_path / 'own.yaml'}"}
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    own, other, change = (str(tmp_path / f"{name}.yaml") for name in files)

    def may(*recipes, assignments=(), **options):
        return may_lower_identities({**NOTHING, "recipe": recipes, "assignments": assignments, **options})

    assert may()
    assert may("small")
    assert may(other, assignments=("train.epochs=2",))
    assert not may(own)
    assert not may("small", change)
    assert not may("small", assignments=("train.identities = 8",))
    assert not may("small", assignments=("train={identities: 8}",))
    assert not may(resume=True)
