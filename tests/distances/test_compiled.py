"""Compiled loops: the same results, kept where that is possible."""

import functools
import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import reid.distances
import reid.evaluation
import reid.rerank
from reid.distances.compiled import compiled, loading_meanwhile

PROGRAM = """
import numpy as np
from reid.distances.compiled import compiled

@compiled
def double(values):
    for place in range(len(values)):
        values[place] *= 2

numbers = np.arange(3)
double(numbers)
print(numbers.tolist())
"""

WITHOUT_A_FILE = f"{PROGRAM}\nimport runpy, sys\nrunpy.run_path(sys.argv[1], run_name='__main__')"
"""The program, and then one that is a file."""


def test_code_is_kept_beside_the_source(tmp_path: Path) -> None:
    """The second process finds what the first has compiled; source that is no file, as in a frozen program, is compiled
    for its process only."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environment = {**os.environ, "NUMBA_CACHE_DIR": ""}
    for arguments, printed in (((program,), 1), (("-c", WITHOUT_A_FILE, program), 2)):
        done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True, env=environment)
        assert done.stdout == printed * "[0, 2, 4]\n"
        assert len(list((tmp_path / "__pycache__").glob("*.nbc"))) == 1


@pytest.mark.parametrize("any_order", [False, True])
def test_order_of_sums(any_order: bool) -> None:
    """Is kept unless no order matters; whole numbers come out the same either way."""

    @functools.partial(compiled, any_order=any_order)
    def total(values: np.ndarray) -> float:
        found = 0.0
        for value in values:
            found += value
        return found

    assert total(np.arange(1000.0)) == 499500
    if not any_order:
        assert total(np.array([1e16, 1.0, -1e16, 1.0])) == 1


def test_compiled_functions_call_none_of_another_file() -> None:
    """Kept code would go on with what that one was before a change."""
    found = set()
    for package in (reid.distances, reid.evaluation, reid.rerank):
        for place in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            module = importlib.import_module(place.name)
            for function in vars(module).values():
                if hasattr(function, "py_func"):
                    called = (module.__dict__.get(name) for name in function.py_func.__code__.co_names)
                    found |= {(place.name, other.py_func.__module__) for other in called if hasattr(other, "py_func")}

    assert ("reid.evaluation.scanning", "reid.evaluation.scanning") in found
    assert [pair for pair in found if pair[0] != pair[1]] == []


def test_loading_meanwhile() -> None:
    """Another thread loads what compiled functions need while a block runs; both have ended behind it, also by an error."""
    program = """
import sys, threading
from reid.distances.compiled import loading_meanwhile
assert "numba.np.arraymath" not in sys.modules
try:
    with loading_meanwhile():
        raise KeyError
except KeyError:
    pass
assert "numba.np.arraymath" in sys.modules
assert threading.active_count() == 1
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_loading_that_fails_disturbs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever calls a compiled function afterwards is told."""
    called = []

    def broken(function: object) -> None:
        called.append(function)
        raise ImportError("no numba here")

    monkeypatch.setattr("reid.distances.compiled.compiled", broken)
    with loading_meanwhile():
        pass
    assert len(called) == 1
