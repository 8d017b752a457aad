"""Scoring a model on the test sets of a dataset: shared by `reid-train`, at its end, and `reid-eval`."""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np

from reid import files
from reid.acceleration import AcceleratedDistances, accelerates
from reid.cli.forecast import forecast, searches
from reid.cli.pictures import chosen_thresholds
from reid.cli.progress import Counter
from reid.cli.refining import cautions, check_options, in_words, refined_by, to_options
from reid.config import EvaluateConfig
from reid.data.cards import Card
from reid.distances import CosineDistances
from reid.embed import Embedder
from reid.errors import ConfigError
from reid.evaluation.protocols import PROTOCOLS, Options, evaluate_test_set
from reid.evaluation.reports import Report
from reid.records import Embeddings, Records, Splits, TestSet, concatenate
from reid.report.evaluation_report import write_report
from reid.report.subject import Explain, Subject
from reid.report.tables import results_table
from reid.rerank.neighbourhood import Compare
from reid.text import did_you_mean, printable

Results = dict[str, dict[str, Report]]
Outcome = tuple[dict[str, Any], Callable[[], None]]


def evaluate_splits(
    embedder: Embedder,
    splits: Splits,
    settings: EvaluateConfig,
    *,
    seed: int,
    run: str,
    out: Path,
    workers: int | None = None,
    pictures: bool = True,
    explain: Explain | None = None,
) -> Outcome:
    """Embed the test images and score them; report, pictures and page go to `out`.

    Args:
        embedder: the model.
        splits: the dataset.
        settings: which test sets, protocols and definitions.
        seed: of the random galleries.
        run: name of the model in the report.
        out: folder for report.json and report/.
        workers: loader processes; None chooses by the number of cores.
        pictures: whether there are pictures and a page beside the figures.
        explain: colours rank lists by what made the match; None leaves that out.

    Returns:
        The report as plain values, and a function that prints it.

    Raises:
        ConfigError: there is no such test set or protocol.
        DataError: an image cannot be read.
        OutputError: `out` cannot be written to.
    """
    tests = check_settings(splits, settings)
    files.make_folder(out / "report" if pictures else out)  # before the work is done whose results go there
    for caution in cautions(tests, settings):
        click.echo(f"note: {caution}", err=True)
    options = to_options(settings, seed, fastest(embedder))
    embeddings, results, seconds = embed_and_score(embedder, tests, settings, options, workers=workers)
    report = to_report(results, settings, dataset=splits.name, run=run, seconds=seconds, problems=splits.problems)
    report |= {"averaging": dict(embedder.averaging)} if embedder.averaging else {}
    words = in_words(settings) + (", vectors averaged over views" if embedder.averaging else "")
    subject = Subject(
        name=splits.name,
        model=run,
        tests=tests,
        embeddings=embeddings,
        results=results,
        seed=seed,
        refinement=options.refinement,
        refined=words,
        chosen=chosen_thresholds(Path(run), embedder.fingerprint),
        explain=explain,
        max_megapixels=embedder.max_megapixels,
    )
    started = time.perf_counter()
    written = keep(report, out, subject if pictures else None)
    seconds |= {"report": time.perf_counter() - started} if pictures else {}

    def show() -> None:
        click.echo(results_table(splits.name + words, results))
        click.echo(f"\n{_took(len(unique_images(tests)), seconds)}")
        click.echo("\n".join(printable(path) for path in (out / "report.json", *written)))

    return report, show


def embed_and_score(
    embedder: Embedder,
    tests: Mapping[str, TestSet],
    settings: EvaluateConfig,
    options: Options,
    *,
    workers: int | None = None,
) -> tuple[dict[str, Embeddings], Results, dict[str, float]]:
    """Embeddings by test set, reports by test set and protocol, and the seconds that either took."""
    images = unique_images(tests)
    started = time.perf_counter()
    with Counter("embedding", len(images)) as counter:
        embedded = embedder.embed_records(images, workers=workers, progress=counter)
    seconds = {"embedding": time.perf_counter() - started}
    for line in forecast(searches(tests, settings), settings, embedded.vectors.shape[1]):
        click.echo(line, err=True)
    started = time.perf_counter()
    embeddings = {name: rows_of(embedded, test) for name, test in tests.items()}
    results = score(tests, embeddings, settings, options)
    seconds["scoring"] = time.perf_counter() - started
    return embeddings, results, seconds


