"""What `reid-export` does: find images to try the exported model with, write it, and say how it compares."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from reid import files
from reid.cli.command import emit
from reid.cli.cores import share_for
from reid.cli.evaluation import unique_images
from reid.cli.progress import Counter
from reid.config import check
from reid.data.dataset import read_dataset
from reid.data.synthetic import draw_dataset
from reid.embed import Embedder, TorchModel, load_embedder
from reid.errors import ConfigError, DataError, MissingInputError, OutputError
from reid.export.exporting import Done, Form, Images, check_place, export_model
from reid.export.tracing import require_libraries
from reid.export.verifying import GALLERY, PROBES, sample
from reid.gallery.folder import read_folder
from reid.model.onnx_file import INT8
from reid.records import JUNK, Records, Splits
from reid.text import printable
from reid.train.run_folder import CONFIG, RunFolder, open_run

_DRAWN, _EACH = 48, 6


@dataclass(frozen=True)
class Found:
    """Images to try a model with, and in words which they are."""

    images: Images
    verification: str
    calibration: str


def export_run(run: Path, out: Path, options: Mapping[str, Any], json: str | None) -> None:
    """Export the model of a run.

    Raises:
        MissingInputError: there is no such run, or no such folder of images.
        OutputError: there is something at that place, or nothing can be written there.
        ConfigError: an option is wrong, or the libraries for it are not installed.
        ArtefactError: the exported model does not give the vectors of the run's.
    """
    require_libraries()
    form = Form(options["normalise"], options["int8"], options["opset"])
    check_place(out)
    if out.exists() and not options["force"]:
        raise OutputError(f"--out {printable(out)} exists already; choose another name, or pass --force")
    place = run if run.suffix == ".safetensors" else open_run(run).path
    embedder = load_embedder(place, device="cpu")
    workers = share_for(embedder, options["workers"])
    with _images(place, embedder, options) as found:
        with Counter("comparing", len(found.images.verification)) as counter:
            done = export_model(
                _network(embedder), out, found.images, form, run=place, workers=workers, progress=counter
            )
        told = _told(done, found, place, out)
    emit(told, json, lambda: _print(done, found, place, out))


def _network(embedder: Embedder) -> TorchModel:
    if not isinstance(embedder.model, TorchModel):
        raise ConfigError("an exported model cannot be exported again; name the run that it was made from")
    return embedder.model


@contextmanager
def _images(place: Path, embedder: Embedder, options: Mapping[str, Any]) -> Iterator[Found]:
    """Images to try a model with: those that options name, those of its dataset, or drawn ones while the block runs."""
    count = options["calibration"]
    many = int(count) if count.isdecimal() else None
    if many == 0:
        raise ConfigError("--calibration 0: scales cannot be found without images; name a folder, or 100 or more")
    with tempfile.TemporaryDirectory() as folder:
        splits = None if options["images"] and (many is None or not options["int8"]) else _dataset(place, options)
        if options["images"]:
            shown, what = read_folder(options["images"]), f"images of {printable(options['images'])}"
        elif splits is not None:
            shown, what = unique_images(splits.tests), f"test images of {printable(splits.name)}"
        else:
            shown, what = _drawn(Path(folder) / "test", embedder, seed=1), "drawn images"
        chosen = sample(shown, PROBES + GALLERY)
        taught, where = chosen.select(slice(0, 0)), "none"
        if options["int8"]:
            taught, where = _calibration(count, many, splits, Path(folder), embedder)
        labelled = len(set(chosen.identities[chosen.identities != JUNK].tolist())) > 1
        told = f"{len(chosen):,} {what}" if len(chosen) == len(shown) else f"{len(chosen):,} of {len(shown):,} {what}"
        yield Found(Images(chosen, labelled, taught), told, where)


def _calibration(
    given: str, many: int | None, splits: Splits | None, folder: Path, embedder: Embedder
) -> tuple[Records, str]:
    """The images from which integers get their scale, and in words which they are."""
    if many is None:
        records = read_folder(Path(given))
        return records, f"{len(records):,} images of {printable(given)}"
    if splits is None:
        records, what = _drawn(folder / "train", embedder, seed=0), "drawn images"
    else:
        records, what = splits.train, f"training images of {printable(splits.name)}"
    records = sample(records, many)
    return records, f"{len(records):,} {what}"


def _dataset(place: Path, options: Mapping[str, Any]) -> Splits | None:
    """The dataset that a run was trained on; None where it is not there, unless the user said where it is."""
    if not (place / CONFIG).is_file():
        return None
    data = check(RunFolder(place).read_settings(), str(place / CONFIG)).data
    try:
        return read_dataset(data.dataset, options["root"] or data.root)
    except (MissingInputError, DataError, ConfigError):
        if options["root"]:
            raise
        return None


def _drawn(folder: Path, embedder: Embedder, seed: int) -> Records:
    kind = "person" if embedder.description.kind == "person" else "vehicle"
    draw_dataset(
        folder, layout="folder", kind=kind, identities=_DRAWN, images_per_identity=_EACH, seed=seed, processes=1
    )
    return read_folder(folder)


def _told(done: Done, found: Found, place: Path, out: Path) -> dict[str, Any]:
    about = done.about
    return {
        "path": str(out),
        "bytes": done.size,
        "run": str(place.resolve()),
        "precision": about.precision,
        "normalise": about.normalise,
        "fingerprint": about.fingerprint,
        "weights": about.weights,
        "input": {"name": "images", "shape": ["batch", 3, *about.description.image_size], "range": about.input_range},
        "output": {"name": "embeddings", "shape": ["batch", about.description.architecture.dimension]},
        "verification": found.verification,
        "calibration": found.calibration if about.precision == INT8 else None,
        "measured": asdict(done.compared),
    }


def _print(done: Done, found: Found, place: Path, out: Path) -> None:
    about, compared = done.about, done.compared
    architecture, (height, width) = about.description.architecture, about.description.image_size
    click.echo(f"model: {printable(place.resolve())} ({printable(architecture.backbone)})")
    click.echo(
        f"input: images, (batch, 3, {height}, {width}) float32, RGB, {about.input_range}\n"
        f"output: embeddings, (batch, {architecture.dimension}) float32, unit length"
    )
    if about.precision == INT8:
        click.echo(f"scales of integers from {found.calibration}")
    click.echo(
        f"against the run's model, on {compared.noise} pictures of noise and {found.verification}:\n"
        f"  cosine of the two vectors of an image: {compared.mean_cosine:.7f} on average, "
        f"{compared.least_cosine:.7f} at least, {compared.noise_cosine:.7f} for noise\n"
        f"  numbers of vectors differ by {compared.largest_difference:.1e} at most\n"
        f"  the same first ten hits in the same order: {compared.same_order} of {compared.queries} queries "
        f"in a gallery of {compared.gallery:,}"
    )
    if compared.rank1 is not None:
        before, after = compared.rank1
        click.echo(
            f"  Rank-1, every image against all others: {100 * before:.2f} % by the run's model, "
            f"{100 * after:.2f} % by the file ({100 * (after - before):+.2f} points)"
        )
    mixing = "its own: do not mix its vectors with the run's" if about.precision == INT8 else "the run's"
    click.echo(f"fingerprint: {about.fingerprint[:12]}, {mixing}\n{printable(out)}: {files.megabytes(done.size)}")
