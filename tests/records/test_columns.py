"""Labelled images, in columns."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.errors import DataError, ShapeError
from reid.records import JUNK, NO_CAMERA, Records, build, concatenate, identity_table

ROWS = st.lists(
    st.tuples(st.text(min_size=1), st.sampled_from(["a", "b", "10", "9", "-1"]), st.integers(-1, 5)), max_size=8
)


def some(**changes: Any) -> Records:
    """Four images of two identities and one junk."""
    columns: dict[str, Any] = {
        "cameras": [1, 2, 1, -1],
        "times": [0.5, 1, 2, float("nan")],
        "attributes": {"colour": list("rgbw")},
    }
    return build(
        Path("/data"),
        ["b.jpg", "a.jpg", "c.jpg", "j.jpg"],
        ["y", "x", "y", "-1"],
        junk=frozenset({"-1"}),
        **columns | changes,
    )


@given(ROWS)
@settings(deadline=None)
def test_columns_come_back_by_row(rows: list[tuple[str, str, int]]) -> None:
    """Every row keeps its path, name and camera, in the order given; codes are places in the sorted table."""
    paths, names, cameras = ([row[place] for row in rows] for place in range(3))
    records = build(Path("/data"), paths, names, junk=frozenset({"-1"}), cameras=cameras)

    assert records.paths.tolist() == paths
    assert records.names() == names
    assert records.cameras is not None
    assert records.cameras.tolist() == cameras
    assert records.identity_names == tuple(sorted(set(names) - {"-1"}))
    assert len(records) == len(rows)
    assert records.count() == {
        "identities": len(set(names) - {"-1"}),
        "images": len(rows),
        "cameras": len(set(cameras) - {NO_CAMERA}),
    }


@given(ROWS, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_codes_do_not_depend_on_the_order(rows: list[tuple[str, str, int]], chance: Any) -> None:
    """A folder listed in another order gives the same code to the same identity."""
    mixed = chance.sample(rows, len(rows))
    one, other = (
        build(Path("/data"), [row[0] for row in order], [row[1] for row in order], junk=frozenset({"-1"}))
        for order in (rows, mixed)
    )

    codes = [dict(zip(records.names(), records.identities.tolist(), strict=True)) for records in (one, other)]
    assert codes[0] == codes[1]
    assert codes[0].get("-1", JUNK) == JUNK


def test_select_takes_every_column_along() -> None:
    """Indices, masks and slices, in their order, with repetitions."""
    records = some()
    for rows in (np.array([2, 0, 0]), np.array([True, False, True, False]), slice(1, 3), np.array([], dtype=np.int64)):
        part, plain = records.select(rows), np.arange(4)[rows]
        assert part.paths.tolist() == [records.paths[row] for row in plain]
        assert part.names() == [records.names()[row] for row in plain]
        assert part.cameras is not None
        assert part.times is not None
        assert part.cameras.tolist() == [[1, 2, 1, -1][row] for row in plain]
        assert np.array_equal(part.times, np.array([0.5, 1, 2, np.nan])[plain], equal_nan=True)
        assert part.attributes["colour"].tolist() == ["rgbw"[row] for row in plain]
        assert part.identity_names == records.identity_names


def test_files_are_below_the_root() -> None:
    """Full paths, in order."""
    assert some().files()[0] == Path("/data/b.jpg")


def test_columns_that_are_not_there_stay_away() -> None:
    """No cameras is not the same as unknown cameras."""
    records = some(cameras=None, times=None, attributes=None).select(slice(2))

    assert (records.cameras, records.times, dict(records.attributes)) == (None, None, {})
    assert records.count()["cameras"] == 0


@pytest.mark.parametrize("column", ["cameras", "times", "attributes"])
def test_columns_of_other_length_are_refused(column: str) -> None:
    """The column is named, with both lengths."""
    short: Any = {"colour": ["r"]} if column == "attributes" else [1]
    with pytest.raises(ShapeError, match=r"column (cameras|times|colour) has shape \(1,\), but there are 4 paths"):
        some(**{column: short})


def test_codes_outside_the_table_are_refused() -> None:
    """A code must mean a name, or junk."""
    for code in (-2, 2):
        with pytest.raises(DataError, match=r"must lie in -1\.\.1"):
            Records(Path(), np.array(["a"], dtype=object), np.array([code]), ("x", "y"))


def test_names_outside_the_table_are_refused() -> None:
    """A test identity that the dataset's table lacks is named, on one line."""
    with pytest.raises(DataError, match=r"identity 'z\\n' is not in the dataset's table"):
        build(Path(), ["a"], ["z\n"], table=("x", "y"))


def test_table_is_sorted_and_without_junk() -> None:
    """As texts: the order of a file system or locale plays no part."""
    assert identity_table(["b", "10", "9", "a", "b", "-1"], junk=frozenset({"-1"})) == ("10", "9", "a", "b")


def test_concatenation_keeps_what_all_have() -> None:
    """Rows in order; a column or attribute that one part lacks is dropped."""
    one, other = some(), some(times=None, attributes={"model": list("abcd")})
    both, same = concatenate([one, other]), concatenate([one, one, one])

    assert both.names() == one.names() + other.names()
    assert both.cameras is not None
    assert both.cameras.tolist() == [1, 2, 1, -1] * 2
    assert (both.times, dict(both.attributes)) == (None, {})
    assert same.attributes["colour"].tolist() == list("rgbw" * 3)
    assert concatenate([one]).paths.tolist() == one.paths.tolist()


def test_concatenation_of_strangers_is_refused() -> None:
    """Codes of different datasets mean different identities."""
    other_table = build(Path("/data"), ["a"], ["z"])
    other_root = build(Path("/other"), ["b.jpg"], ["y"], table=some().identity_names)
    for parts in ([], [some(), other_table], [some(), other_root]):
        with pytest.raises(DataError, match="only records of one dataset"):
            concatenate(parts)
