"""Kinds of values that settings can have."""

from types import MappingProxyType
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from reid.config.sizes import size_in_bytes

STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
"""Of every section: unknown keys, NaN and infinity are mistakes."""
STAND_INS = MappingProxyType({0xDC00 + byte: 0x10FF00 + byte for byte in range(0x80, 0x100)})
"""Bytes of file names that are no UTF-8 are lone surrogates in Python, which pydantic refuses: these stand for them."""
_ORIGINALS = {stand_in: original for original, stand_in in STAND_INS.items()}


def _original(name: str) -> str:
    return name.translate(_ORIGINALS)


def _switch(value: object) -> object:
    return 0.5 * value if isinstance(value, bool) else value


def _written(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _size(written: str) -> str:
    size_in_bytes(written)
    return written


Name = Annotated[str, AfterValidator(_original)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Chance = Annotated[Fraction, BeforeValidator(_switch)]
Count = Annotated[int, Field(ge=1)]
Epoch = Annotated[int, Field(ge=0)]
NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Size = Annotated[str, BeforeValidator(_written), AfterValidator(_size)]
Pixels = Annotated[int, Field(ge=16, le=2048)]
