"""What a run will do, epoch by epoch."""

import re

import pytest

from reid.cli.timeline import stages_line, timeline, timeline_table
from reid.config import load_config

DOUBLING = (
    "train.epochs=8",
    "division.schedule=doubling",
    "division.learners=4",
    "division.conquer_from=6",
    "division.finetune_from=7",
    "division.freeze_backbone=1",
    "division.subspaces=learned",
    "train.lr=0.5",
    "train.scheduler=multi-step",
    "train.milestones=[4]",
    "train.warmup=0",
)


def test_every_epoch_is_told():
    """PAMI 2021's schedule in small: learners double, the backbone rests after each division, rates fall at 4."""
    rows = timeline(load_config("small", DOUBLING))

    assert [row["epoch"] for row in rows] == list(range(8))
    assert [row["stage"] for row in rows] == ["divide"] * 6 + ["conquer", "finetune"]
    assert [row["learners"] for row in rows] == [1, 1, 2, 2, 4, 4, 4, 1]
    assert [row["divides"] for row in rows] == [False, False] + [True, False] * 3
    assert [row["lr"]["backbone"] for row in rows] == pytest.approx([0, 0.5, 0, 0.5, 0, 0.05, 0, 0.05])
    assert [row["lr"]["masks"] for row in rows] == pytest.approx([1e-3] * 4 + [1e-4] * 4)


def test_a_short_run_has_a_line_for_each_epoch():
    """Counted from 1, as everywhere where people read."""
    table = timeline_table(timeline(load_config("small", DOUBLING))).splitlines()

    head = [
        "epochs",
        "stage",
        "learners",
        "new division",
        "backbone rests",
        "lr backbone",
        "lr layer",
        "lr loss",
        "lr masks",
    ]
    assert re.split(r"  +", table[0]) == head
    assert table[1].split() == ["1", "divide", "1", "-", "yes", "0", "0.5", "0.5", "0.001"]
    assert table[8].split() == ["8", "finetune", "1", "-", "-", "0.05", "0.05", "0.05", "0.0001"]
    assert len(table) == 9


def test_a_long_run_is_told_in_spans():
    """The first paper's 200 epochs are three lines."""
    table = timeline_table(timeline(load_config("dc2019"))).splitlines()

    assert [line.split("  ")[0] for line in table[1:]] == ["1-80", "81-190", "191-200"]
    assert "every 2 epochs from 1" in table[1]
    assert "every 2 epochs from 81" in table[2]
    assert "masks" not in table[0]
    assert "backbone rests" not in table[0]
    second = timeline_table(timeline(load_config("dc2021"))).splitlines()
    assert [line.split("  ")[0] for line in second[1:]] == ["1-2", "3-4", "5-6", "7-8", "9-10", "11-80", "81-180"]
    assert re.split(r"  +", second[7]) == [
        "81-180",
        "conquer",
        "32",
        "every 2 epochs from 81",
        "50 of 100 epochs",
        "1e-05",
        "1e-05",
        "1e-05",
        "0.001",
    ]


def test_stages_on_one_line():
    """Of a doubling run, with the number of learners at the beginning and at the end."""
    assert stages_line(load_config("small", DOUBLING)) == "divide 1-6 (1 to 4 learners), conquer 7, finetune 8"
    assert stages_line(load_config("dc2019")) == "divide 1-80, conquer 81-190, finetune 191-200"
