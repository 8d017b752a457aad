"""MATLAB files: what SciPy writes is read as it was, and nothing damaged is believed."""

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat
from scipy.sparse import csc_array

from reid.evaluation.matlab import NewMatlabError, read_matlab

TYPES = ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "?"]
HEAD = b"MATLAB 5.0 MAT-file".ljust(124, b" ")


def written(variables, **options) -> bytes:
    stream = io.BytesIO()
    savemat(stream, variables, **options)
    return stream.getvalue()


def element(kind: int, content: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}II", kind, len(content)) + content + b"\0" * (-len(content) % 8)


def variable(kind: int, shape, content: bytes, order: str = "<", name: bytes = b"x") -> bytes:
    """A variable of any class, whose numbers or letters are `content`."""
    flags = element(6, struct.pack(f"{order}II", kind, 0), order)
    size = element(5, struct.pack(f"{order}{len(shape)}i", *shape), order)
    return element(14, flags + size + element(1, name, order) + content, order)


def file_of(*elements: bytes, order: str = "<") -> bytes:
    return HEAD + struct.pack(f"{order}H", 0x0100) + (b"IM" if order == "<" else b"MI") + b"".join(elements)


@settings(deadline=None, max_examples=80)
@given(
    st.sampled_from(TYPES),
    st.lists(st.integers(0, 5), min_size=1, max_size=4),
    st.integers(0, 10**6),
    st.booleans(),
)
def test_numbers_are_read_as_they_were_written(kind, shape, seed, compressed):
    """Any type and shape; lists are rows, as MATLAB has them."""
    generator = np.random.Generator(np.random.Philox(seed))
    array = generator.integers(0, 2 if kind == "?" else 100, shape).astype(kind)
    found = read_matlab(written({"first": array, "a_second_name": 2.5}, do_compression=compressed))

    assert list(found) == ["first", "a_second_name"]
    assert found["first"].shape == (tuple(shape) if len(shape) > 1 else (1, *shape) if shape[0] else (0, 0))
    assert (found["first"].reshape(array.shape) == array).all()
    assert found["a_second_name"].tolist() == [[2.5]]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("one word", ["one word"]),
        (["a", "bcd", "ef"], ["a", "bcd", "ef"]),
        (np.array(["a", "bcd"], dtype=object), ["a", "bcd"]),
        (np.array(["", "x", "ü€"], dtype=object), ["", "x", "ü€"]),
        ("", []),
    ],
)
def test_words(value, words):
    """Rows of letters lose the spaces that fill them; cells hold one word each."""
    assert read_matlab(written({"x": value}))["x"].tolist() == words


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ({"a": 1}, "a struct"),
        (csc_array(np.eye(2)), "a sparse matrix"),
        (np.array([1j]), "complex numbers"),
        (np.array(["a", 1], dtype=object), "cells that hold more than words"),
        (np.array(["a", np.array(["b", "c"])], dtype=object), "cells that hold more than words"),
        (np.array(["a", np.array(["b", "c"], dtype=object)], dtype=object), "cells that hold more than words"),
    ],
)
def test_other_variables_are_told(value, what):
    """What is no plain array does not keep others from being read."""
    found = read_matlab(written({"x": value, "y": np.eye(2)}))

    assert found["x"] == what
    assert found["y"].tolist() == [[1, 0], [0, 1]]


def test_the_other_byte_order_and_shorter_types():
    """Doubles of a big-endian machine, stored as bytes because they are whole and small, beside its letters."""
    numbers = variable(6, (2, 3), element(2, bytes([1, 2, 3, 4, 5, 6]), ">"), ">")
    letters = variable(4, (1, 2), element(4, "ab".encode("utf-16-be"), ">"), ">", b"y")
    small = variable(9, (1, 2), struct.pack(">HH", 2, 2) + bytes([7, 8, 0, 0]), ">", b"z")  # tag and bytes share eight
    found = read_matlab(file_of(numbers, letters, small, order=">"))

    assert found["x"].tolist() == [[1, 3, 5], [2, 4, 6]]
    assert found["y"].tolist() == ["ab"]
    assert found["z"].tolist() == [[7, 8]]


def test_an_empty_file():
    """No variables, or an empty cell."""
    assert read_matlab(file_of()) == {}
    assert read_matlab(file_of(variable(1, (1, 1), element(14, b""))))["x"] == "cells that hold nothing"


