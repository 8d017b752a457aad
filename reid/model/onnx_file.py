"""A model in an ONNX file, which describes and checks itself as a file of weights does.

Behind the model itself stand two entries of ONNX metadata, so that any reader of ONNX takes the whole for what it is:
`reid`, a JSON object that says what the model is and what its input must look like, and `reid.sha256`, the place of that
object in the file and the sha256 of everything before it. Both are read, and the file is proved unchanged, before any
parser of ONNX sees a byte of it. A tool that rewrites the file breaks the seal, as it should: what it made was not verified.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reid import files
from reid.errors import ArtefactError, MissingInputError
from reid.model.store import Description, describe
from reid.text import printable

FORMAT = 1
SUFFIX = ".onnx"
KEY, SEAL = "reid", "reid.sha256"
INSIDE, OUTSIDE = NORMALISE = ("inside", "outside")
"""Where pixels lose their mean and are divided by their deviation: in the file, or before it."""
FLOAT32, INT8 = "float32", "int8"
LARGEST = 2**31 - 1
"""Bytes of the largest file that readers of ONNX take."""
_METADATA, _NAME, _VALUE = b"\x72", b"\x0a", b"\x12"  # of ModelProto and StringStringEntryProto, with the wire type
_DIGITS = 20


@dataclass(frozen=True)
class Exported:
    """What an ONNX file says of itself.

    Attributes:
        description: what the model is and how images are prepared for it.
        fingerprint: of what it computes; that of the run's model where the vectors are the same.
        weights: fingerprint of the model that was exported.
        normalise: a word of `NORMALISE`.
        precision: "float32" or "int8".
        version: of this toolkit, when it was written.
        measured: how it compared with the model that was exported.
        calibration: what its scores mean, see `reid.evaluation.calibration`; None where that is not known.
    """

    description: Description
    fingerprint: str
    weights: str
    normalise: str
    precision: str
    version: str
    measured: dict[str, Any] = dataclasses.field(default_factory=dict)
    calibration: dict[str, Any] | None = None

    @property
    def input_range(self) -> str:
        """What the numbers of the input are, in words."""
        if self.normalise == INSIDE:
            return "0..255"
        mean, deviation = self.description.architecture.mean, self.description.architecture.deviation
        return f"(pixel / 255 - {list(mean)}) / {list(deviation)}"


def pack(model: bytes, about: Exported) -> bytes:
    """The content of a file of ours.

    Args:
        model: a serialised ONNX model.
        about: what it is.

    Raises:
        ArtefactError: it would be larger than readers of ONNX take.
    """
    told = {**dataclasses.asdict(about), **dataclasses.asdict(about.description)}
    del told["description"]
    told |= {
        "format": FORMAT,
        "input": "float32 (batch, 3, height, width)",
        "colours": "RGB",
        "range": about.input_range,
    }
    text = json.dumps(told, sort_keys=True).encode()
    described = model + _entry(KEY, text)
    place = f"{len(described) - len(text):0{_DIGITS}d} "
    sealed = described + _entry(SEAL, f"{place}{64 * '0'}".encode())[:-64]
    if len(sealed) + 64 > LARGEST:
        raise ArtefactError(
            f"the model takes {files.megabytes(len(sealed))} as ONNX, and readers of ONNX take no more than "
            f"{files.megabytes(LARGEST)}; deploy its run folder instead"
        )
    return sealed + hashlib.sha256(sealed).hexdigest().encode()


def unpack(content: bytes, path: Path) -> Exported:
    """What the content of a file says of itself, once it is proved to be what was written.

    Args:
        content: of the file.
        path: for messages.

    Raises:
        ArtefactError: not a file of this toolkit, altered since it was written, or of a newer version.
    """
    end = len(content) - len(_entry(SEAL, bytes(_DIGITS + 65)))
    if end < 0 or not content[end:].startswith(_entry(SEAL, bytes(_DIGITS + 65))[: -_DIGITS - 65]):
        raise ArtefactError(
            f"{printable(path)} was not written by reid-export, or its end is missing or damaged; "
            "export the run again: reid-export --run RUN --out FILE"
        )
    if hashlib.sha256(content[:-64]).hexdigest().encode() != content[-64:]:
        raise ArtefactError(
            f"{printable(path)} was changed or damaged since it was written: its own sha256 differs; export the run again"
        )
    about = json.loads(content[int(content[-_DIGITS - 65 : -65]) : end])
    if about["format"] > FORMAT:
        raise ArtefactError(
            f"{printable(path)} has format {about['format']}, newer than this version reads ({FORMAT}); update reid-toolkit"
        )
    names = [field.name for field in dataclasses.fields(Exported) if field.name != "description"]
    try:
        return Exported(description=describe(about), **{name: about[name] for name in names})
    except (KeyError, TypeError) as error:
        raise ArtefactError(
            f"{printable(path)} says of itself what this version does not understand ({printable(error)[:100]}); "
            f"install reid-toolkit {about.get('version')}, which wrote it"
        ) from error


def read(path: Path) -> tuple[bytes, Exported]:
    """The content of a file, proved unchanged, and what it says of itself.

    Raises:
        MissingInputError: there is no such file.
        ArtefactError: as `unpack`, or it cannot be read.
    """
    if not path.is_file():
        raise MissingInputError(
            f"there is no model {printable(path)}; make one with reid-export, or name a run with --run"
        )
    content = files.read_bytes(path)
    return content, unpack(content, path)


def _entry(key: str, value: bytes) -> bytes:
    """An entry of the metadata of an ONNX model, serialised; more of them may follow a serialised model."""
    entry = _NAME + _length(len(key)) + key.encode() + _VALUE + _length(len(value)) + value
    return _METADATA + _length(len(entry)) + entry


def _length(number: int) -> bytes:
    """A number as protocol buffers write it: seven bits a byte, the lowest first."""
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])
