"""The folder of a run: what is in it, and how it is written and read."""

import contextlib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from reid import files
from reid.errors import ArtefactError, MissingInputError, OutputError
from reid.strict_yaml import parse_yaml, to_yaml
from reid.text import printable
from reid.train import run_log, state_file
from reid.train.division import Division

CALIBRATION = "calibration.json"  # of `reid.evaluation.calibration`, whose import takes a second
CONFIG = "config.yaml"
DIVISIONS = "divisions"
LATEST = "latest"
LOCK = "run.lock"
LOG = "log.jsonl"


@dataclass(frozen=True)
class RunFolder:
    """One run on disk.

    Attributes:
        path: the folder, with `config.yaml`, `model.safetensors`, `model.json`, `last.ckpt`, `previous.ckpt`,
            `log.jsonl`, `divisions/`, `calibration.json`, `report.json` and `report/`, and `run.lock` while it is trained.
        clock: gives the times in the log.
    """

    path: Path
    clock: run_log.Clock = field(default_factory=run_log.Clock, repr=False, compare=False)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training this run while the block runs; reading it needs no lock.

        What killed processes left half-written is removed first.

        Raises:
            InUseError: another process is training it; the message names it.
            OutputError: nothing may be written there.
        """
        with files.locked(self.path / LOCK, f"the run {printable(self.path)}"):
            for folder in (self.path, self.path / DIVISIONS):
                files.sweep(folder)
            yield

    def write_settings(self, settings: Mapping[str, Any]) -> None:
        """Write the complete settings, from which the run can be repeated."""
        files.write_signed_text(self.path / CONFIG, to_yaml(dict(settings)))

    def read_settings(self) -> dict[str, Any]:
        """The complete settings of the run.

        Raises:
            MissingInputError: not the folder of a run.
            ArtefactError: they were changed since.
        """
        path = self.path / CONFIG
        if not path.is_file():
            raise MissingInputError(f"{printable(self.path)} is not the folder of a run: it has no {CONFIG}")
        settings: dict[str, Any] = parse_yaml(files.read_signed_text(path), str(path))
        return settings

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Make `state` the newest one, and keep the one before; see `reid.train.state_file.write_state`."""
        state_file.write_state(self.path, state)

    def has_state(self) -> bool:
        """Whether there is a state to go on from."""
        return state_file.has_state(self.path)

    def read_state(self) -> state_file.StoredState:
        """The newest state that is whole, and a note where a newer one is damaged.

        Raises:
            MissingInputError: the run has none.
            ArtefactError: all are damaged, or the newest was written by a newer version.
        """
        return state_file.read_state(self.path)

    def forget(self) -> None:
        """Remove states, log, divisions and calibration, so that another run can begin in the folder without going on from them."""
        state_file.remove_states(self.path)
        for path in (self.path / LOG, self.path / CALIBRATION, *(self.path / DIVISIONS).glob("epoch-*.npz")):
            path.unlink(missing_ok=True)

    def write_division(self, epoch: int, division: Division) -> None:
        """Write the cluster of every training image of one round."""
        files.make_folder(self.path / DIVISIONS)
        content = io.BytesIO()
        np.savez_compressed(content, clusters=division.clusters, sizes=division.sizes())
        files.write_bytes(self._division(epoch), content.getvalue())

    def read_division(self, epoch: int) -> Division:
        """The clusters of one round, and how many learners there were; every byte is checked.

        Raises:
            MissingInputError: there was no round in that epoch.
            ArtefactError: the file is damaged.
        """
        path = self._division(epoch)
        content = io.BytesIO(files.read_bytes(path))
        try:
            with np.load(content) as arrays:
                division = Division(arrays["clusters"], len(arrays["sizes"]))
                counted = division.sizes().tolist() == arrays["sizes"].tolist()
        except Exception as error:  # the readers of zip files and arrays raise what they like
            raise ArtefactError(f"{printable(path)} is corrupt ({printable(error)[:120]})") from error
        if not counted:
            raise ArtefactError(f"{printable(path)} is corrupt: the sizes are not those of the clusters")
        return division

    def log(self, event: Mapping[str, object]) -> None:
        """Append one line to the log, with the time; what is logged never stops a run."""
        run_log.append(self.path / LOG, event, self.clock.now())

    def log_length(self) -> int:
        """Bytes of the log so far, to be kept in a state."""
        return run_log.length(self.path / LOG)

    def truncate_log(self, length: int) -> None:
        """Drop what was logged after the state that holds `length`; a shorter log, or none, stays as it is."""
        run_log.truncate(self.path / LOG, length)

    def _division(self, epoch: int) -> Path:
        return self.path / DIVISIONS / f"epoch-{epoch:04d}.npz"


def create_run(parent: Path, stem: str) -> RunFolder:
    """A new folder `<stem>-<number>` below `parent`, with the next free number, named by `latest` from now on.

    Raises:
        OutputError: it cannot be created.
    """
    taken = [int(m[1]) for p in parent.glob(f"{stem}-*") if (m := re.fullmatch(re.escape(stem) + r"-(\d+)", p.name))]
    number = max(taken, default=0) + 1
    while True:
        path = parent / f"{stem}-{number}"
        try:
            path.mkdir(parents=True)
        except FileExistsError:  # another run took the number this moment
            number += 1
        except OSError as error:
            raise OutputError(
                f"cannot create {printable(path)}: {error.strerror}; choose another place with --out"
            ) from error
        else:
            name_latest(parent, path)
            return RunFolder(path)


def open_run(path: Path) -> RunFolder:
    """The run in a folder; where links are not to be had, `latest` is a file with the folder's name.

    Raises:
        MissingInputError: there is no such folder.
    """
    if path.is_file() and path.name == LATEST:
        path = path.parent / path.read_text(encoding="utf-8").strip()
    if not path.is_dir():
        raise MissingInputError(
            f"there is no run {printable(path)}; train one with reid-train, or name another with --run"
        )
    return RunFolder(path)


def prepare_out(path: Path, *, force: bool = False) -> RunFolder:
    """A run in a folder of the user's choice, which must be empty or new; what it holds otherwise stays for now.

    Raises:
        OutputError: it holds files and `force` is false, or cannot be created.
        InUseError: another process is training the run in it.
    """
    if path.is_dir() and any(inside.name != LOCK for inside in path.iterdir()) and not force:
        raise OutputError(
            f"{printable(path)} is not empty; pass --resume to go on with the run in it, or choose another --out"
        )
    run = RunFolder(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with run.locked():  # which writes a file there
            pass
    except (OSError, ArtefactError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise OutputError(f"cannot write into {printable(path)}: {reason}; choose another place with --out") from error
    return run


def name_latest(parent: Path, path: Path) -> None:
    """Let `latest` in the folder `parent` name a run, wherever that is.

    Raises:
        OutputError: it cannot be written.
    """
    files.make_folder(parent)
    target = path.name if path.resolve().parent == parent.resolve() else str(path.resolve())
    link, temporary = parent / LATEST, parent / f".{LATEST}-{path.name}"
    try:
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(target, target_is_directory=True)
        temporary.replace(link)
    except OSError:  # no links here: a file with the name
        temporary.unlink(missing_ok=True)
        files.write_text(link, target + "\n")
