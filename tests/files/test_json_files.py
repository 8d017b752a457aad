"""JSON of ours."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid import files
from reid.errors import ArtefactError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(PLAIN)
@settings(deadline=None)
def test_plain_values_come_back(value: object) -> None:
    """What is plain is written as it is."""
    assert json.loads(files.to_json(value)) == value
    assert json.loads(files.to_json(value, indent=None)) == value


def refuse(constant: str) -> None:
    """For json.loads: NaN and infinity are no JSON."""
    raise AssertionError(constant)


def test_numbers_that_json_lacks_become_null() -> None:
    """C13: a strict reader accepts what we write, whatever the figures are, however deep they lie."""
    value = {
        "a": float("nan"),
        "b": [float("inf"), -np.inf, 1.5],
        "c": {"d": np.array([[np.nan, 1.0]], dtype=np.float32)},
    }

    read = json.loads(files.to_json(value), parse_constant=refuse)
    assert read == {"a": None, "b": [None, None, 1.5], "c": {"d": [[None, 1.0]]}}


def test_arrays_paths_and_keys_become_plain() -> None:
    """Numpy's scalars and arrays, tuples, paths, and keys that are numbers."""
    value = {
        1: np.int64(2),
        "t": (1, 2),
        "p": Path("a/b"),
        "b": np.bool_(1),
        "e": np.zeros((0, 2)),
        0.5: np.float32(0.5),
    }

    assert json.loads(files.to_json(value)) == {"1": 2, "t": [1, 2], "p": "a/b", "b": True, "e": [], "0.5": 0.5}


def test_undecodable_names_come_back(tmp_path: Path) -> None:
    """A10: a file name that is no UTF-8 survives being written and read, as ASCII that any reader takes."""
    files.write_json(tmp_path / "x", {"path": "é\udcff\n\x1b"})

    assert files.read_json(tmp_path / "x") == {"path": "é\udcff\n\x1b"}
    assert (tmp_path / "x").read_bytes().isascii()


@pytest.mark.parametrize("content", [b"", b"{", b"[1,]", b"[NaN]", b"[Infinity]", b"\xff", b"[" * 100_000, b"1" * 5000])
def test_what_is_no_json_is_corrupt(content: bytes, tmp_path: Path) -> None:
    """Exit code 74, naming the file; no depth and no length brings another error."""
    (tmp_path / "x.json").write_bytes(content)

    with pytest.raises(ArtefactError, match=r"x\.json is corrupt: not JSON"):
        files.read_json(tmp_path / "x.json")
