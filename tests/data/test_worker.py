"""The other side of the pipe. What becomes of it when it dies stands in tests/faults/test_loader.py."""

import inspect
import os
from pathlib import Path

from reid import errors
from reid.data.worker import _portable, mapped
from reid.errors import DataError, ReidError

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ReidError)]


class TwoWordsError(DataError):
    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} {other}")


def test_errors_arrive_as_they_left() -> None:
    """Class and words stay for every class of ours; one of anybody's own comes as the class of ours that it is based on."""
    for kind in KINDS:
        assert _portable(error := kind("words")) is error
    odd = _portable(TwoWordsError("some", "words"))

    assert (type(odd), str(odd)) == (DataError, "some words")


def test_memory_is_shared_for_as_long_as_it_is_used() -> None:
    """Two views of one handle are the same memory, in slots that do not overlap; nothing is left of it without them."""

    def held() -> int:
        return len(list(Path("/proc/self/fd").iterdir())) + Path("/proc/self/maps").read_text().count("memfd:test")

    before = held()
    handle = os.memfd_create("test")
    os.ftruncate(handle, 3 * 10)
    other = os.dup(handle)
    one, two = mapped(handle, 3, 10), mapped(other, 3, 10)
    one[1] = 7
    last = two[1:, 5:]

    assert two.tolist() == [[0] * 10, [7] * 10, [0] * 10]
    assert held() > before
    del one, two
    assert last.tolist() == [[7] * 5, [0] * 5]
    del last
    assert held() == before
