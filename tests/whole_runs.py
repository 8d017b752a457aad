"""Commands called as a user calls them, on tiny drawn datasets, and runs that are trained once for all tests."""

import contextlib
import functools
import io
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import pytest

from reid.cli import eval as evaluating
from reid.cli import train as training
from reid.data.synthetic import draw_dataset

IDENTITIES, EACH = 16, 6
SETTINGS = (
    "train.identities=3",
    "train.images_each=2",
    "train.precision=fp32",
    "data.image_size=16",
    "data.workers=0",
    "data.validation=0.3",
    "division.learners=2",
    "division.every=1",
    "division.conquer_from=1",
    "division.finetune_from=2",
)
"""Of runs that take a second."""
TINY = ("--config", "small", "--epochs", "3", *(word for setting in SETTINGS for word in ("--set", setting)))
"""The same as options of reid-train."""


@dataclass(frozen=True)
class Done:
    """What a command left: its exit code, standard output and standard error."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Trained:
    """A finished run.

    Attributes:
        folder: the working folder, with `data/<name>` and `runs/` in it.
        name: of the dataset.
        run: the run's folder.
        done: what reid-train left.
    """

    folder: Path
    name: str
    run: Path
    done: Done

    @property
    def data(self) -> Path:
        """The dataset's folder."""
        return self.folder / "data" / self.name

    def report(self) -> dict[str, Any]:
        """What the run's report.json says."""
        return json.loads((self.run / "report.json").read_text())


def call(main: Callable[[], object], folder: Path, *arguments: object) -> Done:
    """Call a command's entry point in a working folder."""
    cv2.setNumThreads(1)  # a test before may have let OpenCV start threads, which a new process starts without
    out, err, arguments = io.StringIO(), io.StringIO(), tuple(map(str, arguments))
    before, handler = sys.argv, signal.getsignal(signal.SIGTERM)
    try:
        sys.argv = ["command", *arguments]
        with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main()
            except SystemExit as ended:
                code = ended.code
    finally:
        sys.argv = before
        signal.signal(signal.SIGTERM, handler)
    assert isinstance(code, int)
    return Done(code, out.getvalue(), err.getvalue())


def train(folder: Path, *arguments: object, pictures: bool = False) -> Done:
    """reid-train; most tests need no pictures and no page, which take seconds."""
    return call(training.main, folder, *arguments, *(() if pictures else ("--no-report",)))


def evaluate(folder: Path, *arguments: object, pictures: bool = False) -> Done:
    """reid-eval; likewise no page, and no pictures but those of --compare and --embeddings."""
    with contextlib.nullcontext() if pictures else _no_pictures():
        return call(evaluating.main, folder, *arguments)


def _no_pictures() -> contextlib.AbstractContextManager[object]:
    return mock.patch("reid.cli.evaluation.write_report", return_value=[])


def trained(factory: pytest.TempPathFactory, name: str = "market1501") -> Trained:
    """A run of three epochs on a drawn set, trained once in a session; `name` is market1501 or vehicleid."""
    return _trained(factory.getbasetemp(), name)


@functools.cache
def _trained(base: Path, name: str) -> Trained:
    folder = base / f"trained-{name}"
    layout = {"market1501": "market", "vehicleid": "vehicleid"}[name]
    draw_dataset(
        folder / "data" / name, layout=layout, identities=IDENTITIES, images_per_identity=EACH, seed=3, processes=1
    )
    with _no_pictures():  # but those of the divisions
        done = train(folder, "--dataset", name, *TINY, pictures=True)
    assert done.code == 0, done.err
    return Trained(folder, name, folder / "runs" / f"{name}-small-1", done)
