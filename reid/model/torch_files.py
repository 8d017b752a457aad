"""Torch files of others, read in a process of their own, so that nothing in them can harm the one that asks.

Such a file is a pickle, which is a program. `weights_only` lets torch run no function but those that build tensors, and yet
a file can be made that takes all memory, never ends, or ends the process that reads it. All of that happens elsewhere,
and what comes back are numbers in another format. Linux only: limits are set as it has them.
"""

import errno
import json
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from torch import Tensor

from reid import files
from reid.errors import ArtefactError
from reid.model import unpickling
from reid.text import printable

_PATIENCE = 300
"""Seconds for any file; starting takes a few of them, and many on a busy machine."""
_SLOWEST = 10 * 2**20
"""Bytes a second that come even from a slow disk."""
_LEAST, _COPIES = 2**30, 6
_ATTACKS = {"builtins", "ctypes", "importlib", "nt", "os", "posix", "runpy", "shutil", "socket", "subprocess", "sys"}
_GLOBAL = re.compile(r"GLOBAL (\S+) (?:was not an allowed|whose module)")
_RECIPE = "torch.save(torch.load('IN.pth', weights_only=False)['state_dict'], 'OUT.pth')"
_KEPT = ("LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH", "TMPDIR")
_SET = {
    "CUDA_VISIBLE_DEVICES": "",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "TORCH_DEVICE_BACKEND_AUTOLOAD": "0",  # else other packages' code would run
}


def read_tensors(path: Path, *, seconds: float | None = None, memory: int | None = None) -> dict[str, Tensor]:
    """The tensors of a torch file, those of its "state_dict" or "model" where it has such; nothing in it is executed.

    Args:
        path: of the file.
        seconds: that it may take; None is five minutes and a second for every 10 MB.
        memory: bytes that it may take; None is 1 GB and six times the file.

    Raises:
        MissingInputError: there is no such file.
        ArtefactError: it cannot be read, holds something else than tensors, or took more time or memory than it may.
    """
    size = _size(path)
    seconds = _PATIENCE + size / _SLOWEST if seconds is None else seconds
    memory = _LEAST + _COPIES * size if memory is None else memory
    with tempfile.TemporaryFile() as sink:  # it has no name, and so is gone whatever happens
        code = _run(path, sink.fileno(), seconds, memory)
        sink.seek(0)
        content = sink.read()
    if code == unpickling.REFUSED:
        raise ArtefactError(_told(path, json.loads(content), memory))
    if code:
        raise ArtefactError(_ended(path, code, seconds))
    from safetensors.torch import load

    tensors, header = load(content), json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    names = json.loads(header["__metadata__"][unpickling.NAMES])
    return {name: tensors[str(place)] for place, name in enumerate(names)}


def _size(path: Path) -> int:
    with files.reading(path):
        # A pipe would be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            about = os.fstat(descriptor)
            if stat.S_ISDIR(about.st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        finally:
            os.close(descriptor)
    if not stat.S_ISREG(about.st_mode):
        raise ArtefactError(f"{printable(path)} is not a readable file of weights (it is no ordinary file)")
    return about.st_size


def _run(path: Path, sink: int, seconds: float, memory: int) -> int:
    """The exit code of the process, negative for a signal; SIGXCPU where it took too long."""
    environment = {name: value for name, value in os.environ.items() if name in _KEPT}
    places = json.dumps([place for place in sys.path if os.path.isabs(place)])  # noqa: PTH117  no Path of any text
    # -I: neither the folder it is started in nor any variable decides what is imported.
    command = [sys.executable, "-I", "-W", "ignore", unpickling.__file__]
    try:
        done = subprocess.run(
            [*command, path.absolute(), str(memory), str(round(seconds) + 1), places],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.DEVNULL,
            env=environment | _SET,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -signal.SIGXCPU
    except OSError as error:
        raise ArtefactError(
            f"{printable(path)} was not read: no process could be started for it ({printable(error)[:100]})"
        ) from error
    return done.returncode


def _told(path: Path, reason: dict[str, Any], memory: int) -> str:
    """What to say of a file that was refused."""
    kind, text = reason["kind"], str(reason["text"])
    if kind == unpickling.MEMORY:
        return (
            f"{printable(path)} is not a readable file of weights: reading it takes more than "
            f"{files.megabytes(memory)} of memory, far more than it holds; get it again from where it is from"
        )
    if kind == unpickling.CONTENT:
        return (
            f"{printable(path)} holds something else than a mapping of names to tensors ({printable(text)[:200]}); "
            "take the mapping out of it: torch.save(torch.load('IN.pth')['KEY'], 'OUT.pth')"
        )
    found = _GLOBAL.search(text)
    if found is None:
        return f"{printable(path)} is not a readable file of weights ({printable(_plain(text) or kind)[:200]})"
    name = printable(found[1])[:100]
    if name.partition(".")[0] in _ATTACKS or "." not in name:
        return (
            f"{printable(path)} is not a readable file of weights: it asks for {name} to be called, as no file of weights "
            "does; nothing was run. Do not open it with other tools"
        )
    return (
        f"{printable(path)} is not a readable file of weights: beside tensors it holds {name}, and reading that would "
        f"run code of others; nothing was run. If you trust who made it, save the tensors alone, where {name} is "
        f"installed: {_RECIPE}"
    )


def _plain(text: str) -> str:
    """The one line of torch's message that says what was wrong."""
    text = text.partition("Check the documentation of torch.load")[0].partition("WeightsUnpickler error:")[2] or text
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if text.startswith("Weights only load failed") and lines else (lines or [""])[0]


def _ended(path: Path, code: int, seconds: float) -> str:
    """What to say of a file that ended the process that read it."""
    if code == -signal.SIGXCPU:
        reason = f"reading it takes longer than {seconds:.0f} s"
    elif code < 0:
        reason = f"it ended the process that read it ({signal.Signals(-code).name})"
    else:
        reason = f"the process that read it ended with exit code {code}"
    return f"{printable(path)} is not a readable file of weights: {reason}; get it again from where it is from"
