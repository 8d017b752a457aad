"""What a person sees while something runs: one line that changes, on standard error, and only on a terminal."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import click

from reid.text import listed

_ONE_BY_ONE = 8  # values that are printed one by one
_MOST_EMPTY = 0.01  # share of an epoch's batches that may hold nothing to learn from without a warning


class Status:
    """A line on standard error that is written over again, at most ten times a second; nothing where that is no terminal."""

    def __init__(self) -> None:
        self._on = sys.stderr.isatty()
        self._width = 0
        self._shown = 0.0

    def show(self, line: str) -> None:
        """Replace the line."""
        if self._on and time.monotonic() - self._shown > 0.1:
            click.echo("\r" + line.ljust(self._width), nl=False, err=True)
            self._width, self._shown = len(line), time.monotonic()

    def clear(self) -> None:
        """Take the line away, so that something else can be printed."""
        if self._on and self._width:
            click.echo("\r" + " " * self._width + "\r", nl=False, err=True)
            self._width, self._shown = 0, 0.0


class Counter:
    """Counts images with a rate and the time left; called with the number of each batch. The line goes with the block."""

    def __init__(self, title: str, total: int | None = None) -> None:
        self._status, self._title, self._total, self._done, self._start = Status(), title, total, 0, time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._status.clear()

    def __call__(self, count: int) -> None:
        """Count `count` more images."""
        self._done += count
        rate = self._done / max(1e-6, time.monotonic() - self._start)
        if self._total is None:
            self._status.show(f"{self._title} {self._done:,}  {rate:,.0f} images/s")
            return
        left = duration((self._total - self._done) / max(rate, 1e-6))
        self._status.show(f"{self._title} {self._done:,}/{self._total:,}  {rate:,.0f} images/s  {left} left")


class TrainingDisplay:
    """Prints the events of a training run: lines about divisions, epochs and learners, and a changing one in between."""

    def __init__(self, epochs: int, *, quiet: bool) -> None:
        self._epochs, self._quiet, self._status = epochs, quiet, Status()
        self._gone = False
        self._epoch_seconds: float | None = None
        self._epoch_start = time.monotonic()

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Show one event of `reid.train.trainer.Trainer`."""
        if event["event"] == "step":
            self._step(event)
            return
        self._status.clear()
        if event["event"] == "epoch":
            self._epoch_seconds, self._epoch_start = event["seconds"], time.monotonic()
        for line in _LINES.get(event["event"], _nothing)(event):
            self._say(line)

    def _step(self, event: Mapping[str, Any]) -> None:
        done = (event["step"] + 1) / event["steps"]
        whole = self._epoch_seconds or (time.monotonic() - self._epoch_start) / done
        left = duration(whole * (self._epochs - event["epoch"] - done))
        self._status.show(
            f"epoch {event['epoch'] + 1}/{self._epochs}  batch {event['step'] + 1}/{event['steps']}  loss {event['loss']:.4f}  "
            f"{event['images_per_second']:,.0f} images/s  {left} left"
        )

    def _say(self, line: str) -> None:
        if not self._gone:
            try:
                click.echo(line, err=self._quiet)
            except BrokenPipeError:  # nobody reads any more, which is no reason to stop training
                self._gone = True


def division_line(event: Mapping[str, Any]) -> str:
    """One line about a division: sizes, identities, what sits out, how much it agrees with the one before."""
    parts = [
        f"  division: {' + '.join(map(str, event['sizes']))} images",
        f"{' + '.join(map(str, event['identities']))} identities",
        f"{event['sitting_out']} sit out",
    ]
    if event["agreement"] is not None:
        parts.append(f"agreement with the last {event['agreement']:.2f}")
    if event["merged"]:
        parts.append("too small, merged: " + ", ".join(f"{a} into {b}" for a, b in event["merged"]))
    empty = [str(k) for k, size in enumerate(event["sizes"]) if not size]
    if empty:
        parts.append(f"without images: learner {', '.join(empty)}")
    return ", ".join([*parts, f"{event['seconds']:.1f} s"])


def learners_lines(event: Mapping[str, Any]) -> list[str]:
    """A line about what each learner did in an epoch, where there are several, and a warning about empty batches."""
    parts, recall = [], event["recall"]
    if len(event["loss"]) > 1:
        parts.append(f"loss {_values(event['loss'], '.3f')}")
    if recall is not None:
        each = _values([100 * value for value in recall["each"]], ".0f")
        parts.append(f"recall@1 {each} -> {100 * recall['whole']:.0f} together")
    lines = [f"  learners: {', '.join(parts)}"] if parts else []
    empty, batches = event["without_pairs"], sum(event["batches"])
    if empty > _MOST_EMPTY * batches:
        lines.append(
            f"  warning: {empty:,} of {batches:,} batches held nothing to learn from: no two images of one identity, or "
            "only one identity"
        )
    return lines


def skipped_line(event: Mapping[str, Any]) -> str:
    """One line about batches that were left out because their loss was not finite."""
    return f"  left out: {', '.join(event['batches'])}, loss or gradient not finite; images {listed(event['paths'], 5)}"


def epoch_line(event: Mapping[str, Any]) -> str:
    """One line about an epoch: stage, loss, speed, validation."""
    loss = "-" if event["loss"] is None else f"{event['loss']:.4f}"
    line = (
        f"epoch {event['epoch'] + 1}/{event['epochs']}  {event['stage']:8}  loss {loss}  "
        f"{event['images']:,} images at {event['images_per_second']:,.0f}/s  {duration(event['seconds'])}"
    )
    if event["validation"] is None:
        return line
    best = "  best so far" if event["best_epoch"] == event["epoch"] else ""
    return f"{line}  validation mAP {100 * event['validation']:.1f}{best}"


def _values(values: Sequence[float | None], form: str) -> str:
    """Numbers one by one, or from the smallest to the largest where there are many."""
    known = [value for value in values if value is not None]
    if len(values) <= _ONE_BY_ONE:
        return " ".join("-" if value is None else format(value, form) for value in values)
    return f"{min(known):{form}}..{max(known):{form}}" if known else "-"


def _nothing(_event: Mapping[str, Any]) -> list[str]:
    return []


_LINES: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "division": lambda event: [division_line(event)],
    "epoch": lambda event: [epoch_line(event)],
    "learners": learners_lines,
    "skipped": lambda event: [skipped_line(event)],
}


def duration(seconds: float) -> str:
    """Seconds as 0:07, 12:34 or 3:25:45."""
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
