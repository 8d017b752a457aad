"""What `reid-eval` does: find the model and the data it means, and score them."""

import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reid.config import Config, EvaluateConfig, check
from reid.errors import ConfigError
from reid.strict_yaml import parse_yaml
from reid.text import printable

if TYPE_CHECKING:
    from reid.report.subject import Subject

Outcome = tuple[dict[str, Any], Callable[[], None]]


def score_run(options: Mapping[str, Any], *, quiet: bool) -> Outcome:
    """Score a run's model on the dataset it was trained on, or on another.

    Raises:
        MissingInputError: no such run, dataset or image.
        ConfigError: no such test set.
    """
    from reid.cli.cores import share_for
    from reid.cli.evaluation import check_settings, evaluate_splits
    from reid.cli.pictures import explainer
    from reid.cli.scored import to_score
    from reid.data.dataset import read_dataset
    from reid.embed import load_embedder
    from reid.report.tables import statistics_table

    scored = to_score(options["run_folder"])
    config = scored.config
    chosen = choose_data(config, options)
    embedder = load_embedder(scored.path, device=options["device"], flip=options["flip"], crops=options["crops"])
    embedder = dataclasses.replace(embedder, max_megapixels=config.data.max_megapixels)
    colours = None
    if options["explain"] or options["explain_learner"] is not None:
        if options["no_report"]:
            raise ConfigError("--explain colours the pictures of the report; leave out --no-report")
        colours = explainer(embedder, options["explain_learner"], subspaces=config.division.subspaces)
    workers = share_for(embedder, config.data.workers)
    splits = read_dataset(chosen.dataset, chosen.root)
    check_settings(splits, chosen.settings)
    click.echo(f"model: {printable(scored.path.resolve())}\n{statistics_table(splits)}\n", err=quiet)
    for problem in splits.problems:
        click.echo(f"note: {printable(problem)}", err=quiet)
    return evaluate_splits(
        embedder,
        splits,
        chosen.settings,
        seed=config.seed,
        run=str(scored.path.resolve()),
        out=options["out"] or scored.home / chosen.place,
        workers=workers,
        pictures=not options["no_report"],
        explain=colours,
    )


@dataclasses.dataclass(frozen=True)
class Chosen:
    """What a run is scored on.

    Attributes:
        dataset: name of a dataset, or the path of a card.
        root: its folder; None looks where datasets are.
        settings: how it is scored.
        place: folder in the run for the report; the run itself for what it was trained on, scored plainly.
    """

    dataset: str
    root: Path | str | None
    settings: EvaluateConfig
    place: str


def choose_data(config: Config, options: Mapping[str, Any]) -> Chosen:
    """The dataset that options name, or that of the run, and how it is scored.

    Raises:
        ConfigError: there is no such dataset, or an option is wrong.
    """
    from reid.cli.evaluation import without_aliases
    from reid.data.cards import load_card

    name = options["dataset"] or config.data.dataset
    card = load_card(name)
    same = card.name == load_card(config.data.dataset).name
    kept = config.evaluate if same else dataclasses.replace(config.evaluate, splits=(), protocols=())
    settings = without_aliases(settings_with(kept, options), card)
    parts = [] if same else [f"on-{card.name}"]
    parts += [settings.rerank] if settings.rerank != "none" else []
    parts += [f"expand-{settings.expand}"] if settings.expand else []
    parts += [f"augment-{settings.augment}"] if settings.augment else []
    parts += (["flip"] if options["flip"] else []) + (["crops-5"] if options["crops"] > 1 else [])
    return Chosen(name, options["root"] or (config.data.root if same else None), settings, "-".join(parts))


def score_features(options: Mapping[str, Any]) -> Outcome:
    """Score vectors from a file or an embeddings folder; torch is not needed.

    Raises:
        DataError: the file does not hold what it should.
        ConfigError: a protocol is asked for that needs queries of their own, and there are none.
    """
    from reid.cli.refining import in_words, refined_by
    from reid.report.tables import results_table

    started = time.perf_counter()
    refuse_what_needs_images(options)
    settings = settings_with(EvaluateConfig(), options)
    name = options["embeddings"].name
    subject = score_vectors(options["embeddings"], settings, name=name)
    results = subject.results
    report = {
        "dataset": name,
        "run": None,
        "splits": {"test": {protocol: found.to_dict() for protocol, found in results["test"].items()}},
        **refined_by(settings),
        "seconds": {"scoring": time.perf_counter() - started},
    }
    written = [] if options["out"] is None else _keep(report, options["out"], subject, page=not options["no_report"])

    def show() -> None:
        click.echo(results_table(name + in_words(settings), results))
        if written:
            click.echo("\n" + "\n".join(map(printable, written)))

    return report, show


