"""reid-train: train a run, then score it on the dataset's test sets."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reid.cli.command import emit, run, shared_options

if TYPE_CHECKING:
    from reid.cli.evaluation import Outcome


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--dataset", help="Name of a dataset (reid-data list), or the path of a card.  [default: demo]")
@click.option(
    "--root", type=click.Path(path_type=Path), help="The dataset's folder.  [default: $REID_DATA/NAME, data/NAME]"
)
@click.option(
    "--config",
    "recipe",
    metavar="NAME|FILE",
    multiple=True,
    help="Recipe; each further one changes what those before it say.  [default: the dataset's]",
)
@click.option(
    "--set", "assignments", metavar="KEY=VALUE", multiple=True, help="Change one setting, such as train.epochs=20."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="The run's folder.  [default: runs/DATASET-RECIPE-NUMBER]",
)
@click.option("--resume", is_flag=True, help="Go on with the run in --out, or with the latest.")
@click.option("--accept-data-change", is_flag=True, help="With --resume: go on although the training data changed.")
@click.option(
    "--exact", is_flag=True, help="With --resume: refuse a machine on which results would differ in their last bits."
)
@click.option(
    "--on-nan",
    type=click.Choice(["stop", "skip"]),
    help="When a loss is NaN or infinite.  [default: as in the recipe: stop]",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done in every epoch, and do nothing.")
@click.option("--no-report", is_flag=True, help="At the end figures only: report.json, no pictures and no page.")
@click.option("--force", is_flag=True, help="Allow --out to hold files already.")
@click.option("--epochs", type=click.IntRange(min=1), help="Number of epochs.")
@click.option("--device", default="auto", help="cpu, cuda, cuda:1, ...  [default: a GPU if there is one]")
@click.option(
    "--weights", metavar="RUN|FILE", help="A run or file of weights to start from; also 'pretrained' or 'random'."
)
@click.option("--partial", is_flag=True, help="With --weights: take what fits of the backbone, and say how much it is.")
@click.option(
    "--list-backbones",
    metavar="[PATTERN]",
    is_flag=False,
    flag_value="*",
    help="List the backbones there are, and end.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Seed of everything left to chance.")
@shared_options
def command(json: str | None, **options: Any) -> None:
    """Train an embedding on a dataset and report its test sets.

    Results go to a folder: model.safetensors (the best epoch on held-out training identities), config.yaml, log.jsonl,
    last.ckpt, divisions/, calibration.json, report.json, and report/ with pictures and a page.
    """
    if options["list_backbones"] is not None:
        from reid.cli.backbones import list_backbones

        listing, show = list_backbones(options["list_backbones"])
        emit(listing, json, show)
        return
    from reid.cli.settings import run_settings
    from reid.train.place import place_among

    place, quiet = place_among(os.environ), json == "-"
    settings = run_settings(options) if place.rank == 0 else None
    from reid.cli.training import dry_run, start, train_and_report  # imports torch: settings are checked before

    outcome: Outcome | None = None
    if settings is not None and options["dry_run"]:
        outcome = dry_run(settings[0], options)
    elif settings is not None and place.world == 1:
        outcome = train_and_report(start(*settings, options, quiet=quiet), quiet=quiet)
    elif not options["dry_run"]:
        from reid.cli.together import train_together

        outcome = train_together(place, settings, options, quiet=quiet)
    if outcome is not None:
        emit(outcome[0], json, outcome[1])


def main() -> None:
    """Entry point of `reid-train`."""
    run(command)


if __name__ == "__main__":
    main()
