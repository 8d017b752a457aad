"""Amounts of memory as people write them."""

import re

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
_WRITTEN = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Z]*)")


def size_in_bytes(written: str) -> int:
    """The bytes meant by "500MB", "1.5 GB", "2GiB" or a plain number of bytes, in capitals or not.

    Raises:
        ValueError: it is nothing of the kind, or less than one byte.
    """
    found = _WRITTEN.fullmatch(written.strip().upper())
    if found is None or found[2] not in _UNITS or (size := int(float(found[1]) * _UNITS[found[2]])) < 1:
        raise ValueError("a size such as 500MB, 1.5GB or 2GiB")
    return size
