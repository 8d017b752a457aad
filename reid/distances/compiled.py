"""Loops compiled to machine code on first use, and kept for later processes where a folder for that can be written."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function, *, any_order: bool = False) -> Function:
    """Compile a function of arrays and numbers with numba when it is called first.

    It runs without Python's global lock, so that threads share the work. The machine code is kept beside the source
    or, where nothing may be written there, in numba's folder for the user; without either it is made anew by every
    process. Sums keep their order: results do not depend on the machine. The code is made anew when the file of the
    function changes, and only then: it must not call a compiled function of another file.

    Loops compile in a fraction of a second; numba's own reductions, joins and copies into parts of arrays take seconds.

    Args:
        function: what to compile.
        any_order: let sums be taken in any order, which is faster: only for sums that no order changes.
    """
    import numba

    options: dict[str, Any] = {"nogil": True, "fastmath": {"reassoc"} if any_order else False}
    machine_code: Any
    try:
        machine_code = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder can be written to
        machine_code = numba.njit(**options)(function)
    return machine_code  # type: ignore[no-any-return]


@contextlib.contextmanager
def loading_meanwhile() -> Iterator[None]:
    """Load what the first call of any compiled function waits for, half a second of imports, during the block.

    It has ended when the block has: no thread of it is there when a process is forked. What fails in it is told nobody;
    whoever calls a compiled function meets the same.
    """
    with ThreadPoolExecutor(1) as pool:
        pool.submit(_load)
        yield


def _load() -> None:
    compiled(_nothing)()


def _nothing() -> None:
    return
