"""reid-eval: score a run's model, or vectors from elsewhere, on test sets."""

from pathlib import Path
from typing import Any

import click

from reid.cli.command import emit, run, shared_options
from reid.cli.filtering import CROPS, FLIP

PROTOCOLS = ("single-shot", "all-vs-all", "query-gallery")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--run",
    "run_folder",
    type=click.Path(path_type=Path),
    help="A run's folder, or an exported model.  [default: the latest]",
)
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
    "--rerank",
    type=click.Choice(["none", "k-reciprocal", "ecn", "ecn-vectors", "graph"]),
    help="Re-rank with the neighbours of queries and gallery.  [default: none]",
)
@click.option(
    "--rerank-option",
    "rerank_options",
    multiple=True,
    metavar="NAME=NUMBER",
    help="Of the re-ranking, such as k1=30; may be given again.",
)
@click.option("--expand", type=click.IntRange(min=0), metavar="N", help="Average each query with N gallery images.")
@click.option("--expand-alpha", type=click.FloatRange(min=0), help="Weigh them by similarity to this power.")
@click.option("--augment", type=click.IntRange(min=0), metavar="N", help="Average gallery images with N others.")
@click.option("--memory", metavar="SIZE", help="Bound on the working memory, such as 500MB.  [default: 1GB]")
@click.option("--bootstrap", type=click.IntRange(min=0), metavar="N", help="Resamples for intervals; 0 is none.")
@click.option(
    "--embeddings",
    type=click.Path(path_type=Path, exists=True),
    help="Score these vectors instead: .npz, .mat, or an embeddings folder.",
)
@click.option(
    "--compare",
    nargs=2,
    type=click.Path(path_type=Path, exists=True),
    metavar="A B",
    help="Compare two runs, or two files of vectors, on the same queries.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for report.json and report/.  [default: the run's; on-DATASET in it for another dataset, "
    "and a folder of its own for re-ranking]",
)
@click.option("--explain", is_flag=True, help="Colour rank lists also by what made the match.")
@click.option(
    "--explain-learner",
    type=click.IntRange(min=0),
    metavar="N",
    help="The same by the slice of one learner, counted from 0, alone.",
)
@click.option("--no-report", is_flag=True, help="Figures only: no pictures and no page.")
@FLIP
@CROPS
@click.option("--device", default="auto", help="cpu, cuda, ...  [default: a GPU if there is one]")
@shared_options
def command(json: str | None, **options: Any) -> None:
    """Report CMC, mAP, mINP, recall and NMI on test sets, as a table, JSON, pictures and a page."""
    if options["compare"]:
        from reid.cli.comparing import score_comparison

        report, show = score_comparison(options, quiet=json == "-")
    elif options["embeddings"] is not None:
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
