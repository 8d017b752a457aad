"""What `reid-train` does once its settings are known to be right: get everything ready, train, report."""

import contextlib
import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import torch

from reid import files
from reid.cli.calibrating import calibrate_run
from reid.cli.compose import Composition, compose
from reid.cli.evaluation import Outcome, check_settings, evaluate_splits, without_aliases
from reid.cli.learning import build_network, check_learning
from reid.cli.model_size import model_sizes, sizes_lines
from reid.cli.progress import Counter, TrainingDisplay
from reid.cli.settings import may_lower_identities, new_folder
from reid.cli.timeline import stages_line, timeline, timeline_table
from reid.config import Config, to_settings
from reid.data.cards import load_card
from reid.data.dataset import find_root, read_dataset
from reid.embed import load_embedder
from reid.records import Splits
from reid.report.division_pictures import draw_division
from reid.report.tables import statistics_table
from reid.text import printable
from reid.train.group import Group
from reid.train.plan import Progress
from reid.train.run_folder import RunFolder
from reid.train.tensorboard import tensorboard_log
from reid.train.trainer import Listener, Trainer

_SHORT = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}


@dataclass(frozen=True)
class Session:
    """A run about to start or to go on."""

    config: Config
    splits: Splits
    run: RunFolder
    composition: Composition
    resumed: bool
    options: Mapping[str, Any]


def start(
    config: Config, old: RunFolder | None, options: Mapping[str, Any], *, quiet: bool, group: Group | None = None
) -> Session:
    """Read the data, build the run, make its folder, and say what it is.

    Args:
        config: all settings.
        old: the run to go on with, or None.
        options: of the command.
        quiet: whether standard output is kept for the result.
        group: the processes of the run; None is this one alone.

    Raises:
        ReidError: whatever is wrong with loss, data or folders.
    """
    group = Group() if group is None else group
    config, splits, composition = _prepare(config, options, group)

    def folder() -> RunFolder:
        run = new_folder(options, config) if old is None else old
        with run.locked():  # the settings of a run that is trained elsewhere stay as they are
            run.write_settings(to_settings(config))
        return run

    run = group.from_first(folder)
    session = Session(config, splits, run, composition, old is not None, options)
    for line in [*_introduction(session), f"run: {printable(run.path)}", ""]:
        click.echo(line, err=quiet)
    return session


def dry_run(config: Config, options: Mapping[str, Any]) -> tuple[dict[str, Any], Callable[[], None]]:
    """What a run would be, without a folder or a step: the timeline as values, and a function that prints it.

    Raises:
        ReidError: whatever is wrong with loss, data or folders.
    """
    config, splits, composition = _prepare(config, options, Group())
    rows = timeline(config)
    report = {
        "dataset": splits.name,
        "settings": to_settings(config),
        **model_sizes(composition.plan),
        "images": len(composition.plan.train),
        "timeline": rows,
    }

    def show() -> None:
        session = Session(config, splits, RunFolder(Path()), composition, resumed=False, options=options)
        click.echo(
            "\n".join(
                [
                    *_introduction(session),
                    *sizes_lines(model_sizes(composition.plan)),
                    "",
                    timeline_table(rows),
                    "",
                    "nothing was trained (--dry-run)",
                ]
            )
        )

    return report, show


def _prepare(config: Config, options: Mapping[str, Any], group: Group) -> tuple[Config, Splits, Composition]:
    check_learning(config, device=options["device"])
    root = None if config.data.root is None else Path(config.data.root)
    card = load_card(config.data.dataset)
    find_root(card, root, os.environ)  # before weights are downloaded
    with group.first_here(), Counter("drawing the demo set") as counter:
        network = build_network(config, device=options["device"], kind=card.kind, resumed=options["resume"])
        splits = read_dataset(config.data.dataset, config.data.root, progress=counter)
    config = dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, root=str(splits.train.root.resolve())),
        model=dataclasses.replace(config.model, weights=_resolved(config.model.weights)),
        evaluate=without_aliases(config.evaluate, card),
    )
    check_settings(splits, config.evaluate)
    composition = compose(config, splits, network, group, lower=group.from_first(lambda: may_lower_identities(options)))
    config = dataclasses.replace(config, train=dataclasses.replace(config.train, identities=composition.identities))
    return config, splits, composition


