"""What `reid-eval --compare` does: score two models, or two files of vectors, on the same queries."""

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from reid import files
from reid.cli.scored import is_exported, to_score
from reid.cli.scoring import Outcome, choose_data, refuse_what_needs_images, score_vectors, settings_with
from reid.config import Config, EvaluateConfig
from reid.errors import ConfigError
from reid.evaluation.comparison import Comparison, compare
from reid.evaluation.reports import Report
from reid.report.subject import Subject
from reid.text import printable
from reid.train.run_folder import CONFIG

Results = Mapping[str, Mapping[str, Report]]
Both = tuple[Subject, Subject]


def score_comparison(options: Mapping[str, Any], *, quiet: bool) -> Outcome:
    """Score both and pair them query by query; the report, and a function that prints it.

    Raises:
        MissingInputError: no such run, dataset or image.
        DataError: the queries of the two differ.
        ConfigError: an option is wrong, or one is a run and the other is not.
    """
    from reid.report.comparison import comparison_tables

    started = time.perf_counter()
    if options["embeddings"] is not None or options["run_folder"] is not None:
        raise ConfigError("--compare names both models; leave out --run and --embeddings")
    if options["explain"] or options["explain_learner"] is not None:
        raise ConfigError("--explain colours the rank lists of one run; leave it out with --compare")
    names = [printable(path) for path in options["compare"]]
    runs = [_is_run(path) for path in options["compare"]]
    if runs[0] != runs[1]:
        raise ConfigError(
            f"--compare: {names[runs.index(True)]} is a run and {names[runs.index(False)]} is not; give two runs, or two "
            "files or folders of vectors"
        )
    both = _two_runs(options, quiet=quiet) if runs[0] else _two_features(options)
    compared = _pair(both[0].results, both[1].results, seed=both[0].seed, resamples=options["bootstrap"])
    report = {
        "dataset": both[0].name,
        "compare": [str(path) for path in options["compare"]],
        "splits": {split: {name: found.to_dict() for name, found in by.items()} for split, by in compared.items()},
        "seconds": {"all": time.perf_counter() - started},
    }
    written = _keep(report, both, compared, options, runs=runs[0])

    def show() -> None:
        click.echo(comparison_tables(both[0].name, names, compared))
        if written:
            click.echo("\n" + "\n".join(map(printable, written)))

    return report, show


def _keep(
    report: Mapping[str, Any],
    both: Both,
    compared: Mapping[str, Mapping[str, Comparison]],
    options: Mapping[str, Any],
    *,
    runs: bool,
) -> list[Path]:
    """Write `comparison.json` and the page; of files of vectors only where a folder is named."""
    from reid.report.comparison_report import write_comparison

    first, second = (path.resolve() for path in options["compare"])
    place = second if second.is_dir() else second.parent  # an exported model is a file
    out = options["out"] or (place / f"compared-with-{first.name}" if runs else None)
    if out is None:
        return []
    files.make_folder(out if options["no_report"] else out / "report")
    files.write_json(out / "comparison.json", report)
    drawn = [] if options["no_report"] else write_comparison(both, compared, out / "report")
    return [out / "comparison.json", *drawn]


def _is_run(path: Path) -> bool:
    return is_exported(path) or (path / CONFIG).is_file()


def _two_runs(options: Mapping[str, Any], *, quiet: bool) -> Both:
    from reid.cli.cores import share_for
    from reid.cli.evaluation import check_settings, embed_and_score, fastest
    from reid.cli.refining import in_words, to_options
    from reid.data.dataset import read_dataset
    from reid.embed import load_embedder
    from reid.report.tables import statistics_table

    models = [to_score(path) for path in options["compare"]]
    configs = [model.config for model in models]
    if options["dataset"] is None:
        _refuse_other_data(configs)
    chosen = choose_data(configs[0], options)  # what both are asked, however the second was scored in its own run
    splits = read_dataset(chosen.dataset, chosen.root)
    tests = check_settings(splits, chosen.settings)
    click.echo(f"{statistics_table(splits)}\n", err=quiet)
    both = []
    for model in models:
        click.echo(f"model: {printable(model.path.resolve())}", err=quiet)
        embedder = load_embedder(model.path, device=options["device"], flip=options["flip"], crops=options["crops"])
        embedder = dataclasses.replace(embedder, max_megapixels=model.config.data.max_megapixels)
        workers = share_for(embedder, model.config.data.workers)
        scoring = to_options(chosen.settings, configs[0].seed, fastest(embedder))
        embeddings, results, _ = embed_and_score(embedder, tests, chosen.settings, scoring, workers=workers)
        subject = Subject(
            name=splits.name,
            model=str(model.path.resolve()),
            tests=tests,
            embeddings=embeddings,
            results=results,
            seed=configs[0].seed,
            refinement=scoring.refinement,
            refined=in_words(chosen.settings),
            max_megapixels=embedder.max_megapixels,
        )
        both.append(subject)
    return both[0], both[1]


def _refuse_other_data(configs: list[Config]) -> None:
    names = [config.data.dataset for config in configs]
    if names[0] != names[1]:
        raise ConfigError(
            f"--compare: the runs were trained on {printable(names[0])} and {printable(names[1])}; say with --dataset "
            "on which they are compared"
        )


def _two_features(options: Mapping[str, Any]) -> Both:
    refuse_what_needs_images(options)
    settings = settings_with(EvaluateConfig(), options)
    name = " and ".join(path.name for path in options["compare"])
    first, second = (score_vectors(path, settings, name=name) for path in options["compare"])
    return first, second


def _pair(first: Results, second: Results, *, seed: int, resamples: int | None) -> dict[str, dict[str, Comparison]]:
    options = {} if resamples is None else {"resamples": resamples}
    compared: dict[str, dict[str, Comparison]] = {}
    for split, by_protocol in first.items():
        for protocol, report in by_protocol.items():
            mine, other = report.per_query, second[split][protocol].per_query
            if mine is not None and other is not None:
                compared.setdefault(split, {})[protocol] = compare(mine, other, seed=seed, **options)
    return compared
