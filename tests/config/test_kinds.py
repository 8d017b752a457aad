"""Kinds of values that settings can have."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from reid.config import kinds


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        (kinds.Chance, True, 0.5),
        (kinds.Chance, False, 0.0),
        (kinds.Size, 500_000_000, "500000000"),
        (kinds.Name, "x" + chr(0x10FF80), "x\udc80"),
    ],
)
def test_values_are_taken_as_they_are_meant(kind: Any, value: object, found: object) -> None:
    """A switch is a chance of a half, a bare number is a size, and stand-ins become the bytes that they stand for."""
    assert TypeAdapter(kind).validate_python(value) == found


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (kinds.Fraction, 1.1),
        (kinds.Count, 0),
        (kinds.Epoch, -1),
        (kinds.NotNegative, -0.1),
        (kinds.Positive, 0.0),
        (kinds.Pixels, 15),
        (kinds.Size, "much"),
    ],
)
def test_values_out_of_range_are_refused(kind: Any, value: object) -> None:
    """Just below each range."""
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)
