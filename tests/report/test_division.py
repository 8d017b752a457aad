"""Divisions and events are read back from a run's files, whatever interrupted it."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from divisions import PAIRS, rounds
from hypothesis import given
from hypothesis import strategies as st

from reid.errors import ArtefactError
from reid.report.division import MOST_ROUNDS, Round, moves, read_events, read_rounds, staying, thinned


def write(run: Path, epoch: int, clusters, sizes) -> None:
    (run / "divisions").mkdir(exist_ok=True)
    content = io.BytesIO()
    np.savez_compressed(content, clusters=np.array(clusters, dtype=np.int64), sizes=np.array(sizes))
    (run / "divisions" / f"epoch-{epoch:04d}.npz").write_bytes(content.getvalue())


def test_rounds_come_back_in_order(tmp_path: Path) -> None:
    """With the epoch of the file's name, and clusters that have no images; other files are left alone."""
    write(tmp_path, 10, [0, -1, 2], [1, 0, 1, 0])
    write(tmp_path, 2, [0, 0, 1], [2, 1])
    (tmp_path / "divisions" / "notes.npz").write_bytes(b"x")
    rounds = read_rounds(tmp_path)

    assert [(one.epoch, one.learners, one.clusters.tolist()) for one in rounds] == [
        (2, 2, [0, 0, 1]),
        (10, 4, [0, -1, 2]),
    ]
    assert rounds[1].sizes().tolist() == [1, 0, 1, 0]


def test_rounds_of_other_data_are_left_out(tmp_path: Path) -> None:
    """Images cannot be followed into another training set; a run without divisions has no rounds."""
    assert read_rounds(tmp_path) == []
    for epoch, images in ((0, 3), (2, 4), (4, 3), (6, 3)):
        write(tmp_path, epoch, [0] * images, [images])

    assert [one.epoch for one in read_rounds(tmp_path)] == [4, 6]


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"PK\x03\x04" + b"x" * 60], ids=["empty", "other", "cut"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    """What is no archive of arrays, or a part of one."""
    write(tmp_path, 0, [0], [1])
    (tmp_path / "divisions" / "epoch-0000.npz").write_bytes(content)
    with pytest.raises(ArtefactError, match=r"epoch-0000.npz is corrupt"):
        read_rounds(tmp_path)


@pytest.mark.parametrize("clusters", [[0, 2], [-2, 0], [[0, 1]]])
def test_clusters_that_cannot_be_are_refused(tmp_path: Path, clusters) -> None:
    """No such learner, or no list of images."""
    write(tmp_path, 0, clusters, [1, 1])
    with pytest.raises(ArtefactError, match=r"not -1..1"):
        read_rounds(tmp_path)


def test_an_archive_without_the_arrays_is_refused(tmp_path: Path) -> None:
    """It is no division."""
    (tmp_path / "divisions").mkdir()
    np.savez(tmp_path / "divisions" / "epoch-0000.npz", other=np.zeros(3))
    with pytest.raises(ArtefactError, match="no division"):
        read_rounds(tmp_path)


def test_events_are_one_an_epoch(tmp_path: Path) -> None:
    """In order; an epoch that was done again counts once, as it was the last time; other kinds and torn lines do not."""
    events = [
        {"event": "epoch", "epoch": 1, "loss": 3},
        {"event": "learners", "epoch": 0, "loss": 0},
        {"event": "epoch", "epoch": 0, "loss": 1},
        {"event": "epoch", "epoch": 1, "loss": 2},
        {"event": "epoch"},
        [1],
        "text",
    ]
    lines = [json.dumps(event) for event in events]
    (tmp_path / "log.jsonl").write_text("\n".join([*lines, '{"event": "epoch", "epoch": 2, "lo']), encoding="utf-8")

    assert [event["loss"] for event in read_events(tmp_path, "epoch")] == [1, 2]
    assert [event["loss"] for event in read_events(tmp_path, "learners")] == [0]
    assert read_events(tmp_path / "nowhere", "epoch") == []


@given(PAIRS)
def test_moves_and_staying_are_those_of_a_loop(pairs) -> None:
    """Every image counts once; the last row and column sit out; a child of the same learner is staying."""
    before, after = rounds(pairs)
    expected = np.zeros((before.learners + 1, after.learners + 1), dtype=int)
    stayed = []
    for old, new in zip(before.clusters.tolist(), after.clusters.tolist(), strict=True):
        expected[old, new] += 1  # -1 is the last
        if old >= 0 and new >= 0:
            stayed.append(new == old if after.learners == before.learners else new in {2 * old, 2 * old + 1})

    assert (moves(before, after) == expected).all()
    assert staying(before, after) == (pytest.approx(np.mean(stayed)) if stayed else None)


def test_staying_is_not_defined_where_learners_become_fewer() -> None:
    """Nor where their number grows by no whole factor."""
    one = Round(0, np.array([0, 1]), 4)

    assert staying(one, Round(2, np.array([0, 1]), 2)) is None
    assert staying(one, Round(2, np.array([0, 1]), 6)) is None


@given(st.lists(st.sampled_from([1, 2, 4, 8, 16, 32]), min_size=1, max_size=100).map(sorted), st.integers(2, 12))
def test_thinning_keeps_ends_and_splits(learners: list[int], most: int) -> None:
    """As many as there is room for, in order, the first and the last, and all splits where they fit."""
    places = thinned(learners, most)
    splits = {place for place in range(1, len(learners)) if learners[place] != learners[place - 1]}

    assert places == sorted(set(places))
    assert len(places) == min(most, len(learners))
    assert {places[0], places[-1]} == {0, len(learners) - 1}
    assert splits <= set(places) or len(splits | {0, len(learners) - 1}) > most


def test_thinning_is_even() -> None:
    """Where nothing splits, gaps differ by one at most."""
    gaps = np.diff(thinned([8] * 90))

    assert len(gaps) == MOST_ROUNDS - 1
    assert gaps.max() - gaps.min() <= 1
