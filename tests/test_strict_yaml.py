"""YAML read strictly."""

import math
import random
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.errors import ConfigError, MissingInputError
from reid.strict_yaml import MAX_BYTES, load_yaml, parse_yaml, to_yaml

WORDS = st.text(
    st.characters(codec=None, exclude_categories=()) | st.sampled_from("~-+.:#'\"0123456789eE\n\t \x85\u2028\ufeff")
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=10,
)
# What a person writes, and what it means here: YAML 1.2 for decimal numbers, true, false and null; all else is a word.
LITERALS: list[tuple[str, object]] = [
    *[(word, True) for word in ("true", "True", "TRUE")],
    *[(word, False) for word in ("false", "False", "FALSE")],
    *[(word, None) for word in ("null", "Null", "NULL", "~", "")],
    *[(word, word) for word in ("yes", "Yes", "no", "No", "NO", "on", "off", "y", "n", "tRue", "nULL", "none", "None")],
    *[
        ("0", 0),
        ("1", 1),
        ("-1", -1),
        ("+1", 1),
        ("012", 12),
        ("08", 8),
        ("-007", -7),
        ("123456789012345678901", 123456789012345678901),
    ],
    *[
        ("1e-4", 1e-4),
        ("1E5", 1e5),
        ("1e+5", 1e5),
        ("-2e-3", -2e-3),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.5e1", -5.0),
        ("1.50", 1.5),
    ],
    *[("0.1e-1", 0.01), ("+1.5", 1.5), ("0.0", 0.0), ("12e03", 12000.0)],
    *[
        (word, word)
        for word in ("0x1F", "0o17", "0b1", "1_000", "1,5", "1:30", "190:20:30", "2024-01-31", "1e", "e5", "1e5.0")
    ],
    *[(word, word) for word in (".", "..", "+", "--1", "1 000", "50%", "<<", "=", "inf", "nan", "1e-", "a-b", "a.b")],
    *[('"1e-4"', "1e-4"), ("'true'", "true"), ('"1"', "1"), ("'~'", "~"), ('""', "")],
]


@pytest.mark.parametrize(("written", "meant"), LITERALS)
def test_literal_means_what_people_expect(written: str, meant: object) -> None:
    """C4: no word turns into a boolean, no number into an octal, no number with an exponent into a word."""
    found = parse_yaml(f"key: {written}", "x")["key"]

    assert found == meant
    assert type(found) is type(meant)
    assert written in {"", "1,5"} or parse_yaml(f"[{written}, 1]", "x") == [meant, 1]


@pytest.mark.parametrize("written", [".inf", "-.INF", "+.Inf", ".nan", ".NaN", "1e999", "-1e999"])
def test_infinite_numbers_are_refused(written: str) -> None:
    """No setting may be infinite or not a number; the line is named."""
    with pytest.raises(ConfigError, match=r"^x, line 2: .* is not a finite number"):
        parse_yaml(f"a: 1\nkey: {written}", "x")


@given(PLAIN)
@settings(deadline=None)
def test_written_values_come_back(value: object) -> None:
    """What `to_yaml` writes means the same here, down to words that look like numbers, and odd file names."""
    assert parse_yaml(to_yaml(value), "x") == value


@given(PLAIN.filter(lambda value: "\\ud" not in ascii(value)))
@settings(deadline=None)
def test_written_values_mean_the_same_to_other_programs(value: object) -> None:
    """A usual YAML reader finds the same values in what `to_yaml` writes."""
    assert yaml.safe_load(to_yaml(value)) == value


def test_written_settings_are_pleasant_to_read() -> None:
    """Keys in their order, letters of any script as they are, numbers plain."""
    assert (
        to_yaml({"root": "/données/数据", "lr": 1e-5, "flip": True}) == "root: /données/数据\nlr: 1.0e-05\nflip: true\n"
    )


