"""The curves of a run for TensorBoard, where that is installed (extra `tensorboard`).

The horizontal axis counts thousandths of an epoch: it is the same in runs with other batches, and a pure function of how
far a run has come, so that a resumed run goes on with the curves where its state was saved.
"""

import contextlib
import os
import platform
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from reid.errors import ReidError
from reid.files import make_folder
from reid.train.run_log import Clock

FOLDER = "tensorboard"
EVERY = 10
"""Steps from one point of the curves to the next."""
_PLACES = {"event", "epoch", "epochs", "step", "steps", "learner"}
_FIRST = "events.out.tfevents."


def tensorboard_log(run: Path) -> "TensorBoardLog | None":
    """A listener that writes the numbers in a run's events to `<run>/tensorboard/`; None where TensorBoard is missing."""
    try:
        import tensorboard.summary.writer.record_writer  # noqa: F401  a probe
    except ImportError:
        return None
    return TensorBoardLog(run / FOLDER)


class TensorBoardLog:
    """Writes every number in the events of a run as a curve: of every tenth step, and of all other events.

    A list of numbers is a curve each. Points that an interrupted run wrote beyond the state it is resumed from are
    hidden. What cannot be written is lost, and stops nothing.

    Args:
        folder: that the curves are kept in.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._clock = folder, Clock()
        self._path: Path | None = None

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Write what is in one event; one that does not say when in the run it happened is passed over."""
        if (now := _place(event)) is None:
            return
        with contextlib.suppress(OSError, ReidError):
            if self._path is None:
                self._path = self._begin(now)
            if event["event"] != "step" or event["step"] % EVERY == 0:
                curves = {f"{event['event']}/{name}": value for name, value in _numbers(event)}
                _append(self._path, [self._point(now, curves)] if curves else [])

    def _begin(self, now: int) -> Path:
        """A new file, later in the order of names than all that are there; points in those from `now` on are hidden."""
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        make_folder(self._folder)
        stamps = [int(path.name.removeprefix(_FIRST).split(".")[0]) for path in self._folder.glob(f"{_FIRST}[0-9]*")]
        stamp = max([int(self._clock.now()), *(stamp + 1 for stamp in stamps)])
        path = self._folder / f"{_FIRST}{stamp:010d}.{platform.node()}.{os.getpid()}"
        began = Event(step=now, wall_time=self._clock.now(), session_log=SessionLog(status=SessionLog.START))
        _append(path, [Event(wall_time=self._clock.now(), file_version="brain.Event:2"), began])
        return path

    def _point(self, now: int, curves: Mapping[str, float]) -> Any:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [Summary.Value(tag=name, simple_value=value) for name, value in curves.items()]
        return Event(step=now, wall_time=self._clock.now(), summary=Summary(value=values))


def _place(event: Mapping[str, Any]) -> int | None:
    """When in the run an event happened, in thousandths of an epoch; None where it does not say.

    A division is a thousandth into its epoch, so that a run that is resumed with one keeps the end of the epoch before.
    """
    if "step" in event:
        share = (int(event["step"]) + 1) / int(event["steps"])
        return 1000 * int(event["epoch"]) + max(1, round(1000 * share))
    if "epoch" not in event:
        return None
    return 1000 * int(event["epoch"]) + (1 if event["event"] == "division" else 1000)


def _numbers(event: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in event.items():
        if name not in _PLACES:
            yield from _under(name, value)


def _under(name: str, value: Any) -> Iterator[tuple[str, float]]:
    """The numbers in a value, with the names of where they stand in it."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _under(f"{name}/{key}", item)
    elif isinstance(value, (list, tuple)):
        for place, item in enumerate(value):
            if not isinstance(item, (list, tuple)):
                yield from _under(f"{name}/{place}", item)
    elif isinstance(value, (int, float)):
        yield name, float(value)


def _append(path: Path, events: list[Any]) -> None:
    """Append whole records, or none."""
    from tensorboard.summary.writer.record_writer import RecordWriter

    records = BytesIO()
    for event in events:
        RecordWriter(records).write(event.SerializeToString())
    with path.open("ab", buffering=0) as file:
        end = file.tell()
        if file.write(records.getvalue()) != len(records.getvalue()):  # the disk is full
            file.truncate(end)
