"""`reid-train` in one of several processes: the first does and says what one alone would, the others help."""

import contextlib
import io
import signal
from collections.abc import Iterator, Mapping
from typing import Any

from reid.cli.evaluation import Outcome
from reid.cli.training import report, start, train
from reid.config import Config
from reid.errors import ReidError
from reid.train.joining import joined
from reid.train.place import Place
from reid.train.run_folder import RunFolder


def train_together(
    place: Place, settings: tuple[Config, RunFolder | None] | None, options: Mapping[str, Any], *, quiet: bool
) -> Outcome | None:
    """Train with the other processes of the run; on the first, score the best model as well.

    Args:
        place: of this process.
        settings: what `run_settings` returned on the first process; not looked at on the others, which may be on
            machines without the run's folder.
        options: of the command.
        quiet: whether standard output is kept for the result.

    Returns:
        The report, and a function that prints it; None on all processes but the first.

    Raises:
        ReidError: training diverged or was interrupted, something is wrong with settings or data, or a process was lost.
    """
    with _silent(place.rank > 0), _once():
        with joined(place, options["device"]) as group:
            config, old = group.from_first(lambda: settings)  # type: ignore[misc]  # the first one has them
            options = {**options, "device": str(group.device)}
            session = start(config, old, options, quiet=quiet, group=group)
            progress = train(session, quiet=quiet)
        return report(session, progress, quiet=quiet) if place.rank == 0 else None


class _Nowhere(io.TextIOBase):
    """Text that is written here is gone."""

    def write(self, text: str) -> int:
        return len(text)


@contextlib.contextmanager
def _silent(silent: bool) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        if silent:
            stack.enter_context(contextlib.redirect_stdout(_Nowhere()))
        yield


@contextlib.contextmanager
def _once() -> Iterator[None]:
    """A block whose error is reported although torchrun asks all processes to end as soon as one of them has."""
    try:
        yield
    except ReidError:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise
