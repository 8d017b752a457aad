"""Conditions on images as expressions that Milvus filters by."""

from collections.abc import Iterable, Sequence

from reid.gallery.filters import Where
from reid.gallery.milvus.texts import encode, literal

_LARGEST = 2**63 - 1


def expression(where: Where) -> str | None:
    """The filter of a condition: "" holds for every image, None for none of them, whatever they are."""
    parts = [*_numbers(where), *_times(where), *_texts(where)]
    return None if None in parts else " and ".join(f"({part})" for part in parts)


def among(field: str, numbers: Iterable[int]) -> str | None:
    """That a field is one of some numbers from 0; None where there are none."""
    listed = ",".join(str(number) for number in dict.fromkeys(numbers) if 0 <= number <= _LARGEST)
    return f"{field} in [{listed}]" if listed else None


def one_of(field: str, texts: Sequence[str]) -> str | None:
    """That a field is one of some texts; None where there are none."""
    listed = ",".join(literal(text) for text in dict.fromkeys(texts))
    return f"{field} in [{listed}]" if listed else None


def _numbers(where: Where) -> Iterable[str | None]:
    if where.cameras is not None:
        yield among("camera", where.cameras)
    if without := among("camera", where.not_cameras):
        yield f"not ({without})"
    if where.ids is not None:
        yield among("id", where.ids)


def _times(where: Where) -> Iterable[str]:
    if where.since is not None or where.until is not None:
        yield "timed == true"
    if where.since is not None:
        yield f"time >= {float(where.since)!r}"
    if where.until is not None:
        yield f"time < {float(where.until)!r}"


def _texts(where: Where) -> Iterable[str | None]:
    if where.identities is not None:
        named = one_of("identity", [name for name in where.identities if name is not None])
        yield _any([named and f"named == true and {named}", "named == false" if None in where.identities else None])
    if where.sources is not None:
        yield one_of("source", where.sources)
    if where.paths is not None:
        yield _any([_below(path) for path in where.paths])


def _below(path: str) -> str:
    """The path itself, or below it as a folder: what lies between its name with "/" and with the next character, "0"."""
    folder = encode(path.rstrip("/"))
    return f'path == {literal(path)} or path == "{folder}" or (path >= "{folder}/" and path < "{folder}0")'


def _any(parts: Sequence[str | None]) -> str | None:
    return " or ".join(f"({part})" for part in parts if part) or None
