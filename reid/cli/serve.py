"""`reid-serve`: a gallery over HTTP, with a web page."""

from pathlib import Path
from typing import Any

import click

from reid.cli.command import run, shared_options
from reid.cli.filtering import DEVICE


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("gallery", metavar="GALLERY")
@click.option(
    "--run", "model", type=click.Path(path_type=Path), help="The run of the gallery's model.  [default: its own]"
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8321, show_default=True, help="0 is any that is free.")
@click.option(
    "--token",
    envvar="REID_TOKEN",
    help="What clients show to change the gallery, and to read it unless only this machine can ask; better set as "
    "REID_TOKEN.  [default: drawn anew and printed, where only this machine can ask]",
)
@click.option("--private", is_flag=True, help="Ask for the token for reading too.")
@click.option("--read-only", is_flag=True, help="Let nobody change the gallery.")
@click.option(
    "--allow-host", "names", multiple=True, metavar="NAME", help="A name that the server is reached by, as by a proxy."
)
@click.option(
    "--uploads",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the files of added images.  [default: GALLERY-uploads, beside a gallery in a folder]",
)
@click.option(
    "--upload-limit", type=click.IntRange(1), default=16, show_default=True, help="MiB that a picture may have."
)
@DEVICE
@shared_options
def command(gallery: str, json: str | None, **options: Any) -> None:
    """Serve the GALLERY: a folder, or milvus://host:19530/NAME. Ends with Ctrl-C."""
    from reid.cli.serving import serve_gallery

    serve_gallery(gallery, options, json)


def main() -> None:
    """Entry point of `reid-serve`."""
    run(command)


if __name__ == "__main__":
    main()
