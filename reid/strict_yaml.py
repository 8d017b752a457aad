"""YAML as people expect it, read safely.

Only plain values come out: no tags, no aliases, no duplicate keys, no infinite numbers, at most 64 kB and 32 levels.
Scalars follow the YAML 1.2 core rules for decimal numbers, so that `no` and `on` are words, `012` is twelve and `1e-5`
is a number, which PyYAML's YAML 1.1 rules read as false, true, ten and a word.
"""

import math
import re
from pathlib import Path
from typing import Any

import yaml

from reid import files
from reid.errors import ConfigError
from reid.text import printable

MAX_BYTES = 64_000
"""Beyond this PyYAML would take seconds; the longest card has a tenth."""
MAX_DEPTH = 32


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2 scalars, without aliases and duplicate keys, with a depth limit."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  PyYAML's way to configure
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        mark = event.start_mark
        if isinstance(event, yaml.events.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases are not allowed", problem_mark=mark)
        if event.tag is not None:
            raise yaml.MarkedYAMLError(problem=f"tags such as {event.tag} are not allowed", problem_mark=mark)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem=f"nested more than {MAX_DEPTH} levels deep", problem_mark=mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        first: dict[str, yaml.Mark] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key must be a word or number", problem_mark=key.start_mark)
            if key.value in first:
                again = f"key {key.value!r} stands here again, first on line {first[key.value].line + 1}"
                raise yaml.MarkedYAMLError(problem=again, problem_mark=key.start_mark)
            first[key.value] = key.start_mark
        return super().construct_mapping(node, deep)


class _StrictDumper(yaml.SafeDumper):
    """SafeDumper that quotes every word that either the rules above or those of YAML 1.1 read as something else."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _int(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    try:
        return int(loader.construct_scalar(node))
    except ValueError:  # Python converts no more than 4,300 digits
        raise yaml.MarkedYAMLError(problem="a number too long to read", problem_mark=node.start_mark) from None


def _float(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> float:
    written = loader.construct_scalar(node)
    value = float(written.lower().replace(".inf", "inf").replace(".nan", "nan"))
    if not math.isfinite(value):
        raise yaml.MarkedYAMLError(problem=f"{written} is not a finite number", problem_mark=node.start_mark)
    return value


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
):
    for _reader_or_writer in (_StrictLoader, _StrictDumper):
        _reader_or_writer.add_implicit_resolver(
            f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), [c.replace("\0", "") for c in _first]
        )
_StrictLoader.add_constructor("tag:yaml.org,2002:int", _int)
_StrictLoader.add_constructor("tag:yaml.org,2002:float", _float)


def parse_yaml(text: str, where: str) -> Any:
    """The value of a YAML text; `where` names its origin in messages.

    Raises:
        ConfigError: not YAML, or more than plain values; the line is named.
    """
    if len(text) > MAX_BYTES:
        raise _too_large(where)
    try:
        return yaml.load(text, _StrictLoader)  # noqa: S506  a SafeLoader, made stricter
    except yaml.MarkedYAMLError as error:
        place = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError(f"{printable(where)}{place}: {printable(reason)}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(
            f"{printable(where)}, line {line}: character U+{error.character:04X} is not allowed"
        ) from None
    except (ValueError, OverflowError) as error:  # such as a character "\UFFFFFFFF", which no Unicode has
        raise ConfigError(f"{printable(where)}: not readable as YAML ({printable(error)})") from None


def to_yaml(value: object) -> str:
    """Plain values as YAML that `parse_yaml` reads as exactly these values; keys stay in their order."""
    text = yaml.dump(value, Dumper=_StrictDumper, sort_keys=False, allow_unicode=True)
    if not any(separator in text for separator in "\x85\u2028\u2029"):
        return text
    # PyYAML would fold these rare line ends into spaces unless everything but ASCII is escaped.
    return yaml.dump(value, Dumper=_StrictDumper, sort_keys=False)


def load_yaml(path: Path) -> Any:
    """The value in a YAML file.

    Raises:
        MissingInputError: there is no such file.
        ConfigError: not UTF-8, not YAML, or more than plain values; the line is named.
    """
    content = files.read_bytes(path, MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise _too_large(path)
    try:
        return parse_yaml(content.decode("utf-8"), str(path))
    except UnicodeDecodeError:
        raise ConfigError(f"{printable(path)}: not UTF-8 text") from None


def _too_large(where: str | Path) -> ConfigError:
    return ConfigError(f"{printable(where)} is larger than {MAX_BYTES:,} bytes: not a file of settings")
