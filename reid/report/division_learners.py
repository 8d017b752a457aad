"""What the learners did, epoch by epoch: how well each one's slice finds things alone, its loss, its active pairs."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from reid import files
from reid.errors import ConfigError
from reid.report.canvas import FAINT, INK, learner_colour, new_figure, plain_axes, to_png, writing_on

Event = Mapping[str, Any]

_SIZE = (8.54, 3.9)
_WHOLE = "#b3200f"
_FEW = 8  # lines that a legend names one by one


def learner_recall(events: Sequence[Event], out: Path, *, best: int | None = None) -> None:
    """Draw recall@1 of every learner's slice alone and of all together: bars of one epoch, and the course of all.

    Args:
        events: "learners" events, by epoch; those without recalls are left out.
        out: the file; its folder must exist.
        best: epoch of the bars; None, or one that was not measured, is the last.

    Raises:
        ConfigError: no event has recalls.
        OutputError: the file cannot be written.
    """
    measured = [event for event in events if event.get("recall")]
    if not measured:
        raise ConfigError("no epoch has recalls of slices to draw")
    shown = next((event for event in measured if event["epoch"] == best), measured[-1])
    figure = new_figure(*_SIZE)
    bars = figure.add_axes((0.07, 0.15, 0.38, 0.68))
    course = figure.add_axes((0.56, 0.15, 0.42, 0.68), sharey=bars)
    _bars(bars, shown["recall"])
    _course(course, measured, shown["epoch"])
    bars.set_ylim(0, None)
    kept = "the epoch that was kept" if shown["epoch"] == best else "the last epoch measured"
    title = f"epoch {shown['epoch'] + 1}, {kept}; {shown['recall']['queries']:,} held-out training images asked"
    _title(figure, "Recall@1 of each slice alone", title)
    files.write_bytes(out, to_png(figure))


def learner_losses(events: Sequence[Event], out: Path) -> None:
    """Draw the loss of every learner over the epochs and, where the loss counts them, its active pairs.

    Args:
        events: "learners" events, by epoch.
        out: the file; its folder must exist.

    Raises:
        ConfigError: there are none.
        OutputError: the file cannot be written.
    """
    if not events:
        raise ConfigError("no epoch has losses of learners to draw")
    panels = [("loss", "mean loss of a batch")]
    if any(value is not None for event in events for value in event["active_pairs"]):
        panels.append(("active_pairs", "active pairs in a batch"))
    figure = new_figure(*_SIZE)
    width = 0.98 / len(panels)
    for place, (key, words) in enumerate(panels):
        axes = figure.add_axes((0.07 + place * width, 0.15, width - 0.085, 0.68))
        _lines(axes, events, key)
        axes.set_ylim(0, None)
        axes.set_ylabel(words, fontsize=8, color=INK)
        _epochs(axes, events)
    most = max(len(event["loss"]) for event in events)
    colours = ["learners from dark (0) to light"] * (most > _FEW)
    colours += ["red: one learner, with all images"] * any(len(event["loss"]) == 1 for event in events)
    _title(figure, "Loss of each learner", "; ".join(colours))
    files.write_bytes(out, to_png(figure))


def _bars(axes: Any, recall: Mapping[str, Any]) -> None:
    each, whole = recall["each"], 100 * recall["whole"]
    for learner, value in enumerate(each):
        colour = learner_colour(learner, len(each))
        axes.bar(learner, 100 * value, width=0.75, color=colour)
        if len(each) <= 2 * _FEW:
            inside = value > 0.15 * max(recall["whole"], *each)
            about = {"va": "top", "color": writing_on(colour)} if inside else {"va": "bottom", "color": INK}
            place = {"xytext": (0, -3 if inside else 1), "textcoords": "offset points", "ha": "center"}
            axes.annotate(f"{100 * value:.0f}", (learner, 100 * value), fontsize=7, **place, **about)
    axes.axhline(whole, color=_WHOLE, linewidth=1.5)
    words = f"all together {whole:.1f}"
    place = {"xytext": (-4, 3), "textcoords": "offset points", "ha": "right"}
    axes.annotate(words, (len(each) - 0.4, whole), color=_WHOLE, fontsize=8, **place)
    axes.set_xlim(-0.6, len(each) - 0.4)
    axes.set_xticks(range(0, len(each), 1 + len(each) // (2 * _FEW + 1)))
    axes.set_xlabel("learner", fontsize=8, color=INK)
    axes.set_ylabel("recall@1, %", fontsize=8, color=INK)
    plain_axes(axes, grid="y")


def _course(axes: Any, events: Sequence[Event], marked: int) -> None:
    epochs = [event["epoch"] + 1 for event in events]
    recalls = [event["recall"] for event in events]
    low, high = ([100 * pick(recall["each"]) for recall in recalls] for pick in (min, max))
    middle = [100 * sum(recall["each"]) / len(recall["each"]) for recall in recalls]
    axes.fill_between(epochs, low, high, color="#9fb8c8", alpha=0.5, linewidth=0, label="one slice: worst to best")
    axes.plot(epochs, middle, color="#2f6f8f", linewidth=1.5, marker="o", markersize=3, label="one slice: mean")
    whole = [100 * recall["whole"] for recall in recalls]
    axes.plot(epochs, whole, color=_WHOLE, linewidth=1.5, marker="s", markersize=3, label="all together")
    axes.axvline(marked + 1, color=FAINT, linewidth=0.8, linestyle=":")
    axes.legend(loc="best", fontsize=7, frameon=False)
    _epochs(axes, events)


def _lines(axes: Any, events: Sequence[Event], key: str) -> None:
    """A line for every learner, as long as their number stays the same."""
    named = set()
    most = max(len(event[key]) for event in events)
    for learners, together in groupby(events, key=lambda event: len(event[key])):
        some = list(together)
        epochs = [event["epoch"] + 1 for event in some]
        for learner in range(learners):
            colour = learner_colour(learner, learners) if learners > 1 else _WHOLE
            values = [float("nan") if event[key][learner] is None else event[key][learner] for event in some]
            label = str(learner) if 1 < learners == most <= _FEW and learner not in named else None
            named.add(learner if label else None)
            axes.plot(epochs, values, color=colour, linewidth=1.4, marker="o", markersize=3, label=label)
    if named - {None}:
        axes.legend(title="learner", loc="best", fontsize=7, title_fontsize=7, frameon=False, ncols=2)


def _epochs(axes: Any, events: Sequence[Event]) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlim(events[0]["epoch"] + 0.8, events[-1]["epoch"] + 1.2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))
    axes.set_xlabel("epoch", fontsize=8, color=INK)
    plain_axes(axes)


def _title(figure: Any, bold: str, words: str) -> None:
    text = figure.text(0.02, 0.945, bold, fontsize=10, fontweight="bold", color=INK, va="center")
    end = text.get_window_extent(figure.canvas.get_renderer()).x1 / figure.bbox.width
    figure.text(end + 0.015, 0.945, words, fontsize=8, color=FAINT, va="center")
