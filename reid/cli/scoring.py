"""What `reid-eval` does: find the model and the data it means, and score them."""

import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from reid.config import EvaluateConfig, check
from reid.errors import ConfigError

Outcome = tuple[dict[str, Any], Callable[[], None]]


def score_run(options: Mapping[str, Any], *, quiet: bool) -> Outcome:
    """Score a run's model on the dataset it was trained on, or on another.

    Raises:
        MissingInputError: no such run, dataset or image.
        ConfigError: no such test set.
    """
    from reid.cli.cores import share_cores
    from reid.cli.evaluation import check_settings, evaluate_splits, without_aliases
    from reid.data.cards import load_card
    from reid.data.dataset import read_dataset
    from reid.embed import load_embedder
    from reid.report.tables import statistics_table
    from reid.text import printable
    from reid.train.run_folder import LATEST, open_run

    run = open_run(options["run_folder"] or Path("runs") / LATEST)
    config = check(run.read_settings(), str(run.path / "config.yaml"))
    name = options["dataset"] or config.data.dataset
    card = load_card(name)
    same = card.name == load_card(config.data.dataset).name
    settings = without_aliases(_settings(config.evaluate if same else _general(config.evaluate), options), card)
    embedder = load_embedder(run.path, device=options["device"])
    embedder = dataclasses.replace(embedder, max_megapixels=config.data.max_megapixels)
    workers = share_cores(config.data.workers, embedder.device)
    splits = read_dataset(name, options["root"] or (config.data.root if same else None))
    check_settings(splits, settings)
    click.echo(f"model: {printable(run.path.resolve())}\n{statistics_table(splits)}\n", err=quiet)
    for problem in splits.problems:
        click.echo(f"note: {printable(problem)}", err=quiet)
    return evaluate_splits(
        embedder,
        splits,
        settings,
        seed=config.seed,
        run=str(run.path.resolve()),
        out=options["out"] or (run.path if same else run.path / f"on-{card.name}"),
        workers=workers,
    )


def score_features(options: Mapping[str, Any]) -> Outcome:
    """Score vectors from a file or an embeddings folder; torch is not needed.

    Raises:
        DataError: the file does not hold what it should.
        ConfigError: a protocol is asked for that needs queries of their own, and there are none.
    """
    from reid import files
    from reid.evaluation.features import load_features
    from reid.evaluation.protocols import Options, evaluate
    from reid.report.tables import results_table

    started = time.perf_counter()
    _refuse_what_needs_images(options)
    settings = _settings(EvaluateConfig(), options)
    query, gallery = load_features(options["embeddings"])
    protocols = settings.protocols or (("all-vs-all",) if query is None else ("query-gallery",))
    chosen = Options(average_precision=settings.average_precision, trials=settings.trials)
    pair = gallery if query is None else (query, gallery)
    results = {"test": {name: evaluate(pair, name, chosen) for name in protocols}}
    name = options["embeddings"].name
    report = {
        "dataset": name,
        "run": None,
        "splits": {"test": {protocol: found.to_dict() for protocol, found in results["test"].items()}},
        "rerank": "none",
        "seconds": {"scoring": time.perf_counter() - started},
    }
    if options["out"] is not None:
        files.make_folder(options["out"])
        files.write_json(options["out"] / "report.json", report)
    return report, lambda: click.echo(results_table(name, results))


def _settings(kept: EvaluateConfig, options: Mapping[str, Any]) -> EvaluateConfig:
    given = {
        "splits": tuple(options["splits"]),
        "protocols": tuple(options["protocols"]),
        "trials": options["trials"],
        "average_precision": options["average_precision"],
    }
    return dataclasses.replace(kept, **{name: value for name, value in given.items() if value})


def _general(settings: EvaluateConfig) -> EvaluateConfig:
    """`settings` without what belongs to the dataset that a run was trained on."""
    return dataclasses.replace(settings, splits=(), protocols=())


def _refuse_what_needs_images(options: Mapping[str, Any]) -> None:
    names = {"run_folder": "--run", "dataset": "--dataset", "root": "--root", "splits": "--split"}
    given = [option for name, option in names.items() if options[name]]
    if given:
        raise ConfigError(f"--embeddings scores vectors that are there already; leave out {', '.join(given)}")
