"""Ids that no two writers give."""

import itertools
import threading
from contextlib import suppress

import pytest
from fake_milvus import FakeServer
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.errors import ArtefactError, InUseError
from reid.gallery.milvus.extras import FIELDS, Extras
from reid.gallery.milvus.identifiers import Identifiers

WRITERS = 3


def nowhere() -> Extras:
    """Extras on a stand-in."""
    server = FakeServer(None, {})
    server.make("e", FIELDS, "")
    server.index("e", "vector", "FLAT", {})
    server.load("e")
    return Extras(server, "e")


def test_one_writer_counts_on():
    """From 1, in blocks that grow; another one begins after them, and claims that are done with are taken away."""
    extras = nowhere()
    one = Identifiers(extras)
    taken = [number for count in (3, 5, 0, 50, 1, 400) for number in one.take(count)]
    assert taken == sorted(set(taken))
    assert taken[:3] == [1, 2, 3]
    other = Identifiers(extras)
    assert min(other.take(2)) > max(taken)
    assert len(extras.below("ids/")) == 1


class Killed(BaseException):
    """A writer is no more."""


class Turns:
    """Threads of which one runs at a time, from one of its turns to the next, in an order that is told."""

    def __init__(self) -> None:
        self._go = [threading.Semaphore(0) for _ in range(WRITERS)]
        self._back = threading.Semaphore(0)
        self._own = threading.local()
        self._running = set(range(WRITERS))

    def turn(self) -> None:
        """Wait for the next one."""
        self._back.release()
        self._go[self._own.number].acquire()
        if self._killed:
            raise Killed

    def run(self, work, order, killed: int) -> None:
        """All of `work`, by number; the first writer is killed at its turn `killed`, if it gets there."""
        self._killed = False
        threads = [threading.Thread(target=self._work, args=(number, work)) for number in range(WRITERS)]
        for thread in threads:
            thread.start()
        for number in itertools.chain(order, itertools.cycle(range(WRITERS))):
            if not self._running:
                break
            if number in self._running:
                killed -= number == 0
                self._killed = number == 0 and killed < 0
                self._go[number].release()
                self._back.acquire()
        for thread in threads:
            thread.join()

    def _work(self, number: int, work) -> None:
        self._own.number = number
        self._go[number].acquire()
        try:
            if not self._killed:
                work(number)
        except Killed:
            pass
        finally:
            self._running.discard(number)
            self._back.release()


class Stepping(Extras):
    """Extras that wait for their turn before every request."""

    def __init__(self, extras: Extras, turn) -> None:
        super().__init__(extras._server, extras.collection)
        self._turn = turn

    def put(self, *arguments, **more):
        self._turn()
        super().put(*arguments, **more)

    def below(self, *arguments):
        self._turn()
        return super().below(*arguments)

    def remove(self, *arguments):
        self._turn()
        super().remove(*arguments)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, WRITERS - 1), max_size=60),
    st.lists(st.integers(1, 9), min_size=WRITERS, max_size=9),
    st.integers(0, 40),
)
def test_no_id_is_given_twice_in_any_order_of_requests(order, counts, killed):
    """Three writers at once, one of which may be killed between any two of its requests; and one who comes later."""
    extras, turns, taken = nowhere(), Turns(), list[int]()

    def write(number: int) -> None:
        writer = Identifiers(Stepping(extras, turns.turn), sleep=lambda _: turns.turn())
        for count in counts[number::WRITERS]:
            with suppress(InUseError):  # which a worse luck than the test's may bring
                taken.extend(writer.take(count))

    turns.run(write, order, killed)
    late = Identifiers(extras).take(1)
    assert len({*taken, *late}) == len(taken) + 1
    assert late[0] > max(taken, default=0)
    assert len(extras.below("ids/")) == 1


def test_a_claim_that_is_not_ours_is_told():
    """Nothing is given on its ground."""
    extras = nowhere()
    extras.put({"ids/x": "many"})
    with pytest.raises(ArtefactError, match="'many'"):
        Identifiers(extras).take(1)


def test_endless_bad_luck_is_told():
    """If somebody always claims the same ids."""
    extras = nowhere()

    class Rival(Extras):
        def put(self, values, *, new=False):
            super().put(values, new=new)
            super().put({f"ids/rival-{values}"[:99]: next(iter(values.values()))})

    with pytest.raises(InUseError, match="try again"):
        Identifiers(Rival(extras._server, "e"), sleep=lambda _: None).take(1)