MISTAKES = [
    ("a: 1\nb: 2\na: 3", "line 3: key 'a' stands here again, first on line 1"),
    ("x:\n  a: 1\n  'a': 2", "line 3: key 'a' stands here again, first on line 2"),
    ("a: &b 1\nc: *b", "line 2: aliases are not allowed"),
    (
        "a: !!python/object/apply:os.system ['true']",
        "line 1: tags such as tag:yaml.org,2002:python/object/apply:os.system",
    ),
    ("a: 1\nb: !!binary aGk=", "line 2: tags such as tag:yaml.org,2002:binary are not allowed"),
    ("a: !own 1", "line 1: tags such as !own are not allowed"),
    ("? [1]\n: 2", "line 1: a key must be a word or number"),
    ("? {a: 1}\n: 2", "line 1: a key must be a word or number"),
    ("a: 1\n---\nb: 2", "line 2: expected a single document in the stream, but found another document"),
    ("a: b: c", "line 1: mapping values are not allowed here"),
    ("a:\n\t- x", "line 2: .*'\\\\t' that cannot start any token"),
    ("a: [1, 2", "line 1: .*expected ',' or ']'"),
    ("a: \x07", "line 1: character U\\+0007 is not allowed"),
    ("a: 1\nb: \udcff", "line 2: character U\\+DCFF is not allowed"),
    ("a: " + "1" * 5000, "line 1: a number too long to read"),
    ('a: "\\UFFFFFFFF"', "not readable as YAML"),
    ("[" * 33, "line 1: nested more than 32 levels deep"),
    ("- " * 20_000, "line 1: nested more than 32 levels deep"),
    ("{a: " * 10_000, "line 1: nested more than 32 levels deep"),
    ("[" * 60_000, "line 1: nested more than 32 levels deep"),
    ("a" * (MAX_BYTES + 1), "larger than 64,000 bytes"),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES, ids=range(len(MISTAKES)))
def test_mistake_is_named_with_its_line(text: str, message: str) -> None:
    """C1, C2, C3, C12: each is refused within a second, with the origin, the line and the reason."""
    start = time.process_time()
    with pytest.raises(ConfigError, match=message) as caught:
        parse_yaml(text, "my\nfile")

    assert str(caught.value).startswith("my\\nfile")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
    assert time.process_time() - start < 1


def test_thirty_two_levels_are_fine() -> None:
    """The limit itself is allowed."""
    assert parse_yaml("[" * 32 + "]" * 32, "x")


@pytest.mark.parametrize("piece", ["1,", "\n- ", "a\n"])
def test_the_largest_file_is_read_quickly(piece: str) -> None:
    """Whatever fills the largest file that is allowed, it costs a few seconds of computing at most."""
    start = time.process_time()
    parse_yaml(
        ("[" if piece.endswith(",") else "")
        + piece * (MAX_BYTES // len(piece) - 1)
        + ("]" if piece.endswith(",") else ""),
        "x",
    )

    assert time.process_time() - start < 5


def test_file_is_read_as_utf8_with_or_without_mark(tmp_path: Path) -> None:
    """Editors that put a byte order mark in front do no harm."""
    for mark in ("", "\ufeff"):
        (tmp_path / "x.yaml").write_text(f"{mark}a: é\n", "utf-8")
        assert load_yaml(tmp_path / "x.yaml") == {"a": "é"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: é".encode("utf-16"), "not UTF-8 text"),
        (b"a: \xe9", "not UTF-8 text"),
        ("é" * 40_000, "larger than 64,000 bytes"),
    ],
)
def test_file_that_is_no_text_is_refused(content: bytes | str, message: str, tmp_path: Path) -> None:
    """Other encodings and files that are too large are named; a large file is not read to its end."""
    (tmp_path / "x.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(ConfigError, match=rf"x\.yaml.*{message}"):
        load_yaml(tmp_path / "x.yaml")
    with pytest.raises(ConfigError, match=r"/dev/zero is larger"):
        load_yaml(Path("/dev/zero"))
    with pytest.raises(MissingInputError, match=r"cannot read .*y\.yaml"):
        load_yaml(tmp_path / "y.yaml")


def test_mutated_files_never_bring_another_error() -> None:
    """2,000 damaged recipes are read or refused by an error of ours, and hold plain, finite values."""
    chance = random.Random(0)
    text = "# é\ndata:\n  image_size: [256, 128]\n  flip: true\nloss: {name: margin, alpha: 2.0e-1}\nseed: 1\ntext: |\n  a\n  b\n"
    refused = 0
    for _ in range(2000):
        letters = list(text)
        for _ in range(chance.randint(1, 5)):
            place = chance.randrange(len(letters))
            letters[place] = chance.choice(
                [*"[]{}:,&*!|>'\"%@`#-?~.\\\n\t 0eé\x00\udcff", "<<: ", "!!set ", "\\U"]
            ) * chance.randint(0, 3)
        try:
            check_plain(parse_yaml("".join(letters), "x"))
        except ConfigError:
            refused += 1

    assert 200 < refused < 1900


def check_plain(value: object) -> None:
    """Only JSON's kinds of values, and finite numbers."""
    if isinstance(value, dict):
        for key, item in value.items():
            assert key is None or isinstance(key, (str, int, float, bool))
            check_plain(item)
    elif isinstance(value, list):
        for item in value:
            check_plain(item)
    else:
        assert value is None or isinstance(value, (str, int, float, bool))
        assert not isinstance(value, float) or math.isfinite(value)
