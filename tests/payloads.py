"""Files that are made to harm whoever reads them without care: code in pickles, and bombs."""

import functools
import io
import operator
import os
import pickle
import re
import subprocess
import tarfile
import timeit
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

DEEP, DOUBLINGS, HUGE = 1_000_000, 60, 8 * 10**9


class Calls:
    """Calls a function when it is unpickled without care."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.called = (function, arguments)

    def __reduce__(self) -> Any:
        return self.called


def payloads(marker: Path) -> dict[str, bytes]:
    """Pickles that make a file, by the ways that scanners of pickles look for."""
    command = f"touch {marker}"
    code = f"open({str(marker)!r}, 'w').close()"
    calls = {
        "a method": Calls(Path.touch, marker),
        "a command": Calls(os.system, command),
        "a process": Calls(subprocess.call, ["touch", str(marker)]),
        "code": Calls(exec, code),
        "an expression": Calls(eval, code),
        "a module": Calls(timeit.timeit, code, "pass", timeit.default_timer, 1),
        "a partial call": Calls(functools.partial(os.system, command)),
        "a getter": Calls(operator.methodcaller("touch"), marker),
        "a map": Calls(list, Calls(map, os.system, [command])),
    }
    found = {f"{name}, protocol {way}": pickle.dumps(call, way) for name, call in calls.items() for way in (0, 2, 4, 5)}
    text = command.encode()
    found["opcode INST"] = b"(S'" + text + b"'\nios\nsystem\n."
    found["opcode OBJ"] = b"(cos\nsystem\nS'" + text + b"'\no."
    found["opcode GLOBAL"] = b"cposix\nsystem\n(S'" + text + b"'\ntR."
    found["behind a good object"] = b"cos\nsystem\n(S'" + text + b"'\ntR0}."
    return found


def torch_payloads(marker: Path) -> dict[str, bytes]:
    """Contents of torch files, and of such as only torch reads, that make a file where nothing prevents it."""
    evil = Calls(os.system, f"touch {marker}")
    inner = b"cposix\nsystem\nX" + len(f"touch {marker}").to_bytes(4, "little") + f"touch {marker}".encode() + b"\x85R"
    hook = Calls(torch._utils._rebuild_parameter, torch.zeros(1), False, OrderedDict({0: evil}))
    return {
        "beside weights": _saved({"state_dict": {"weight": torch.zeros(2)}, "epoch": evil}),
        "an object that is a process": _saved({"weight": Calls(subprocess.Popen, ["touch", str(marker)])}),
        "a hook": _saved({"weight": hook}),
        "a loader": _saved({"weight": Calls(torch.load, str(marker))}),
        "old format": _saved({"weight": evil}, _use_new_zipfile_serialization=False),
        "oldest format": _tar(pickle.dumps(evil, 2)),
        "a name with dots": b"\x80\x02ctorch\nserialization.os.system\n" + inner[14:] + b".",
        "an identity that persists": b"\x80\x02" + inner + b"Q.",
        "a storage that persists": b"\x80\x02(X\x07\0\0\0storage" + inner + b"tQ.",
        "stacked names": b"\x80\x04\x8c\x05posix\x8c\x06system\x93X" + inner[15:] + b".",
    }


def bombs() -> dict[str, tuple[bytes, str]]:
    """Contents of torch files that take memory or time, or end a process, and what is to be said of them."""
    count = b"\x8a\x05" + (10**12).to_bytes(5, "little")
    lying = re.sub(rb"(?<=cpuq.)K\x02", lambda _: count, _pickle_of(torch.zeros(2)))
    hashed = b"K\x01s."
    return {
        "a tensor of one number": (_saved({"a": torch.zeros(1).expand(HUGE // 4)}), "takes more than .* of memory"),
        "a tensor beyond all memory": (
            _saved({"a": torch.zeros(1).expand(10**6, 10**6)}),
            "takes more than .* of memory",
        ),
        "bytes": (b"\x80\x02c__builtin__\nbytearray\n\x8a\x05" + HUGE.to_bytes(5, "little") + b"\x85R.", "memory|bare"),
        "a storage that claims more": (_archived(lying), "is not a readable file of weights"),
        "nested tuples": (
            _archived(b"\x80\x02})" + DEEP * b"\x85" + hashed),
            "ended the process that read it .SIGSEGV.",
        ),
        "doubled tuples": (_archived(b"\x80\x02})" + DOUBLINGS * b"q\0h\0\x86" + hashed), "takes longer than"),
        "nested lists": (_archived(b"\x80\x02]" + DEEP * b"]" + DEEP * b"a" + b"."), "holds something else"),
        "nothing but marks": (_archived(b"\x80\x02" + DEEP * b"("), "is not a readable file of weights"),
    }


def write_archive(path: Path, content: bytes) -> None:
    """A torch archive with a pickle of someone else's."""
    path.write_bytes(_archived(content))


def _archived(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(_saved({"weight": torch.zeros(2)}))) as given:
        entries = {name: given.read(name) for name in given.namelist()}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as given:
        for name, entry in entries.items():
            given.writestr(name, content if name.endswith("data.pkl") else entry)
    return made.getvalue()


def _pickle_of(tensor: torch.Tensor) -> bytes:
    with zipfile.ZipFile(io.BytesIO(_saved({"weight": tensor}))) as given:
        return next(given.read(name) for name in given.namelist() if name.endswith("data.pkl"))


def _saved(value: object, **options: bool) -> bytes:
    made = io.BytesIO()
    torch.save(value, made, **options)
    return made.getvalue()


def _tar(content: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return made.getvalue()
