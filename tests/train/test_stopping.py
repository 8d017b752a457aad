"""Being asked to stop."""

import os
import signal
import threading

import pytest

from reid.train.stopping import Stopping, StopRequested


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted(number: signal.Signals) -> None:
    """Nothing is torn apart: what runs goes on, and leaves where it checks."""
    with Stopping() as stopping:
        stopping.check()
        os.kill(os.getpid(), number)

        assert stopping.requested
        with pytest.raises(StopRequested):
            stopping.check(17)


def test_the_second_interrupt_stops_at_once() -> None:
    """Whoever presses Ctrl-C twice does not want to wait; a second SIGTERM changes nothing."""
    with Stopping() as stopping:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)

        assert stopping.requested
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_signals_mean_what_they_did_before() -> None:
    """After the block, and also when it was left by an exception."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    stopping = Stopping()
    stopping.request()
    with pytest.raises(StopRequested), stopping:
        stopping.check()

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_outside_the_main_thread_it_can_be_asked() -> None:
    """Only the main thread may catch signals; a run in another is stopped by `request`."""
    found: list[bool] = []

    def run() -> None:
        with Stopping() as stopping:
            stopping.request()
            found.append(stopping.requested)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert found == [True]
