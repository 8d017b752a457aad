"""What `reid-train` does once its settings are known to be right: get everything ready, train, report."""

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from reid.cli.compose import Composition, build_learning, check_learning, compose, schedule
from reid.cli.evaluation import Outcome, check_settings, evaluate_splits, without_aliases
from reid.cli.progress import Counter, TrainingDisplay
from reid.cli.settings import new_folder
from reid.config import Config, to_settings
from reid.data.cards import load_card
from reid.data.dataset import find_root, read_dataset
from reid.embed import load_embedder
from reid.records import Splits
from reid.report.tables import statistics_table
from reid.text import printable
from reid.train.run_folder import RunFolder
from reid.train.trainer import Trainer


@dataclass(frozen=True)
class Session:
    """A run about to start or to go on."""

    config: Config
    splits: Splits
    run: RunFolder
    composition: Composition
    resumed: bool
    accept_change: bool
    device: str


def start(config: Config, old: RunFolder | None, options: Mapping[str, Any], *, quiet: bool) -> Session:
    """Read the data, build the run, make its folder, and say what it is.

    Raises:
        ReidError: whatever is wrong with loss, data or folders.
    """
    check_learning(config, device=options["device"])
    root = None if config.data.root is None else Path(config.data.root)
    find_root(load_card(config.data.dataset), root, os.environ)  # before weights are downloaded
    learning = build_learning(config, device=options["device"])
    with Counter("drawing the demo set") as counter:
        splits = read_dataset(config.data.dataset, config.data.root, progress=counter)
    config = dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, root=str(splits.train.root.resolve())),
        evaluate=without_aliases(config.evaluate, load_card(config.data.dataset)),
    )
    check_settings(splits, config.evaluate)
    composition = compose(config, splits, learning)
    run = new_folder(options, config) if old is None else old
    run.write_settings(to_settings(config))
    session = Session(
        config, splits, run, composition, old is not None, options["accept_data_change"], options["device"]
    )
    for line in _introduction(session):
        click.echo(line, err=quiet)
    return session


def train_and_report(session: Session, *, quiet: bool) -> Outcome:
    """Train to the end and score the best model; the report, and a function that prints it.

    Raises:
        ReidError: training diverged or was interrupted, or an image cannot be read.
    """
    trainer = Trainer(session.composition.plan, session.run, TrainingDisplay(session.config.train.epochs, quiet=quiet))
    if session.resumed:
        trainer.resume(accept_change=session.accept_change)
        click.echo(f"going on after epoch {trainer.progress.epoch} of {session.config.train.epochs}", err=quiet)
    progress = trainer.train()
    if session.composition.plan.validation is not None:
        best = f"best epoch on validation identities: {progress.best_epoch + 1} (mAP {100 * progress.best:.1f})"
        click.echo(best, err=quiet)
    data = session.config.data
    embedder = load_embedder(session.run.path, device=session.device)
    return evaluate_splits(
        dataclasses.replace(embedder, max_megapixels=data.max_megapixels),
        session.splits,
        session.config.evaluate,
        workers=data.workers,
        seed=session.config.seed,
        run=str(session.run.path.resolve()),
        out=session.run.path,
    )


def _introduction(session: Session) -> list[str]:
    plan = session.composition.plan
    held_out = (
        ""
        if plan.validation is None
        else f" ({plan.validation.count()['identities']} identities held out for validation)"
    )
    stages = ", ".join(
        f"{stage} {first + 1}" + f"-{last}" * (last > first + 1)
        for first, last, stage in schedule(session.config).timeline()
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
    learners = session.config.division.learners
    return (
        f"model: {model.backbone} at {height}x{width}, {parameters:,} parameters, {model.dimension} dimensions, "
        f"{learners} learner{'s' * (learners > 1)}; {'bf16' if learning.bf16 else 'fp32'} on {learning.network.mean.device}"
    )
