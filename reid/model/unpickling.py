"""What a process of its own does with a torch file of others: read its tensors, and nothing but these.

It is run as a script, `python -I unpickling.py`, so that it knows nothing of this package and starts as fast as torch does.
Whatever becomes of it - a pickle can be made to take all time and all memory, or to end the process that reads it - the
process that asked lives on. See `reid.model.torch_files` for that side.
"""

import json
import resource
import sys
import zipfile
from collections import OrderedDict
from typing import Any, Self

REFUSED = 3
"""Exit code of a process that wrote the reason, a JSON object, in the place of tensors."""
NAMES = "names"
MEMORY, CONTENT = "memory", "content"
"""Kinds of reasons; others are the names of exceptions."""
_ZIP = b"PK\x03\x04"
_NESTS = ("state_dict", "model")
_OBJECTS = (
    "argparse.Namespace",
    "datetime.datetime",
    "numpy._core.multiarray._reconstruct",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy.dtype",
    "numpy.ndarray",
    "pathlib.Path",
    "pathlib.PosixPath",
    "pathlib.PurePosixPath",
    "pathlib.WindowsPath",
)
_MAPPINGS = ("addict.addict.Dict", "easydict.EasyDict", "yacs.config.CfgNode")


class PassedOver:
    """Stands for what others keep beside their weights, such as scores and options; nothing of theirs is called."""

    def __new__(cls, *_arguments: object) -> Self:
        """One, whatever it would have been made of."""
        return object.__new__(cls)

    def __init__(self, *_arguments: object) -> None:
        """Nothing is kept."""

    def __setstate__(self, _state: object) -> None:
        """Nothing is kept."""


class NoWeights(Exception):  # noqa: N818  as errors of this package are not, for it is no more than a word
    """A file was read, and holds something else."""


def tensors_of(path: str) -> dict[str, Any]:
    """The tensors of a torch file by name, those of its "state_dict" or "model" where it has such.

    Raises:
        NoWeights: it holds something else.
        Exception: whatever torch raises over what it cannot read.
    """
    import torch

    with open(path, "rb") as file:  # noqa: PTH123  a path as the system has it
        zipped = file.read(4) == _ZIP
    if zipped:
        _check(path)
    allowed: list[Any] = [(PassedOver, name) for name in _OBJECTS] + [(OrderedDict, name) for name in _MAPPINGS]
    with torch.serialization.safe_globals(allowed):
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    for key in _NESTS:
        state = state[key] if isinstance(state, dict) and isinstance(state.get(key), dict) else state
    if not isinstance(state, dict) or not state:
        raise NoWeights(f"it holds {_kind(state)}")
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise NoWeights(f"{name!r:.60} is {_kind(value)}")
        if value.layout is not torch.strided or value.is_quantized or value.device.type != "cpu":
            raise NoWeights(f"{name!r:.60} is sparse, quantised, or of a shape alone")
    return state


def answer(path: str) -> tuple[int, bytes]:
    """An exit code and what goes with it.

    Args:
        path: of the file.

    Returns:
        0 and the tensors in it as safetensors, with numbers for names, which are in its metadata under `NAMES`; or `REFUSED`
        and the reason as JSON.
    """
    import torch
    from safetensors.torch import save

    try:
        found = tensors_of(path)
        # A file may have several names for one tensor, and any name; the other format knows neither, and no order.
        tensors = {
            str(place): tensor.detach().clone(memory_format=torch.contiguous_format)
            for place, tensor in enumerate(found.values())
        }
        return 0, save(tensors, metadata={NAMES: json.dumps(list(found))})
    except BaseException as error:  # noqa: BLE001  whatever may happen here is for the other side to tell
        return REFUSED, json.dumps({"kind": _reason(error), "text": str(error)[:5000]}).encode()


def main(path: str, memory: int, seconds: int) -> int:
    """Write the answer to standard output, within limits; returns the exit code.

    Args:
        path: of the file.
        memory: bytes that reading it may take.
        seconds: of computing that it may take.
    """
    import safetensors.torch  # noqa: F401  libraries take much address space, which does not count
    import torch  # noqa: F401

    _limit(memory, seconds)
    code, content = answer(path)
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
    return code


def _reason(error: BaseException) -> str:
    if isinstance(error, MemoryError) or "allocate memory" in str(error):
        return MEMORY
    return CONTENT if isinstance(error, NoWeights) else type(error).__name__


def _check(path: str) -> None:
    """Sums of the parts of an archive, which torch does not compare, and that none is compressed, for it maps them."""
    with zipfile.ZipFile(path) as archive:
        packed = [entry.filename for entry in archive.infolist() if entry.compress_type != zipfile.ZIP_STORED]
        if packed:
            raise zipfile.BadZipFile(f"{packed[0]:.60} is compressed, which torch does not do")
        broken = archive.testzip()
        if broken is not None:
            raise zipfile.BadZipFile(f"{broken:.60} differs from its checksum")


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return f"a mapping of {', '.join(map(repr, list(value)[:5]))}"[:200] if value else "an empty mapping"
    return f"a value of type {type(value).__name__}"


def _limit(memory: int, seconds: int) -> None:
    """Sets the limits of this process; the address space that it takes already does not count."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        taken = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for kind, value in ((resource.RLIMIT_AS, taken + memory), (resource.RLIMIT_CPU, seconds)):
        allowed = resource.getrlimit(kind)[1]
        least = value if allowed == resource.RLIM_INFINITY else min(value, allowed)
        resource.setrlimit(kind, (least, allowed))  # at the lower limit of time comes a signal that tells what it is


if __name__ == "__main__":
    sys.path += [place for place in json.loads(sys.argv[4]) if place not in sys.path]
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
