"""Being asked to stop: the first time after the step that is under way, the second time at once."""

import contextlib
import signal
from types import FrameType, TracebackType
from typing import Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequested(Exception):  # noqa: N818  no error: it takes the way out of whatever can be begun again
    """Raised where work that changes nothing is left because the run was asked to stop."""


class Stopping:
    """Notes Ctrl-C and SIGTERM while its `with` block runs, so that no step is torn apart.

    A second Ctrl-C is a KeyboardInterrupt. Outside the main thread, where no signals can be caught, it only has `request`.

    Attributes:
        requested: whether the run shall stop.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[signal.Signals, object] = {}

    def request(self) -> None:
        """Ask to stop."""
        self.requested = True

    def check(self, *_progress: object) -> None:
        """Leave work that can be begun again, where a stop was asked for.

        Raises:
            StopRequested: it was.
        """
        if self.requested:
            raise StopRequested

    def __enter__(self) -> Self:
        with contextlib.suppress(ValueError):
            self._before = {number: signal.signal(number, self._heard) for number in _SIGNALS}
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what was there before
        self._before = {}

    def _heard(self, number: int, _frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
