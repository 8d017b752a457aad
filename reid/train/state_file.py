"""The state of a run on disk: complete, verified, and two of them, so that one is always there to go on from.

A state is written beside the others as `next.ckpt`; when it is complete, `last.ckpt` becomes `previous.ckpt` and it
becomes `last.ckpt`. Whenever the process is killed, and even where the last one was damaged, a whole state stands.
The same state makes the same bytes.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from reid import files
from reid.errors import ArtefactError, MissingInputError, TrainingDiverged
from reid.text import listed, printable

if TYPE_CHECKING:  # commands look for states before they import torch
    from torch import Tensor

FORMAT = 1
NEXT, LAST, PREVIOUS = "next.ckpt", "last.ckpt", "previous.ckpt"
_NEWEST_FIRST = (NEXT, LAST, PREVIOUS)
_MARGIN = 1_000_000  # bytes that names, numbers and the folder may take on the disk


def write_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Make `state` the newest one in `folder`: tensors, numbers, texts and None, in lists, tuples and dicts.

    Raises:
        TrainingDiverged: a tensor holds NaN or infinity; what was saved before stands.
        OutputError: nothing may be written there.
        ArtefactError: the disk is full or failed; what was saved before stands.
    """
    import torch

    plain = _plain(state, "state")
    tensors = dict(_tensors(plain, ""))
    if broken := _not_finite(tensors):
        raise TrainingDiverged(
            f"the state was not saved: NaN or infinity in {listed(broken, 5)}; go on from the one before with --resume, "
            "at a lower train.lr"
        )
    try:
        size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
        files.require_space(folder / LAST, size + _MARGIN)
        with files.sealing(folder / NEXT) as sink:
            torch.save({"format": FORMAT, "state": plain}, sink)  # type: ignore[arg-type]  # it writes and flushes only
        files.move_along(folder / NEXT, folder / LAST, folder / PREVIOUS)
    except ArtefactError as error:
        raise type(error)(f"the state of the run could not be saved: {error}") from error


class StoredState(NamedTuple):
    """A state that was read.

    Attributes:
        state: what was written, on the CPU.
        note: why it is not the newest that was written, a sentence for the user; None where it is.
    """

    state: dict[str, Any]
    note: str | None


def read_state(folder: Path) -> StoredState:
    """The newest state in `folder` that is whole.

    Raises:
        MissingInputError: there is none.
        ArtefactError: all are damaged, or the newest was written by a newer version.
    """
    failures: list[str] = []
    for path in (folder / name for name in _NEWEST_FIRST):
        try:
            content = _load(path)
        except MissingInputError:
            if path.exists():
                raise
            continue
        except ArtefactError as error:
            failures.append(str(error))
            continue
        if content["format"] > FORMAT:
            raise ArtefactError(
                f"{printable(path)} has format {content['format']}, newer than this version reads ({FORMAT}); "
                "update reid-toolkit"
            )
        note = f"{'; '.join(failures)}; going on from the state before it, {path.name}" if failures else None
        return StoredState(content["state"], note)
    if failures:
        raise ArtefactError("; ".join(failures))
    raise MissingInputError(
        f"{printable(folder)} has no checkpoint to resume from; start the run again without --resume"
    )


def has_state(folder: Path) -> bool:
    """Whether `folder` holds a state to go on from."""
    return any((folder / name).is_file() for name in _NEWEST_FIRST)


def remove_states(folder: Path) -> None:
    """Remove every state from `folder`."""
    for name in _NEWEST_FIRST:
        (folder / name).unlink(missing_ok=True)


def _load(path: Path) -> dict[str, Any]:
    import torch

    with files.unsealing(path) as file:
        try:
            content: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
            newer = content["format"] > FORMAT
            broken = [] if newer else _not_finite(dict(_tensors(content["state"], "")))
        except Exception as error:  # torch raises anything from RuntimeError to UnpicklingError
            raise ArtefactError(
                f"{printable(path)} does not hold the state of a run ({printable(error)[:120]})"
            ) from error
    if broken:
        raise ArtefactError(f"{printable(path)} holds NaN or infinity in {listed(broken, 5)}")
    return content


def _plain(value: object, where: str) -> Any:
    """A copy of anything but tensors' values in which equal texts are one object, as pickled bytes depend on that."""
    import torch

    if isinstance(value, torch.Tensor):
        tensor = value.detach()
        part = tensor.numel() * tensor.element_size() < tensor.untyped_storage().nbytes()
        return tensor.clone() if part else tensor  # of a part, the whole would be written
    if isinstance(value, Mapping):
        return {_plain(key, where): _plain(item, f"{where}.{key}") for key, item in value.items()}
    if type(value) in {list, tuple}:
        return type(value)(_plain(item, f"{where}[{place}]") for place, item in enumerate(value))  # type: ignore[call-arg, arg-type, var-annotated]
    if isinstance(value, np.generic):
        return value.item()
    if type(value) is str:
        return sys.intern(value)
    if value is None or type(value) in {bool, int, float}:
        return value
    raise TypeError(f"{where} is a {type(value).__name__}, which a state cannot hold: it could not be read again")


def _not_finite(tensors: "Mapping[str, Tensor]") -> list[str]:
    from reid.model.state import not_finite

    return not_finite(tensors)


def _tensors(value: object, where: str) -> "Iterator[tuple[str, Tensor]]":
    import torch

    if isinstance(value, torch.Tensor):
        yield where, value
    elif isinstance(value, (dict, list, tuple)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _tensors(item, f"{where}.{key}" if where else str(key))
