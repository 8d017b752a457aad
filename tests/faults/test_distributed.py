"""FAULTS group J: whatever happens to one of several processes, all end soon, the cause is told once, and the run goes on.

J4 and J6 to J8 are in tests/train/test_distributed.py, J5 and J10 in tests/train/test_joining.py.
"""

import signal
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import ranks
import small_runs
from shared_runs import Act, Kind, Ran, ran

from reid.errors import DataError, ProcessLost, TrainingInterrupted
from reid.records import Records
from reid.train.run_folder import RunFolder
from reid.train.validation import hold_out

SOAK = (pytest.mark.soak, pytest.mark.timeout(1800))
EVERY_STEP = 1e-9
"""Minutes between two checkpoints."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Records, Records]:
    """Twelve identities to train on, four to validate on."""
    train, validation = hold_out(small_runs.patches(tmp_path_factory.mktemp("patches"), identities=16), 0.25, 0)
    assert validation is not None
    return train, validation


@pytest.fixture(scope="module")
def whole(data: tuple[Records, Records], tmp_path_factory: pytest.TempPathFactory) -> list[Ran]:
    """A run of two processes that nothing happened to."""
    return ranks.run(2, ran, tmp_path_factory.mktemp("whole") / "run", data)


def _kills(count: int) -> list[tuple[int, int, int]]:
    """The process, epoch and step of each kill."""
    random = np.random.default_rng(0)
    return [(number % 2, int(random.integers(3)), int(random.integers(6))) for number in range(count)]


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=SOAK)])
def test_a_killed_process_ends_the_run_and_it_goes_on(
    data: tuple[Records, Records], tmp_path: Path, whole: list[Ran], kills: int
) -> None:
    """J1, J9: after SIGKILL at a random step, of the first process or the other, the one that is left ends with 75 well
    within a minute and says what is known; the run, gone on with, ends with the weights of one that was never killed,
    to the bit."""
    for number, (victim, epoch, step) in enumerate(_kills(kills)):
        folder = tmp_path / str(number)
        act = Act(signal.SIGKILL, (epoch, step), victim)
        ended = ranks.start(2, partial(ran, save_minutes=EVERY_STEP), folder, data, Kind(), act).end()

        assert ended[victim].code == -signal.SIGKILL
        left = ended[1 - victim]
        assert isinstance(left.error, ProcessLost)
        assert left.error.exit_code == 75
        assert "another process of this training ended" in str(left.error)
        assert "go on from the last checkpoint with --resume" in str(left.error)
        assert left.seconds - ended[victim].seconds < 30
        going_on = partial(ran, resume=RunFolder(folder).has_state())
        assert np.array_equal(ranks.run(2, going_on, folder, data)[0].weights, whole[0].weights)


@pytest.mark.parametrize("victim", [pytest.param(0, marks=SOAK), 1])
def test_a_frozen_process_is_given_up(data: tuple[Records, Records], tmp_path: Path, victim: int) -> None:
    """J2: the other one waits for as long as it was told, and no longer."""
    act, began = Act(signal.SIGSTOP, (0, 1), victim), time.monotonic()
    running = ranks.start(2, ran, tmp_path / "run", data, Kind(), act, timeout=2.0)
    running.answers[1 - victim].poll(60)
    took = time.monotonic() - began
    running.send(victim, signal.SIGKILL)
    left = running.end()[1 - victim]

    assert isinstance(left.error, ProcessLost)
    assert "did not answer for 2 s" in str(left.error)
    assert 2 <= took < 40


@pytest.mark.parametrize("victim", [0, 1])
def test_an_error_of_one_process_is_told_by_it_alone(
    data: tuple[Records, Records], tmp_path: Path, victim: int
) -> None:
    """J3: what only one of them finds, such as a damaged image of its share, it says; the other ends with nothing to say."""
    ended = ranks.start(2, ran, tmp_path / "run", data, Kind(), Act(_stumble, (0, 1), victim)).end()
    told, silent = ended[victim].error, ended[1 - victim].error

    assert isinstance(told, DataError)
    assert str(told) == "damaged.png is not a readable image"
    assert (type(silent), str(silent)) == (ProcessLost, "")


def _stumble(_event: object) -> None:
    raise DataError("damaged.png is not a readable image")


def test_all_processes_stop_after_the_same_step(
    data: tuple[Records, Records], tmp_path: Path, whole: list[Ran]
) -> None:
    """J1, E10: SIGTERM reaches one process in one step and the other in the next; both stop after the first of these,
    the state is saved once, and the first process says how to go on, which ends with the weights of a whole run."""
    act = Act(signal.SIGTERM, (1, 2), 1)
    ended = ranks.run(2, ran, tmp_path / "run", data, Kind(), act)

    assert [one.at for one in ended] == [(1, 3)] * 2
    assert ended[0].stopped is not None
    assert "stopped in epoch 2, batch 3; go on with" in ended[0].stopped
    assert ended[1].stopped == ""
    assert TrainingInterrupted.exit_code == 75
    found = ranks.run(2, partial(ran, resume=True), tmp_path / "run", data)
    assert np.array_equal(found[1].weights, whole[0].weights)
