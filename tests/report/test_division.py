"""Divisions and events are read back from a run's files, whatever interrupted it."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

from reid.errors import ArtefactError
from reid.report.division import read_events, read_rounds


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
