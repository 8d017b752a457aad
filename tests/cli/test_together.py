"""reid-train in several processes: one of them speaks and writes, and each mistake is told once."""

import os
import re
from pathlib import Path

import pytest
import ranks
import whole_runs
from whole_runs import TINY, Done, Trained, trained

from reid.train.place import Place

FOUR = ("--set", "train.identities=4", "--set", "model.freeze_batchnorm=true", "--device", "cpu")


def _command(place: Place, folder: Path, *arguments: str) -> Done:
    """reid-train in one of several processes, as torchrun would start it but without keeping their meeting place."""
    os.environ |= {"RANK": str(place.rank), "WORLD_SIZE": str(place.world), "LOCAL_RANK": str(place.local_rank)}
    os.environ |= {
        "LOCAL_WORLD_SIZE": str(place.neighbours),
        "MASTER_PORT": str(place.port),
        "MASTER_ADDR": place.address,
    }
    return whole_runs.train(folder, *arguments)


def _train(world: int, folder: Path, made: Trained, *arguments: str) -> list[Done]:
    begin = ("--dataset", "market1501", "--root", str(made.data), *TINY, *FOUR, *arguments)
    ended = ranks.start_apart(world, _command, folder, *begin).end(within=90)
    assert [one.error for one in ended] == [None] * world
    return [one.value for one in ended]


def test_two_processes_train_what_one_does(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    """The first says and writes everything, the other nothing; validation scores and losses are those of one process."""
    made = trained(tmp_path_factory)
    first, other = _train(2, tmp_path, made, "--out", "two")
    alone = whole_runs.train(tmp_path, "--dataset", "market1501", "--root", made.data, *TINY, *FOUR, "--out", "one")

    assert (first.code, first.err, alone.code) == (0, "", 0)
    assert (other.code, other.out, other.err) == (0, "", "")
    assert "note: 2 processes share every batch of 4 identities, 2 each" in first.out
    figures = [re.findall(r"loss \d\.\d{4}|mAP \d+\.\d|\d+ \+ \d+ images", done.out) for done in (first, alone)]
    assert len(figures[0]) > 8
    assert figures[0] == figures[1]
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == sorted(
        path.name for path in (tmp_path / "one").iterdir()
    )
