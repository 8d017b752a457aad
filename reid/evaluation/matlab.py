"""Reading plain arrays from MATLAB files of level 5, which MATLAB 5 to 7.2 and scipy.io.savemat write.

The format ("MAT-File Format", The MathWorks, chapter 1) is a header of 128 bytes and one element per variable, each
perhaps compressed; an element is a tag (type and number of bytes) and its bytes, padded to a multiple of eight. A
variable consists of elements: flags and class, dimensions, name, numbers in column order. Every size is compared with
what is there before it is believed: SciPy's reader, which does not, ends the process on some damaged files.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HEADER = 128
_LEVEL_5, _LEVEL_73 = 0x0100, 0x0200

_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_MATRIX, _COMPRESSED = 14, 15
_LETTERS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}

_CELL, _CHARACTERS = 1, 4
_NUMBERS = range(6, 16)
_OTHERS = {2: "a struct", 3: "an object", 5: "a sparse matrix", 16: "a function"}
_COMPLEX = 0x0800
_AXES = 8

Elements = Iterator[tuple[int, memoryview]]

Value = NDArray[Any] | str
"""An array, or words for what else it is."""


class NewMatlabError(ValueError):
    """The file is of MATLAB 7.3, which is another format."""


def read_matlab(data: bytes) -> dict[str, Value]:
    """The variables of a MATLAB file of level 5.

    Args:
        data: the whole file.

    Returns:
        By name: numbers as they are stored; rows of letters, and cells of words, as arrays of str; for anything else
        what it is.

    Raises:
        NewMatlabError: it is of MATLAB 7.3.
        ValueError: it is no MATLAB file of level 5, or damaged.
    """
    order = _order(data)
    found: dict[str, Value] = {}
    for kind, content in _elements(memoryview(data)[_HEADER:], order):
        if kind == _COMPRESSED:
            kind, content = _decompress(content, order)  # noqa: PLW2901  what was compressed stands in its place
        if kind != _MATRIX:
            raise ValueError(f"an element of type {kind} where a variable should be")
        name, value = _variable(content, order)
        if name in found:
            raise ValueError(f"two variables are called {name}")
        found[name] = value
    return found


def _order(data: bytes) -> str:
    if len(data) < _HEADER or data[126:128] not in {b"IM", b"MI"}:
        raise ValueError("it does not begin as a MATLAB file of level 5 does")
    order = "<" if data[126:128] == b"IM" else ">"
    (level,) = struct.unpack(f"{order}H", data[124:126])
    if level == _LEVEL_73:
        raise NewMatlabError("it is of MATLAB 7.3")
    if level != _LEVEL_5:
        raise ValueError(f"its level is {level:#06x}, not {_LEVEL_5:#06x}")
    return order


def _elements(data: memoryview, order: str) -> Elements:
    """Type and bytes of one element after the other."""
    place = 0
    while place < len(data):
        if len(data) - place < 8:
            raise ValueError("it ends within an element")
        kind, size = struct.unpack_from(f"{order}II", data, place)
        start = place + 8
        if kind >> 16:  # at most four bytes, which share the tag
            kind, size, start = kind & 0xFFFF, kind >> 16, place + 4
            place += 8
        else:
            place = start + size + (0 if kind == _COMPRESSED else -size % 8)
        if start + size > len(data) or start + size > place:
            raise ValueError("an element is longer than what it stands in")
        yield kind, data[start : start + size]


def _decompress(content: memoryview, order: str) -> tuple[int, memoryview]:
    engine = zlib.decompressobj()
    try:
        tag = engine.decompress(content, 8)
        if len(tag) < 8:
            raise ValueError("a compressed variable is empty")
        kind, size = struct.unpack(f"{order}II", tag)
        whole = engine.decompress(engine.unconsumed_tail, size + 1)
    except zlib.error as error:
        raise ValueError(f"a compressed variable is damaged: {error}") from error
    if not engine.eof or len(whole) != size:
        raise ValueError("a compressed variable is not as long as it says")
    return kind, memoryview(whole)


def _variable(content: memoryview, order: str) -> tuple[str, Value]:
    kind, flags, shape, name, parts = _about(content, order)
    if kind in _NUMBERS:
        return name, "complex numbers" if flags & _COMPLEX else _numbers(_next(parts), shape, order)
    if kind == _CHARACTERS:
        return name, _rows_of_letters(_next(parts), shape, order)
    if kind == _CELL:
        return name, _words(parts, shape, order)
    return name, _OTHERS.get(kind, "of an unknown kind")


def _about(content: memoryview, order: str) -> tuple[int, int, tuple[int, ...], str, Elements]:
    """Class, flags, shape and name of a variable, and the elements that follow."""
    parts = _elements(content, order)
    flags, kind = _flags(_next(parts), order)
    shape = _shape(_next(parts), order)
    return kind, flags, shape, bytes(_next(parts)[1]).decode("latin-1"), parts


def _next(parts: Elements) -> tuple[int, memoryview]:
    try:
        return next(parts)
    except StopIteration:
        raise ValueError("a variable ends too early") from None


def _flags(part: tuple[int, memoryview], order: str) -> tuple[int, int]:
    numbers = _plain(part, order)
    if len(numbers) != 2 or numbers.dtype.kind != "u":
        raise ValueError("a variable has no flags")
    return int(numbers[0]) & 0xFF00, int(numbers[0]) & 0xFF


def _shape(part: tuple[int, memoryview], order: str) -> tuple[int, ...]:
    shape = tuple(int(size) for size in _plain(part, order))
    if not 2 <= len(shape) <= _AXES or min(shape) < 0:
        raise ValueError(f"a variable has the shape {shape}")
    return shape


def _plain(part: tuple[int, memoryview], order: str) -> NDArray[Any]:
    kind, content = part
    if kind not in _TYPES:
        raise ValueError(f"an element of type {kind} where numbers should be")
    stored = np.dtype(order + _TYPES[kind])
    if len(content) % stored.itemsize:
        raise ValueError(f"{len(content)} bytes are no numbers of {stored.itemsize} bytes")
    return np.frombuffer(content, dtype=stored).astype(stored.newbyteorder("="), copy=False)


def _numbers(part: tuple[int, memoryview], shape: tuple[int, ...], order: str) -> NDArray[Any]:
    numbers = _plain(part, order)
    if len(numbers) != math.prod(shape):
        raise ValueError(f"{len(numbers)} numbers do not fill the shape {shape}")
    return numbers.reshape(shape, order="F")


def _rows_of_letters(part: tuple[int, memoryview], shape: tuple[int, ...], order: str) -> NDArray[np.str_]:
    """(rows,) words; without the spaces that make rows equally long."""
    kind, content = part
    if kind not in _LETTERS:
        raise ValueError(f"an element of type {kind} where letters should be")
    coding = _LETTERS[kind]
    endings = {"<": "-le", ">": "-be"}
    letters = bytes(content).decode(coding + (endings[order] if coding in {"utf-16", "utf-32"} else ""))
    if len(shape) != 2 or len(letters) != math.prod(shape):
        raise ValueError(f"{len(letters)} letters do not fill the shape {shape}")
    rows = shape[0] if letters else 0
    return np.array([letters[row::rows].rstrip() for row in range(rows)], dtype=str)


def _words(parts: Elements, shape: tuple[int, ...], order: str) -> Value:
    """(cells,) words, in column order."""
    words = []
    for _ in range(math.prod(shape)):
        outer, content = _next(parts)
        if outer != _MATRIX:
            raise ValueError(f"an element of type {outer} where a cell should be")
        if not len(content):
            return "cells that hold nothing"
        kind, _, size, _, inner = _about(content, order)
        word = _rows_of_letters(_next(inner), size, order) if kind == _CHARACTERS else None
        if word is None or len(word) > 1:
            return "cells that hold more than words"
        words.append(str(word[0]) if len(word) else "")
    return np.array(words, dtype=str)