def _resolved(weights: str) -> str:
    """Weights by a name that means the same tomorrow and elsewhere: `runs/latest` does not."""
    return weights if weights in {"pretrained", "random"} else str(Path(weights).resolve())


def train_and_report(session: Session, *, quiet: bool) -> Outcome:
    """Train to the end and score the best model; the report, and a function that prints it.

    Raises:
        ReidError: training diverged or was interrupted, or an image cannot be read.
    """
    return report(session, train(session, quiet=quiet), quiet=quiet)


def report(session: Session, progress: Progress, *, quiet: bool) -> Outcome:
    """Score the best model of a finished run; the report, and a function that prints it.

    Raises:
        ReidError: an image cannot be read, or the report cannot be written.
    """
    held_out = session.composition.plan.validation
    if held_out is not None:
        best = f"best epoch on validation identities: {progress.best_epoch + 1} (mAP {100 * progress.best:.1f})"
        click.echo(best, err=quiet)
    data, records = session.config.data, session.composition.plan.train
    folder, seed = session.run.path / "report", session.config.seed
    embedder = load_embedder(session.run.path, device=session.options["device"])
    embedder = dataclasses.replace(embedder, max_megapixels=data.max_megapixels)
    click.echo(calibrate_run(session.run.path, embedder, held_out, seed=seed, workers=data.workers), err=quiet)
    wanted, pictures = not session.options["no_report"], []
    if wanted:
        files.make_folder(folder)
        pictures = draw_division(session.run.path, records, folder, seed=seed, max_megapixels=data.max_megapixels)
    scores, show = evaluate_splits(
        embedder,
        session.splits,
        session.config.evaluate,
        workers=data.workers,
        seed=seed,
        run=str(session.run.path.resolve()),
        out=session.run.path,
        pictures=wanted,
    )

    def show_all() -> None:
        show()
        click.echo("".join(f"{printable(picture)}\n" for picture in pictures), nl=False)

    return scores, show_all


def train(session: Session, *, quiet: bool) -> Progress:
    """Train to the end; how far that is.

    Raises:
        ReidError: training diverged or was interrupted, or an image cannot be read.
    """
    with session.run.locked() if session.composition.plan.learning.group.first else contextlib.nullcontext():
        return _train(session, quiet=quiet)


def _train(session: Session, *, quiet: bool) -> Progress:
    options, epochs = session.options, session.config.train.epochs
    plan = session.composition.plan
    if options["on_nan"] is not None:
        plan = dataclasses.replace(plan, on_nan=options["on_nan"])
    trainer = Trainer(plan, session.run, _listener(session, quiet=quiet))
    if session.resumed:
        notes = trainer.resume(accept_change=options["accept_data_change"], exact=options["exact"])
        for note in notes:
            click.echo(f"note: {printable(note)}", err=quiet)
        at = f", batch {trainer.progress.step + 1}" if trainer.progress.step else ""
        click.echo(f"going on at epoch {min(trainer.progress.epoch + 1, epochs)} of {epochs}{at}", err=quiet)
    return trainer.train()


def _listener(session: Session, *, quiet: bool) -> Listener:
    train, first = session.config.train, session.composition.plan.learning.group.first
    display = TrainingDisplay(train.epochs, quiet=quiet)
    curves = tensorboard_log(session.run.path) if train.tensorboard and first else None
    if curves is None:
        return display

    def tell(event: Mapping[str, Any]) -> None:
        display(event)
        curves(event)

    return tell


def _introduction(session: Session) -> list[str]:
    plan = session.composition.plan
    held = plan.validation
    held_out = "" if held is None else f" ({held.count()['identities']} identities held out for validation)"
    return [
        statistics_table(session.splits),
        "",
        *(f"note: {printable(text)}" for text in (*session.splits.problems, *session.composition.notes)),
        f"training on {plan.train.count()['identities']:,} identities, {len(plan.train):,} images{held_out}",
        _model_line(session),
        f"epochs: {stages_line(session.config)}",
    ]


def _model_line(session: Session) -> str:
    model, learning = session.config.model, session.composition.plan.learning
    height, width = session.composition.plan.description.image_size
    parameters = sum(p.numel() for p in learning.network.parameters())
    learners = session.config.division.learners
    return (
        f"model: {model.backbone} at {height}x{width}, {parameters:,} parameters, {model.dimension} dimensions, "
        f"{learners} learner{'s' * (learners > 1)}; {_SHORT[learning.precision]} on {learning.network.mean.device}"
    )