def _took(images: int, seconds: Mapping[str, float]) -> str:
    rate = images / max(1e-9, seconds["embedding"])
    took = f"{images:,} images embedded at {rate:,.0f}/s, scored in {seconds['scoring']:.1f} s"
    return took + (f", report made in {seconds['report']:.1f} s" if "report" in seconds else "")


def score(
    tests: Mapping[str, TestSet], embeddings: Mapping[str, Embeddings], settings: EvaluateConfig, options: Options
) -> Results:
    """Reports by test set and protocol."""
    return {
        name: evaluate_test_set(test, embeddings[name], settings.protocols or None, options)
        for name, test in tests.items()
    }


def fastest(embedder: Embedder) -> Compare:
    """What makes distances where the model runs."""
    if accelerates(embedder.device):
        return partial(AcceleratedDistances, device=embedder.device)
    return CosineDistances


def to_report(
    results: Results,
    settings: EvaluateConfig,
    *,
    dataset: str,
    run: str | None,
    seconds: Mapping[str, float],
    problems: Sequence[str] = (),
) -> dict[str, Any]:
    """The report as plain values for JSON."""
    return {
        "dataset": dataset,
        "run": run,
        "splits": {name: {protocol: found.to_dict() for protocol, found in by.items()} for name, by in results.items()},
        **refined_by(settings),
        "seconds": dict(seconds),
        "problems": list(problems),
    }


def keep(report: Mapping[str, Any], out: Path, subject: Subject | None) -> list[Path]:
    """Write report.json below `out`, and pictures and page into `report/` there; returns what lies in that folder.

    Args:
        report: as plain values.
        out: the folder.
        subject: what pictures and page are about; None leaves them out.

    Raises:
        DataError: an image cannot be read.
        OutputError: the folder cannot be created.
    """
    files.make_folder(out / "report" if subject else out)
    files.write_json(out / "report.json", report)
    return write_report(subject, out / "report") if subject else []


def without_aliases(settings: EvaluateConfig, card: Card) -> EvaluateConfig:
    """`settings` with the names of test sets that `card` has for those that people know, as `large` for 2400."""
    names = tuple(card.split_aliases.get(name, name) for name in settings.splits)
    return dataclasses.replace(settings, splits=names)


def check_settings(splits: Splits, settings: EvaluateConfig) -> dict[str, TestSet]:
    """The test sets that are to be scored, once it is known that they can be as `settings` say.

    Raises:
        ConfigError: there is no such test set or protocol, or a test set lacks the queries that a protocol needs.
    """
    check_options(settings)
    tests = choose(splits, settings.splits)
    for name in settings.protocols:
        if name not in PROTOCOLS:
            hint = did_you_mean(name, PROTOCOLS)
            raise ConfigError(f"protocol {printable(name)!r} is not known{hint} There are: {', '.join(PROTOCOLS)}")
    apart = [name for name, test in tests.items() if test.query is None]
    if apart and "query-gallery" in settings.protocols:
        raise ConfigError(
            f"protocol query-gallery needs queries of their own, and {splits.name} has none in {', '.join(apart)}; "
            "choose all-vs-all or single-shot"
        )
    return tests


def choose(splits: Splits, names: Sequence[str]) -> dict[str, TestSet]:
    """The test sets called `names`; all of them where none is named, or "all" is.

    Raises:
        ConfigError: the dataset has no such test set.
    """
    if not names or "all" in names:
        return dict(splits.tests)
    for name in names:
        if name not in splits.tests:
            hint = did_you_mean(name, splits.tests)
            raise ConfigError(
                f"{splits.name} has no test set {printable(name)!r}{hint} It has: {', '.join(splits.tests)}"
            )
    return {name: splits.tests[name] for name in names}


def unique_images(tests: Mapping[str, TestSet]) -> Records:
    """The images of several test sets, each once, for they may overlap."""
    every = concatenate([test.images() for test in tests.values()])
    _, first = np.unique(every.paths.astype(str), return_index=True)
    return every.select(np.sort(first))


def rows_of(embedded: Embeddings, test: TestSet) -> Embeddings:
    """The vectors of a test set's images, in the order of `test.images()`."""
    row = {path: place for place, path in enumerate(embedded.records.paths)}
    images = test.images()
    return Embeddings(embedded.vectors[[row[path] for path in images.paths]], images, embedded.model)