def _keep(report: Mapping[str, Any], out: Path, subject: "Subject", *, page: bool) -> list[Path]:
    from reid import files
    from reid.report.evaluation_report import write_report

    files.make_folder(out / "report" if page else out)
    files.write_json(out / "report.json", report)
    return [out / "report.json", *(write_report(subject, out / "report") if page else ())]


def score_vectors(path: Path, settings: EvaluateConfig, *, name: str) -> "Subject":
    """Reports of vectors from a file or an embeddings folder, with what they are about; torch is not needed.

    Args:
        path: the file or folder.
        settings: how they are scored.
        name: what the report calls them.

    Raises:
        DataError: the file does not hold what it should.
        ConfigError: a protocol is asked for that needs queries of their own, and there are none.
    """
    from reid.cli.forecast import forecast, searches
    from reid.cli.refining import cautions, check_options, in_words, to_options
    from reid.evaluation.features import load_features
    from reid.evaluation.protocols import evaluate
    from reid.records import TestSet
    from reid.report.subject import Subject, together

    check_options(settings)
    query, gallery = load_features(path)
    protocols = settings.protocols or (("all-vs-all",) if query is None else ("query-gallery",))
    chosen = to_options(settings, seed=0)
    tests = {"test": TestSet("test", gallery.records, None if query is None else query.records, protocols)}
    for line in cautions(tests, settings):
        click.echo(f"note: {line}", err=True)
    for line in forecast(searches(tests, settings), settings, gallery.vectors.shape[1]):
        click.echo(line, err=True)
    pair = gallery if query is None else (query, gallery)
    results = {"test": {protocol: evaluate(pair, protocol, chosen) for protocol in protocols}}
    test, embedded = together(query, gallery)
    return Subject(
        name=name,
        model=str(path),
        tests={"test": test},
        embeddings={"test": embedded},
        results=results,
        refinement=chosen.refinement,
        refined=in_words(settings),
    )


def settings_with(kept: EvaluateConfig, options: Mapping[str, Any]) -> EvaluateConfig:
    """`kept` with what the command line says instead.

    Raises:
        ConfigError: a value is out of its range.
    """
    given = {
        name: options[name]
        for name in (
            "trials",
            "average_precision",
            "rerank",
            "expand",
            "expand_alpha",
            "augment",
            "memory",
            "bootstrap",
        )
        if options[name] is not None
    }
    given |= {name: list(options[name]) for name in ("splits", "protocols") if options[name]}
    if options["rerank_options"]:
        given["rerank_options"] = dict(map(_number, options["rerank_options"]))
    elif "rerank" in given:
        given["rerank_options"] = {}  # those kept are of another method
    return check({"evaluate": {**dataclasses.asdict(kept), **given}}, "the options given").evaluate


def _number(written: str) -> tuple[str, Any]:
    name, found, value = written.partition("=")
    if not found:
        raise ConfigError(f"--rerank-option {printable(written)}: wanted NAME=NUMBER, such as k1=30")
    return name.strip(), parse_yaml(value, f"--rerank-option {name}")


def refuse_what_needs_images(options: Mapping[str, Any]) -> None:
    """Refuse options that mean nothing for vectors that are there already.

    Raises:
        ConfigError: such options are given; they are named.
    """
    names = {
        "run_folder": "--run",
        "dataset": "--dataset",
        "root": "--root",
        "splits": "--split",
        "explain": "--explain",
        "explain_learner": "--explain-learner",
        "flip": "--flip",
    }
    given = [o for name, o in names.items() if options[name] not in (None, ()) and options[name] is not False]
    given += ["--crops"] if options["crops"] > 1 else []
    if given:
        raise ConfigError(f"--embeddings scores vectors that are there already; leave out {', '.join(given)}")
