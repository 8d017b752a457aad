"""Conditions in their Python form."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from reid.errors import GalleryError
from reid.gallery.filters import Where, parse_time, parse_where

MORNING = datetime(2026, 3, 1, 8, 30, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("condition", "where"),
    [
        (None, Where()),
        ({}, Where()),
        (Where(ids=(3,)), Where(ids=(3,))),
        ({"camera": 2}, Where(cameras=(2,))),
        ({"camera": [1, 2]}, Where(cameras=(1, 2))),
        ({"camera": []}, Where(cameras=())),
        ({"camera": {"not": 3}}, Where(not_cameras=(3,))),
        ({"camera": {"not": (3, 4)}}, Where(not_cameras=(3, 4))),
        ({"time": {"since": 5}}, Where(since=5.0)),
        ({"time": {"since": "2026-03-01T08:30", "until": 1e10}}, Where(since=MORNING, until=1e10)),
        ({"identity": "car-7"}, Where(identities=("car-7",))),
        ({"identity": ["car-7", None]}, Where(identities=("car-7", None))),
        ({"identity": None}, Where(identities=(None,))),
        ({"source": "street", "path": "/a", "id": 17}, Where(sources=("street",), paths=("/a",), ids=(17,))),
        ({"path": "a/b"}, Where(paths=("a/b", str(Path.cwd() / "a" / "b")))),
    ],
)
def test_forms(condition, where):
    """Every key, alone, several at once and negated."""
    assert parse_where(condition) == where


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"cameras": 2}, "cannot be restricted by cameras; did you mean 'camera'"),
        ({"camera": "2"}, "camera is a whole number from 0, found '2'"),
        ({"camera": True}, "whole number"),
        ({"camera": -1}, "whole number from 0"),
        ({"camera": {"never": 3}}, "never"),
        ({"time": 5}, "since"),
        ({"time": {}}, "since"),
        ({"time": {"from": 5}}, "from"),
        ({"time": {"since": "yesterday"}}, "'yesterday' is no time; write 2026-03-01"),
        ({"identity": 7}, "identity is a text, found '7'"),
        ({"source": None}, "source is a text"),
        ({"id": "a"}, "id is a whole number"),
    ],
)
def test_mistakes(condition, message):
    """Say what was found and what is wanted."""
    with pytest.raises(GalleryError, match=message):
        parse_where(condition)


def test_times():
    """Numbers, dates, dates with time, with and without a zone."""
    assert parse_time(12) == 12.0
    assert parse_time("-1.5e3") == -1500.0
    assert parse_time("2026-03-01") == MORNING - 8.5 * 3600
    assert parse_time("2026-03-01 09:30+01:00") == MORNING
    assert parse_time(datetime(2026, 3, 1, 8, 30)) == MORNING  # noqa: DTZ001
    assert parse_time(datetime(2026, 3, 1, 10, 30, tzinfo=timezone(timedelta(hours=2)))) == MORNING
    for wrong in ("", "nan", "inf", float("nan"), "1e999", None, "2026-13-01", True):
        with pytest.raises(GalleryError, match="is no time"):
            parse_time(wrong)


def test_everything():
    """Only a condition without any part holds for all images."""
    assert Where().everything
    assert not Where(not_cameras=(1,)).everything
    assert Where(cameras=(1,)).but(cameras=None).everything
