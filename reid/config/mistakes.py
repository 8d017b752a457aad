"""What is wrong with settings, in words: pydantic's findings as one line a key."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from reid.text import did_you_mean, printable

_OTHER_KIND = {
    "bool_type": "true or false",
    "dataclass_type": "a section with keys of its own",
    "dict_type": "a section with keys of its own",
    "float_type": "a number",
    "int_type": "a whole number",
    "list_type": "a list",
    "string_type": "a word",
    "tuple_type": "a list",
}
_OTHER_VALUE = {
    "finite_number": "a finite number",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "{ge:g} or more",
    "less_than": "less than {lt:g}",
    "less_than_equal": "{le:g} or less",
    "literal_error": "{expected}",
    "missing": "one more value",
    "too_long": "at most {max_length} values",
    "too_short": "at least {min_length} values",
    "value_error": "{error}",
}
_WIDTH = 80


def describe(findings: Sequence[Any], schema: Any, *, most: int) -> list[str]:
    """One line for each key in which pydantic found something wrong.

    Args:
        findings: pydantic's `ValidationError.errors()`.
        schema: the dataclass that was validated against.
        most: lines beyond this many are not worded, only counted.
    """
    known = _keys(schema)
    placed = [(_key(finding, known), finding) for finding in findings]
    # A union tries all its alternatives: those of another kind than what was written are not worth a word.
    closer = {key.rpartition(".")[0] for key, _ in placed} | {k for k, f in placed if f["type"] not in _OTHER_KIND}
    lines: dict[str, list[str]] = {}
    for key, finding in placed:
        if finding["type"] == "unexpected_keyword_argument":
            lines[f"{key}: unknown key"] = [_nearest(key, known) if len(lines) < most else ""]
        elif finding["type"] not in _OTHER_KIND or key not in closer:
            lines.setdefault(f"{key}: got {shown(finding['input'])}, wanted ", []).append(_wanted(finding))
    return [printable(start) + " or ".join(dict.fromkeys(ends)) for start, ends in lines.items()]


def shown(value: object) -> str:
    """A value as it may stand in a message: JSON on one line, cut when long."""
    text = printable(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= _WIDTH else text[:_WIDTH] + "..."


def _wanted(finding: Mapping[str, Any]) -> str:
    template = {**_OTHER_KIND, **_OTHER_VALUE}.get(finding["type"])
    return str(finding["msg"]) if template is None else template.format(**finding.get("ctx", {}))


def _nearest(key: str, known: Sequence[str]) -> str:
    section, _, last = key.rpartition(".")
    if key in known:  # written with the dot in it
        return f"; write {last!r} indented below '{section}:'"
    namesakes = [name for name in known if name.rpartition(".")[2] == last]
    return f"; did you mean {namesakes[0]!r}?" if namesakes else did_you_mean(key, known)


def _key(finding: Mapping[str, Any], known: Sequence[str]) -> str:
    unknown = finding["type"] == "unexpected_keyword_argument"
    place: list[str] = []
    for part in finding["loc"][:-1] if unknown else finding["loc"]:
        # Between the keys pydantic names the alternatives of a union it tried, which mean nothing to a user.
        if isinstance(part, int) or ".".join([*place, part]) in known:
            place.append(str(part))
    return ".".join([*place, str(finding["loc"][-1])] if unknown else place)


def _keys(section: Any, prefix: str = "") -> list[str]:
    found = []
    for item in dataclasses.fields(section):
        found.append(prefix + item.name)
        if dataclasses.is_dataclass(item.type):
            found.extend(_keys(item.type, f"{prefix}{item.name}."))
    return found
