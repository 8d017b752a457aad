"""reid-eval: score a run's model, or vectors from elsewhere, on test sets."""

from pathlib import Path
from typing import Any

import click

from reid.cli.command import emit, run, shared_options

PROTOCOLS = ("single-shot", "all-vs-all", "query-gallery")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--run", "run_folder", type=click.Path(path_type=Path), help="A run's folder.  [default: the latest]")
@click.option("--dataset", help="Name of a dataset, or the path of a card.  [default: the one the run was trained on]")
@click.option("--root", type=click.Path(path_type=Path), help="The dataset's folder.")
@click.option(
    "--split",
    "splits",
    multiple=True,
    help="small, medium, large, test, ... or all; may be given again.  [default: all]",
)
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    type=click.Choice(PROTOCOLS),
    help="May be given again.  [default: the dataset's]",
)
@click.option("--trials", type=click.IntRange(min=1), help="Random galleries of single-shot.")
@click.option("--average-precision", type=click.Choice(["step", "trapezoid"]), help="Definition of mAP.")
@click.option(
    "--embeddings",
    type=click.Path(path_type=Path, exists=True),
    help="Score these vectors instead: .npz, or an embeddings folder.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for report.json and pictures.  [default: the run's; on-DATASET in it for another dataset]",
)
@click.option("--device", default="auto", help="cpu, cuda, ...  [default: a GPU if there is one]")
@shared_options
def command(json: str | None, **options: Any) -> None:
    """Report CMC, mAP, mINP, recall and NMI on test sets, as a table, JSON and pictures."""
    if options["embeddings"] is not None:
        from reid.cli.scoring import score_features

        report, show = score_features(options)
    else:
        from reid.cli.scoring import score_run

        report, show = score_run(options, quiet=json == "-")
    emit(report, json, show)


def main() -> None:
    """Entry point of `reid-eval`."""
    run(command)


if __name__ == "__main__":
    main()
