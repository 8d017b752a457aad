"""`reid-export`: a run's model as a file that other programs compute."""

from pathlib import Path
from typing import Any

import click

from reid.cli.command import run, shared_options
from reid.cli.filtering import WORKERS


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--run",
    "run_folder",
    type=click.Path(path_type=Path),
    default=Path("runs/latest"),
    show_default=True,
    help="The run whose model is exported.",
)
@click.option("--format", "kind", type=click.Choice(["onnx"]), default="onnx", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The file: NAME.onnx.")
@click.option(
    "--normalise",
    type=click.Choice(["inside", "outside"]),
    default="inside",
    show_default=True,
    help="Where pixels lose their mean and are divided by their deviation: in the file, which takes 0..255, or before "
    "it, as most trackers do.",
)
@click.option("--int8", is_flag=True, help="Compute in 8-bit integers; what that costs in Rank-1 is measured.")
@click.option(
    "--calibration",
    default="256",
    show_default=True,
    metavar="FOLDER|N",
    help="For --int8: a folder of images such as the model will see, or that many of the training set.",
)
@click.option(
    "--images",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Images to verify the file with.  [default: test images of the run's dataset; drawn ones without it]",
)
@click.option("--root", type=click.Path(path_type=Path), help="The folder of the run's dataset.")
@click.option("--opset", type=int, default=20, show_default=True, help="Version of ONNX's operators, 18 to 23.")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@WORKERS
@shared_options
def command(run_folder: Path, out: Path, json: str | None, **options: Any) -> None:
    """Write the model of a run as ONNX, from pixels to unit vectors, and compare the two before it is kept."""
    from reid.cli.exporting import export_run

    export_run(run_folder, out, options, json)


def main() -> None:
    """Entry point of `reid-export`."""
    run(command)


if __name__ == "__main__":
    main()
