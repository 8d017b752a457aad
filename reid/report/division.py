"""What a run's folder says of its divisions and its learners, and the pictures of it.

Only files are read: `log.jsonl` and `divisions/epoch-*.npz`. So the pictures can be drawn while a run goes on, and again
at any time.
"""

import io
import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reid import files
from reid.errors import ArtefactError
from reid.records import Integers
from reid.text import printable

MOST_ROUNDS = 12
"""Rounds of one picture; of more, some are left out."""

_NAME = re.compile(r"epoch-(\d+)\.npz")


@dataclass(frozen=True, eq=False)
class Round:
    """One division.

    Attributes:
        epoch: the epoch, from 0, before which it was made.
        clusters: (N,) int64 cluster of every training image, -1 for one that sat out.
        learners: K, number of clusters.
    """

    epoch: int
    clusters: Integers
    learners: int

    def sizes(self) -> Integers:
        """(K,) images of each cluster."""
        return np.bincount(self.clusters[self.clusters >= 0], minlength=self.learners)


def read_rounds(run: Path) -> list[Round]:
    """The divisions of a run, in order of time; [] where it made none.

    Where the training data changed in between, only those of the present data are given: images of others cannot be
    followed.

    Args:
        run: its folder.

    Raises:
        ArtefactError: a file is damaged.
    """
    found = {int(match[1]): path for path in (run / "divisions").glob("*.npz") if (match := _NAME.fullmatch(path.name))}
    rounds = [_read(path, epoch) for epoch, path in sorted(found.items())]
    before = [place for place, one in enumerate(rounds) if len(one.clusters) != len(rounds[-1].clusters)]
    return rounds[before[-1] + 1 :] if before else rounds


def read_events(run: Path, kind: str) -> list[dict[str, Any]]:
    """The events of one kind in a run's log, one an epoch, in order.

    Of an epoch that was done again after an interruption the last counts. A line that was cut off is left out.

    Args:
        run: its folder.
        kind: such as "epoch", "division" or "learners".
    """
    path = run / "log.jsonl"
    if not path.is_file():
        return []
    found = {}
    for line in files.read_bytes(path).decode("utf-8", "replace").splitlines():
        event = _event(line)
        if event.get("event") == kind and isinstance(event.get("epoch"), int):
            found[event["epoch"]] = event
    return [found[epoch] for epoch in sorted(found)]


def thinned(learners: Sequence[int], most: int = MOST_ROUNDS) -> list[int]:
    """Places of at most `most` rounds: the first, the last, those whose number of learners is new, others evenly spread.

    Args:
        learners: number of learners of each round.
        most: 2 or larger.
    """
    last = len(learners) - 1
    kept = [place for place in range(last + 1) if place in {0, last} or learners[place] != learners[place - 1]]
    if len(kept) > most:
        return [round(number * last / (most - 1)) for number in range(most)]
    others = [place for place in range(last + 1) if place not in kept]
    room = min(len(others), most - len(kept))
    step = (len(others) + 1) / (room + 1)
    return sorted([*kept, *(others[round(number * step) - 1] for number in range(1, room + 1))])


def staying(before: Round, after: Round) -> float | None:
    """The share of images, of those in a cluster both times, that stayed with their learner or a child of it.

    None where there are no such images, or K did not grow by a whole factor.
    """
    both = (before.clusters >= 0) & (after.clusters >= 0)
    if after.learners % before.learners or not both.any():
        return None
    children = after.learners // before.learners
    return float(np.mean(after.clusters[both] // children == before.clusters[both]))


def moves(before: Round, after: Round) -> Integers:
    """(K + 1, K' + 1) images that went from one cluster to another; the last row and column are sitting out."""
    rows = np.where(before.clusters < 0, before.learners, before.clusters)
    columns = np.where(after.clusters < 0, after.learners, after.clusters)
    shape = (before.learners + 1, after.learners + 1)
    return np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1]).reshape(shape)


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _read(path: Path, epoch: int) -> Round:
    try:
        with np.load(io.BytesIO(files.read_bytes(path)), allow_pickle=False) as content:
            clusters, learners = content["clusters"].astype(np.int64), len(content["sizes"])
    except (ValueError, KeyError, OSError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise ArtefactError(f"{printable(path)} is corrupt: no division ({printable(error)})") from error
    if clusters.ndim != 1 or not learners or clusters.min(initial=-1) < -1 or clusters.max(initial=-1) >= learners:
        raise ArtefactError(f"{printable(path)} is corrupt: its clusters are not -1..{learners - 1}")
    return Round(epoch, clusters, learners)
