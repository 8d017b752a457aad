"""What `reid-train` does, in two steps: get everything ready, then train and report."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from reid.cli.compose import Composition, compose, schedule
from reid.cli.evaluation import evaluate_splits
from reid.cli.progress import TrainingDisplay
from reid.config import Config, check, load_config, to_settings
from reid.data.cards import load_card
from reid.data.dataset import read_dataset
from reid.embed import load_embedder
from reid.errors import ConfigError
from reid.records import Splits
from reid.report.tables import statistics_table
from reid.text import printable
from reid.train.run_folder import LATEST, RunFolder, create_run, name_latest, open_run, prepare_out
from reid.train.trainer import Trainer

RUNS = Path("runs")
_NOT_WITH_RESUME = ("dataset", "recipe", "assignments", "weights", "seed")


@dataclass(frozen=True)
class Session:
    """A run about to start or to go on."""

    config: Config
    splits: Splits
    run: RunFolder
    composition: Composition
    resumed: bool
    device: str


def start(options: Mapping[str, Any], *, quiet: bool) -> Session:
    """Read settings and data, say what they are, build the run, make its folder.

    Raises:
        ReidError: whatever is wrong with settings, data or folders.
    """
    resumed = bool(options["resume"])
    old = open_run(options["out"] or RUNS / LATEST) if resumed else None
    config = _new_config(options) if old is None else _old_config(old, options)
    splits = read_dataset(config.data.dataset, config.data.root)
    config = dataclasses.replace(config, data=dataclasses.replace(config.data, root=str(splits.train.root.resolve())))
    composition = compose(config, splits, device=options["device"])
    run = old or _new_folder(options, config)
    run.write_settings(to_settings(config))
    session = Session(config, splits, run, composition, resumed, options["device"])
    for line in _introduction(session):
        click.echo(line, err=quiet)
    return session


def train_and_report(session: Session, *, quiet: bool) -> tuple[dict[str, Any], Callable[[], None]]:
    """Train to the end and score the best model; the report, and a function that prints it.

    Raises:
        ReidError: training diverged or was interrupted, or an image cannot be read.
    """
    trainer = Trainer(session.composition.plan, session.run, TrainingDisplay(session.config.train.epochs, quiet=quiet))
    if session.resumed:
        trainer.resume()
        click.echo(f"going on after epoch {trainer.progress.epoch} of {session.config.train.epochs}", err=quiet)
    progress = trainer.train()
    if session.composition.plan.validation is not None:
        click.echo(
            f"best epoch on validation identities: {progress.best_epoch + 1} (mAP {100 * progress.best:.1f})", err=quiet
        )
    embedder = load_embedder(session.run.path, device=session.device)
    return evaluate_splits(
        embedder,
        session.splits,
        session.config.evaluate,
        seed=session.config.seed,
        run=str(session.run.path.resolve()),
        out=session.run.path,
    )


def _new_config(options: Mapping[str, Any]) -> Config:
    named = options["dataset"]
    recipe = options["recipe"] or load_card(named or Config().data.dataset).recipe
    root = options["root"]
    own = {
        "data.dataset": named,
        "data.root": None if root is None else str(root),
        "train.epochs": options["epochs"],
        "model.weights": options["weights"],
        "seed": options["seed"],
    }
    return load_config(recipe, options["assignments"], own)


def _old_config(run: RunFolder, options: Mapping[str, Any]) -> Config:
    given = [name for name in _NOT_WITH_RESUME if options[name] not in (None, ())]
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


def _new_folder(options: Mapping[str, Any], config: Config) -> RunFolder:
    if options["out"] is not None:
        run = prepare_out(options["out"], force=options["force"])
        name_latest(RUNS, run.path)
        return run
    recipe = Path(options["recipe"] or load_card(config.data.dataset).recipe).stem
    return create_run(RUNS, f"{load_card(config.data.dataset).name}-{recipe}")


def _introduction(session: Session) -> list[str]:
    config, plan = session.config, session.composition.plan
    stages = ", ".join(f"{stage} {first + 1}-{last}" for first, last, stage in schedule(config).timeline())
    held_out = (
        ""
        if plan.validation is None
        else f" ({plan.validation.count()['identities']} identities held out for validation)"
    )
    return [
        statistics_table(session.splits),
        "",
        *(f"note: {printable(text)}" for text in (*session.splits.problems, *session.composition.notes)),
        f"training on {plan.train.count()['identities']:,} identities, {len(plan.train):,} images{held_out}",
        _model_line(session),
        f"epochs: {stages}",
        f"run: {printable(session.run.path)}",
        "",
    ]


def _model_line(session: Session) -> str:
    model, learning = session.config.model, session.composition.plan.learning
    height, width = session.composition.plan.description.image_size
    parameters = sum(p.numel() for p in learning.network.parameters())
    return (
        f"model: {model.backbone} at {height}x{width}, {parameters:,} parameters, {model.dimension} dimensions, "
        f"{session.config.division.learners} learners; {'bf16' if learning.bf16 else 'fp32'} on {learning.network.mean.device}"
    )
