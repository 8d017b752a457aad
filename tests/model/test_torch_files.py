"""Torch files of others: tensors come back from the process that reads them, and so does the reason where none do."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import payloads
import pytest
import torch
from weights_here import read_here

from reid.errors import ArtefactError, MissingInputError
from reid.model import torch_files
from reid.model.torch_files import read_tensors


def test_tensors_come_back_from_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of any type and shape, also two names of one tensor; what lies beside them is passed over. No file is left."""
    one = torch.randn(3, 2)
    state = {
        "one": one,
        "again": one,
        "turned": one.T,
        "half": torch.ones(2, dtype=torch.bfloat16),
        "n": torch.tensor(7),
    }
    beside = {"rank1": np.float32(0.9), "args": argparse.Namespace(lr=1.0), "epoch": 3}
    torch.save({"state_dict": state, **beside}, tmp_path / "weights.pth")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    found = read_tensors(tmp_path / "weights.pth")

    assert list(found) == list(state)
    assert {name: (tensor.dtype, tensor.tolist()) for name, tensor in found.items()} == {
        name: (tensor.dtype, tensor.tolist()) for name, tensor in state.items()
    }
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_file_may_end_the_process_that_reads_it(tmp_path: Path) -> None:
    """It is an error like any other here, and names the signal."""
    content, told = payloads.bombs()["nested tuples"]
    (tmp_path / "weights.pth").write_bytes(content)
    with pytest.raises(ArtefactError, match=r"weights\.pth is not a readable file of weights: it " + told):
        read_tensors(tmp_path / "weights.pth")


def _interpreter(folder: Path, script: str) -> str:
    """Something that is started in the place of the interpreter."""
    path = folder / "interpreter"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("exec sleep 60", "reading it takes longer than 0 s"),
        ("kill -XCPU $$", "reading it takes longer than 0 s"),
        ("kill -KILL $$", "it ended the process that read it (SIGKILL)"),
        ("exit 9", "the process that read it ended with exit code 9"),
    ],
)
def test_ends_of_every_kind_are_told(script: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that hangs is ended; none that ends in its own way is taken for one that read something."""
    path = tmp_path / "weights.pth"
    torch.save({"a": torch.zeros(1)}, path)
    monkeypatch.setattr(sys, "executable", _interpreter(tmp_path, script))
    with pytest.raises(ArtefactError) as caught:
        read_tensors(path, seconds=0.2)
    assert str(caught.value).startswith(f"{path} is not a readable file of weights: {told}; get it again")


def test_the_process_inherits_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable that would decide what is imported or run; folders of imports only by their full names."""
    path = tmp_path / "weights.pth"
    path.write_bytes(b"")
    monkeypatch.setattr(sys, "executable", _interpreter(tmp_path, f'(env; echo "$@") > {tmp_path}/seen; exit 9'))
    for name in ("PYTHONPATH", "PYTHONSTARTUP", "LD_PRELOAD_OF_OURS", "MASTER_PORT", "TORCH_LOGS"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setattr(sys, "path", ["", "here", "/there"])
    with pytest.raises(ArtefactError):
        read_tensors(path)
    lines = (tmp_path / "seen").read_text().splitlines()

    assert {line.partition("=")[0] for line in lines[:-1]} <= {
        *torch_files._KEPT,
        *torch_files._SET,
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
    }
    assert lines[-1].startswith("-I ")
    assert lines[-1].endswith(f'{path} {2**30} 301 ["/there"]')


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (
            lambda path: torch.save(torch.nn.Linear(2, 2), path),
            "beside tensors it holds torch.nn.modules.linear.Linear, and",
        ),
        (
            lambda path: payloads.write_archive(path, b"cos\nsystem\n."),
            "it asks for posix.system to be called|os.system",
        ),
        (lambda path: payloads.write_archive(path, b"c__builtin__\neval\n."), "it asks for eval to be called"),
        (lambda path: path.write_bytes(b"<!doctype html>"), r"\(Unsupported operand 60\)"),
        (lambda path: path.write_bytes(b""), r"\("),
        (
            lambda path: torch.save({"args": 1, "net": {}}, path),
            r"\('args' is a value of type int\); take the mapping out of it",
        ),
    ],
)
def test_reasons_are_one_line_that_says_what_to_do(
    write: Callable[[Path], object], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found and, where there is a way, how to have the tensors alone."""
    read_here(monkeypatch)
    path = tmp_path / "weights.pth"
    write(path)
    with pytest.raises(ArtefactError, match=told) as caught:
        read_tensors(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    """Missing files, folders and pipes are told before any process is started."""
    os.mkfifo(tmp_path / "pipe.pth")
    with pytest.raises(ArtefactError, match=r"pipe\.pth is not a readable file of weights \(it is no ordinary file\)"):
        read_tensors(tmp_path / "pipe.pth")
    for path in (tmp_path, tmp_path / "none.pth"):
        with pytest.raises(MissingInputError, match="cannot read"):
            read_tensors(path)


def test_without_an_interpreter_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback where no process can be started."""
    (tmp_path / "weights.pth").write_bytes(b"")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    with pytest.raises(ArtefactError, match=r"weights\.pth was not read: no process could be started for it"):
        read_tensors(tmp_path / "weights.pth")