NUMBERS = element(2, bytes(4))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "does not begin as"),
        (HEAD + b"\x00\x01XX", "does not begin as"),
        (HEAD + b"\x00\x03IM", "its level is 0x0300"),
        (file_of(b"1234"), "ends within an element"),
        (file_of(struct.pack("<II", 14, 2**32 - 1)), "longer than what it stands in"),
        (file_of(struct.pack("<HH", 1, 60) + bytes(4)), "longer than what it stands in"),
        (file_of(NUMBERS), "type 2 where a variable should be"),
        (file_of(element(14, b"")), "a variable ends too early"),
        (file_of(element(14, NUMBERS)), "a variable has no flags"),
        (file_of(variable(6, (2, 2), NUMBERS), variable(6, (2, 2), NUMBERS)), "two variables are called x"),
        (file_of(variable(6, (2, 3), NUMBERS)), r"4 numbers do not fill the shape \(2, 3\)"),
        (file_of(variable(6, (-2, -2), NUMBERS)), r"the shape \(-2, -2\)"),
        (file_of(variable(6, (4,), NUMBERS)), r"the shape \(4,\)"),
        (file_of(variable(6, (1,) * 9, NUMBERS)), "the shape"),
        (file_of(variable(6, (1, 1), element(9, bytes(5)))), "5 bytes are no numbers of 8 bytes"),
        (file_of(variable(6, (1, 1), element(77, bytes(8)))), "type 77 where numbers should be"),
        (file_of(variable(4, (1, 3), NUMBERS)), r"4 letters do not fill the shape \(1, 3\)"),
        (file_of(variable(4, (1, 1), element(9, bytes(8)))), "type 9 where letters should be"),
        (file_of(variable(4, (1, 1), element(16, b"\xff"))), "utf-8"),
        (file_of(variable(1, (1, 1), NUMBERS)), "type 2 where a cell should be"),
        (file_of(element(15, b"not compressed at all")), "a compressed variable is damaged"),
        (file_of(element(15, zlib.compress(b"1234"))), "a compressed variable is empty"),
        (file_of(struct.pack("<II", 15, 16) + zlib.compress(bytes(900))[:16]), "not as long as it says|empty"),
        (
            file_of(struct.pack("<II", 15, len(z := zlib.compress(struct.pack("<II", 14, 8) + bytes(900)))) + z),
            "not as long as it says",
        ),
    ],
)
def test_what_is_wrong_is_named(data, message):
    """No size is believed that does not fit."""
    with pytest.raises(ValueError, match=message):
        read_matlab(data)


def test_matlab_7_3_is_told_apart():
    """So that the message can say what to do."""
    with pytest.raises(NewMatlabError):
        read_matlab(HEAD + b"\x00\x02IM")


def test_huge_claims_cost_nothing():
    """Shapes of billions without numbers, and kilobytes that would become gigabytes, take no memory and no time."""
    bomb = zlib.compress(struct.pack("<II", 14, 64) + bytes(2**26), 9)
    claims = [
        variable(4, (2**31 - 1, 0), element(16, b"")),
        variable(1, (2**31 - 1, 2**31 - 1), b""),
        variable(6, (2**31 - 1, 2**31 - 1), element(9, b"")),
        struct.pack("<II", 15, len(bomb)) + bomb,
    ]
    tracemalloc.start()
    for claim in claims:
        try:
            assert read_matlab(file_of(claim))["x"].size == 0
        except ValueError:
            continue
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


def test_deeply_nested_cells():
    """They are told, not followed."""
    inner = variable(6, (1, 1), NUMBERS)
    for _ in range(2000):
        inner = variable(1, (1, 1), inner)

    assert read_matlab(file_of(inner))["x"] == "cells that hold more than words"


@pytest.mark.parametrize("compressed", [False, True])
def test_any_damage_is_survived(compressed):
    """Thousands of changed bytes and cut ends: a value or a ValueError, never anything else."""
    content = {"numbers": np.arange(20.0), "words": np.array(["a", "bc"], dtype=object), "more": "abc", "s": {"a": 1}}
    good = written(content, do_compression=compressed)
    generator = np.random.Generator(np.random.Philox(3))
    for _ in range(3000):
        damaged = bytearray(good[: None if generator.random() < 0.8 else int(generator.integers(len(good)))])
        for place in generator.integers(0, max(1, len(damaged)), 1 + int(generator.integers(3))).tolist():
            if damaged:
                damaged[place] = int(generator.integers(256))
        try:
            read_matlab(bytes(damaged))
        except ValueError:
            continue
