"""The folder of a run: what is in it, and how it is written and read."""

import io
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reid import files
from reid.errors import ArtefactError, MissingInputError, OutputError
from reid.strict_yaml import parse_yaml, to_yaml
from reid.text import printable
from reid.train.division import Division

CONFIG = "config.yaml"
CHECKPOINT = "last.ckpt"
LOG = "log.jsonl"
LATEST = "latest"


@dataclass(frozen=True)
class RunFolder:
    """One run on disk.

    Attributes:
        path: the folder, with `config.yaml`, `model.safetensors`, `model.json`, `last.ckpt`, `log.jsonl`,
            `divisions/`, `report.json` and `report/`.
    """

    path: Path

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
        """Replace the checkpoint by `state`: tensors, numbers, texts, and lists and dicts of them."""
        import torch

        content = io.BytesIO()
        torch.save(dict(state), content)
        files.write_sealed(self.path / CHECKPOINT, content.getvalue())

    def has_state(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return (self.path / CHECKPOINT).is_file()

    def read_state(self) -> dict[str, Any]:
        """The state of the checkpoint.

        Raises:
            MissingInputError: the run has none.
            ArtefactError: it is damaged.
        """
        path = self.path / CHECKPOINT
        if not self.has_state():
            raise MissingInputError(
                f"{printable(self.path)} has no checkpoint to resume from; start the run again without --resume"
            )
        import torch

        state: dict[str, Any] = torch.load(io.BytesIO(files.read_sealed(path)), map_location="cpu", weights_only=True)
        return state

    def write_division(self, epoch: int, division: Division) -> None:
        """Write the cluster of every training image of one round."""
        folder = self.path / "divisions"
        folder.mkdir(exist_ok=True)
        content = io.BytesIO()
        np.savez_compressed(content, clusters=division.clusters, sizes=division.sizes())
        files.write_bytes(folder / f"epoch-{epoch:04d}.npz", content.getvalue())

    def log(self, event: Mapping[str, object]) -> None:
        """Append one line to the log; what is logged never stops a run."""
        line = json.dumps({"time": round(time.time(), 3), **json.loads(files.to_json(event, indent=None))})
        try:
            with (self.path / LOG).open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError:
            return


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
    """A run in a folder of the user's choice, which must be empty or new.

    Raises:
        OutputError: it holds files and `force` is false, or cannot be created.
    """
    if path.is_dir() and any(path.iterdir()) and not force:
        raise OutputError(
            f"{printable(path)} is not empty; pass --resume to go on with the run in it, or choose another --out"
        )
    try:
        path.mkdir(parents=True, exist_ok=True)
        files.write_bytes(path / CHECKPOINT, b"")
        (path / CHECKPOINT).unlink()
    except (OSError, ArtefactError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise OutputError(f"cannot write into {printable(path)}: {reason}; choose another place with --out") from error
    return RunFolder(path)


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
