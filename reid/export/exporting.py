"""A trained model into a file, verified before it is written."""

import dataclasses
import hashlib
import importlib.metadata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reid import files
from reid.data.images import read_image
from reid.embed import TorchModel, transform
from reid.embed.onnx import OnnxModel, as_input, open_model
from reid.embed.reading import Floats
from reid.errors import ConfigError, OutputError
from reid.evaluation.calibration import load_calibration
from reid.export.quantising import to_int8
from reid.export.tracing import OPSET, check_opset, require_libraries, to_onnx
from reid.export.verifying import Comparison, compare
from reid.model.onnx_file import FLOAT32, INSIDE, INT8, NORMALISE, SUFFIX, Exported, pack
from reid.records import Records
from reid.text import printable

_CALIBRATION_BATCH = 32


@dataclass(frozen=True)
class Form:
    """What kind of file a model becomes.

    Attributes:
        normalise: "inside": the file takes pixels in 0..255; "outside": what reads it has normalised them.
        int8: whether it multiplies in 8-bit integers instead of float32.
        opset: version of ONNX's operators.

    Raises:
        ConfigError: there is no such rule or opset.
    """

    normalise: str = INSIDE
    int8: bool = False
    opset: int = OPSET

    def __post_init__(self) -> None:
        check_opset(self.opset)
        if self.normalise not in NORMALISE:
            raise ConfigError(f"normalise must be {' or '.join(NORMALISE)}, got {printable(self.normalise)!r}")


@dataclass(frozen=True)
class Images:
    """What an exported model is tried with.

    Attributes:
        verification: images that the original and the exported model are compared on.
        labelled: whether their identities mean anything.
        calibration: images from which integers get their scale; used for int8 only, best of the training set.
    """

    verification: Records
    labelled: bool
    calibration: Records


@dataclass(frozen=True)
class Done:
    """An export that was written.

    Attributes:
        about: what the file says of itself.
        size: of the file in bytes.
        compared: the file and the model that it was made from.
    """

    about: Exported
    size: int
    compared: Comparison


def export_model(
    model: TorchModel,
    out: Path,
    images: Images,
    form: Form = Form(),
    *,
    run: Path | None = None,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Done:
    """Write a trained model as ONNX, if it gives the same vectors: to 1e-5 in float32, with the loss measured in int8.

    A float32 file has the fingerprint of the model, and its vectors may be mixed with the model's. An int8 file has one
    of its own.

    Args:
        model: as it was trained.
        out: the file, whose name ends in ".onnx".
        images: what it is verified with.
        form: what kind of file.
        run: where the model came from; what its scores mean is taken over from there.
        workers: loader processes; None chooses by the number of cores.
        progress: called with the number of images of each finished batch.

    Raises:
        ConfigError: the libraries for it are not installed.
        OutputError: nothing can be written there.
        ArtefactError: the network cannot be expressed, or the exported one gives other vectors; nothing was written.
        DataError: an image cannot be read.
    """
    require_libraries()
    check_place(out)
    about = Exported(
        description=model.description,
        fingerprint=model.fingerprint,
        weights=model.fingerprint,
        normalise=form.normalise,
        precision=FLOAT32,
        version=importlib.metadata.version("reid-toolkit"),
    )
    content = to_onnx(model.network, model.description.image_size, normalise=form.normalise, opset=form.opset)
    if form.int8:
        content = to_int8(content, _inputs(images.calibration, about))
        # The scores of rounded vectors are others, and so are those of any other set of images for their scales.
        about = dataclasses.replace(about, precision=INT8, fingerprint=hashlib.sha256(content).hexdigest())
    else:
        calibration = None if run is None else load_calibration(run, model.fingerprint)
        about = dataclasses.replace(about, calibration=None if calibration is None else calibration.to_dict())
    opened = _opened(content, about, out)
    compared = compare(model, opened, images.verification, labelled=images.labelled, workers=workers, progress=progress)
    if not form.int8:
        compared.require_equal()
    about = dataclasses.replace(about, measured=dataclasses.asdict(compared))
    packed = pack(content, about)
    files.write_bytes(out, packed)
    return Done(about, len(packed), compared)


def check_place(out: Path) -> None:
    """Refuse a name that is not an ONNX file's, or in no folder, before the work is done.

    Raises:
        OutputError: it is.
    """
    if out.suffix.lower() != SUFFIX:
        raise OutputError(f"--out {printable(out)}: an exported model is known by its ending; name a file ...{SUFFIX}")
    if out.is_dir() or not out.parent.is_dir():
        raise OutputError(f"--out {printable(out)}: name a file in a folder that exists")


def _opened(content: bytes, about: Exported, out: Path) -> OnnxModel:
    """The model as it will be read back."""
    return open_model(pack(content, about), about, out, device="cpu")


def _inputs(records: Records, about: Exported) -> Iterator[Floats]:
    """Pictures of images as the file takes them, in batches."""
    prepare, paths = transform(about.description), records.files()
    for start in range(0, len(paths), _CALIBRATION_BATCH):
        batch = [prepare(read_image(path)) for path in paths[start : start + _CALIBRATION_BATCH]]
        yield as_input(np.stack(batch), about)
