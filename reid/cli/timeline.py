"""What a run will do, epoch by epoch, before it does it."""

from collections.abc import Sequence
from typing import Any

from reid.cli.compose import rates, schedule
from reid.cli.learning import group_rates
from reid.config import Config
from reid.train.schedule import Stage

MOST_LINES = 60
"""Epochs of which each is given a line of its own; with more, those that are alike share one."""


def timeline(config: Config) -> list[dict[str, Any]]:
    """What happens in each epoch.

    Returns:
        For each epoch: "epoch" (from 0), "stage", "learners" (1 where the whole vector is trained on the whole set),
        "divides" (whether the set is divided anew before it), "backbone_rests", and "lr", the learning rate of each group
        of parameters at its beginning.
    """
    course, factors, groups = schedule(config), rates(config), group_rates(config)._asdict()
    if config.division.subspaces != "learned":
        del groups["masks"]
    rows = []
    for epoch in range(course.epochs):
        rests, factor = course.backbone_rests(epoch), factors.factor(epoch, 0.0)
        learners = course.learners_at(epoch) if course.draws_from_clusters(epoch) else 1
        rows.append(
            {
                "epoch": epoch,
                "stage": str(course.stage(epoch)),
                "learners": learners,
                "divides": course.divides(epoch) and learners > 1,
                "backbone_rests": rests,
                "lr": {
                    name: 0.0 if rests and name == "backbone" else rate.lr * factor for name, rate in groups.items()
                },
            }
        )
    return rows


def timeline_table(rows: Sequence[dict[str, Any]]) -> str:
    """`timeline` as a table; in long runs, neighbouring epochs that differ only in when they divide share a line."""
    names = list(rows[0]["lr"])
    header = ["epochs", "stage", "learners", "new division", "backbone rests", *(f"lr {name}" for name in names)]
    lines = [_cells(span, names) for span in _spans(rows)]
    if not any(row["backbone_rests"] for row in rows):
        header, *lines = [[*line[:4], *line[5:]] for line in (header, *lines)]
    widths = [max(len(line[column]) for line in [header, *lines]) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in [header, *lines]
    )


def stages_line(config: Config) -> str:
    """The stages of a run on one line, such as "divide 1-5, conquer 6-10, finetune 11-12"; epochs are counted from 1."""
    course = schedule(config)
    parts = []
    for first, last, stage in course.timeline():
        doubles = stage == Stage.DIVIDE and course.doubling
        learners = f" ({course.learners_at(first)} to {course.learners_at(last - 1)} learners)" if doubles else ""
        parts.append(f"{stage} {first + 1}" + f"-{last}" * (last > first + 1) + learners)
    return ", ".join(parts)


def _spans(rows: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    spans: list[list[dict[str, Any]]] = []
    for row in rows:
        if spans and len(rows) > MOST_LINES and _kind(row) == _kind(spans[-1][-1]):
            spans[-1].append(row)
        else:
            spans.append([row])
    return spans


def _kind(row: dict[str, Any]) -> tuple[Any, ...]:
    """What is the same in neighbouring epochs that share a line: all but when they divide and the backbone rests after it."""
    return row["stage"], row["learners"], {name: lr for name, lr in row["lr"].items() if name != "backbone"}


def _cells(span: Sequence[dict[str, Any]], names: Sequence[str]) -> list[str]:
    first, last = span[0], span[-1]
    epochs = f"{first['epoch'] + 1}" + f"-{last['epoch'] + 1}" * (len(span) > 1)
    divisions = [row["epoch"] + 1 for row in span if row["divides"]]
    if len(divisions) > 1:
        when = f"every {divisions[1] - divisions[0]} epochs from {divisions[0]}"
    else:
        when = ("yes" if len(span) == 1 else f"before {divisions[0]}") if divisions else "-"
    resting = sum(row["backbone_rests"] for row in span)
    rests = ("yes" if len(span) == 1 else f"{resting} of {len(span)} epochs") if resting else "-"
    rates = (f"{max(row['lr'][name] for row in span):.3g}" for name in names)
    return [epochs, first["stage"], str(first["learners"]), when, rests, *rates]
