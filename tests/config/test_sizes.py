"""Amounts of memory as people write them."""

import pytest

from reid.config.sizes import size_in_bytes


@pytest.mark.parametrize(
    ("written", "size"),
    [("1", 1), ("500MB", 5 * 10**8), ("1.5 gb", 15 * 10**8), (" 2GiB ", 2**31), ("4KiB", 4096), ("7B", 7)],
)
def test_units(written: str, size: int) -> None:
    """Powers of ten, or of two with an i."""
    assert size_in_bytes(written) == size


@pytest.mark.parametrize("written", ["", "GB", "-1GB", "1XB", "1e3", "0", "0.1B", "1 2", "nan"])
def test_what_is_no_size(written: str) -> None:
    """Says what one looks like."""
    with pytest.raises(ValueError, match="such as 500MB"):
        size_in_bytes(written)
