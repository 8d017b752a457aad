"""The settings of a run from the options of `reid-train`: checked before anything slow is imported or read."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reid import files
from reid.config import Config, check, load_config
from reid.config.loading import own_file_sets
from reid.data.cards import load_card
from reid.errors import ConfigError, OutputError
from reid.text import printable
from reid.train.run_folder import LATEST, RunFolder, create_run, name_latest, open_run, prepare_out

RUNS = Path("runs")
_OF_A_NEW_RUN = {
    "dataset": "--dataset",
    "recipe": "--config",
    "assignments": "--set",
    "weights": "--weights",
    "partial": "--partial",
    "seed": "--seed",
}


def run_settings(options: Mapping[str, Any]) -> tuple[Config, RunFolder | None]:
    """The configuration, and the run to go on with; None for a new one.

    Raises:
        ConfigError: everything that is wrong with the settings.
        MissingInputError: no such recipe, card, or run to resume.
        OutputError: the folder for the run holds files already, or cannot be created.
        ArtefactError: the settings of the run to resume were changed.
    """
    if not options["resume"]:
        config = _new(options)
        if options["out"] is not None and not options["dry_run"]:
            prepare_out(options["out"], force=options["force"])
        return config, None
    run = open_run(options["out"] or RUNS / LATEST)
    files.sweep(run.path)
    return _resumed(run, options), run


def may_lower_identities(options: Mapping[str, Any]) -> bool:
    """Whether `train.identities` is what a shipped recipe or the default says, and not the user's own word.

    Their own are `--set`, recipes given by their path, and the settings of a run that is resumed.
    """
    if options["resume"] or any(own_file_sets(name, "train", "identities") for name in options["recipe"]):
        return False
    keys = {assignment.partition("=")[0].replace(" ", "") for assignment in options["assignments"]}
    return not keys & {"train", "train.identities"}


def new_folder(options: Mapping[str, Any], config: Config) -> RunFolder:
    """The folder of a new run, which `runs/latest` names from now on, where that can be written.

    Raises:
        OutputError: it holds files already, or cannot be created.
    """
    if options["out"] is not None:
        run = prepare_out(options["out"], force=options["force"])
        run.forget()
        with contextlib.suppress(OutputError):  # the run itself is elsewhere, and needs no `runs` here
            name_latest(RUNS, run.path)
        return run
    return create_run(
        RUNS, f"{load_card(config.data.dataset).name}-{'-'.join(Path(name).stem for name in _recipe(options))}"
    )


def _new(options: Mapping[str, Any]) -> Config:
    root = options["root"]
    own = {
        "data.dataset": options["dataset"],
        "data.root": None if root is None else str(root),
        "train.epochs": options["epochs"],
        "model.weights": options["weights"],
        "model.partial_weights": options.get("partial") or None,
        "seed": options["seed"],
    }
    return load_config(_recipe(options), options["assignments"], own)


def _recipe(options: Mapping[str, Any]) -> Sequence[str]:
    return options["recipe"] or (load_card(options["dataset"] or Config().data.dataset).recipe,)


def _resumed(run: RunFolder, options: Mapping[str, Any]) -> Config:
    given = [
        option
        for name, option in _OF_A_NEW_RUN.items()
        if options.get(name) not in (None, ()) and options.get(name) is not False
    ]
    if given:
        raise ConfigError(
            f"--resume goes on with the settings of {printable(run.path)}; leave out {', '.join(given)}, or start a new run"
        )
    settings = run.read_settings()
    if options["epochs"] is not None:
        settings["train"]["epochs"] = options["epochs"]
    if options["root"] is not None:
        settings["data"]["root"] = str(options["root"])
    return check(settings, str(run.path / "config.yaml"))
