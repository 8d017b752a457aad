"""The division over time: which images stayed with their learner, and where the others went."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reid import files
from reid.errors import ConfigError
from reid.records import Integers
from reid.report.canvas import DPI, FAINT, INK, RESTING, learner_colour, new_figure, to_png, writing_on
from reid.report.division import Round, moves, staying, thinned

_INCHES, _TALLER = (8.54, 5.6), 0.12  # 1281 x 840 pixels, and so much for every learner beyond eight
_LEFT, _WIDTH = 0.085, 0.83
_NARROWEST, _BROADEST = 34, 66  # pixels of a bar
_GAPS = 0.12  # all gaps between the bars of a round together, in shares of all images
_WIDEST_GAP = 0.03
_LEGEND = (
    "out: no other image of its identity in its cluster, so it is not trained on.   "
    "stay: of the images in a cluster both times, those with the same learner or a child of it."
)
_WORDS = ((15, 7.0), (10, 5.0))  # bars of at least so many pixels have room for words of so many points


@dataclass(frozen=True)
class _Bar:
    """One cluster of one round, from `bottom` up; in shares of all images."""

    bottom: float
    height: float

    @property
    def middle(self) -> float:
        return self.bottom + self.height / 2


def division_flow(rounds: Sequence[Round], out: Path, *, stages: Mapping[int, str] | None = None) -> None:
    """Draw the divisions of a run side by side, with a ribbon for the images that went from one cluster to another.

    Bars are clusters, as high as they have images, the first on top; images that sit out are grey, below. Ribbons have
    the colour of the cluster they come from. Above each gap stands the share of images that stayed with their learner,
    or with a child of it where their number grew; sitting out is not staying.

    Args:
        rounds: the divisions, in order, of the same images; of more than 12 some in between are left out.
        out: the file; its folder must exist.
        stages: stage by epoch, which is written below the rounds.

    Raises:
        ConfigError: there are no rounds.
        OutputError: the file cannot be written.
    """
    if not rounds:
        raise ConfigError("there is no division to draw")
    places = thinned([one.learners for one in rounds])
    shown = [rounds[place] for place in places]
    inches = _INCHES[0], _INCHES[1] + _TALLER * max(0, max(one.learners for one in shown) - 8)
    figure = new_figure(*inches)
    below = 0.8 / inches[1]
    axes = figure.add_axes((_LEFT, below, _WIDTH, 1 - 0.65 / inches[1] - below))
    drawing = _Drawing(axes, _bar_width(len(shown)), (1 + _GAPS) / (axes.get_position().height * inches[1] * DPI))
    bars = [_bars(one) for one in shown]
    for place in range(len(shown) - 1):
        drawing.ribbons(place, shown[place : place + 2], bars[place : place + 2], places[place + 1] - places[place] - 1)
    for place, (one, heights) in enumerate(zip(shown, bars, strict=True)):
        drawing.bars(place, one, heights)
    drawing.sizes(0, -1, shown[0], bars[0])
    if len(shown) > 1:
        drawing.sizes(len(shown) - 1, 1, shown[-1], bars[-1])
    drawing.frame(shown, stages or {})
    _words(figure, rounds, len(rounds) - len(shown))
    files.write_bytes(out, to_png(figure))


def _bars(one: Round) -> list[_Bar]:
    """Of every cluster, and of what sits out, from the top."""
    counts = [*one.sizes().tolist(), int((one.clusters < 0).sum())]
    total, present = len(one.clusters), sum(count > 0 for count in counts)
    gap = min(_GAPS / max(1, present - 1), _WIDEST_GAP)
    top = 1 + (_GAPS + gap * (present - 1)) / 2
    bars = []
    for count in counts:
        bars.append(_Bar(top - count / total, count / total))
        top -= count / total + gap * (count > 0)
    return bars


@dataclass(frozen=True)
class _Drawing:
    """Axes on which a step from one round to the next is 1, and all images together are 1.

    Attributes:
        axes: of matplotlib.
        width: of a bar.
        pixel: height of one.
    """

    axes: Any
    width: float
    pixel: float

    def ribbons(self, place: int, rounds: Sequence[Round], bars: Sequence[list[_Bar]], skipped: int) -> None:
        """What went from each cluster of a round to each of the next one shown, and how much stayed."""
        from matplotlib.collections import PathCollection

        before, after = rounds
        paths, colours = [], []
        for row, column, left, right, height in _flows(moves(before, after), len(before.clusters), *bars):
            paths.append(_ribbon(place + self.width / 2, place + 1 - self.width / 2, left, right, height))
            resting = before.learners == row
            strength = 0.3 if resting or column == after.learners else 0.5
            colours.append((*(_grey() if resting else learner_colour(row, before.learners)), strength))
        self.axes.add_collection(PathCollection(paths, facecolors=colours, edgecolors="none"))
        if (stay := staying(before, after)) is not None:
            self._write(place + 0.5, 1 + _GAPS + 13 * self.pixel, f"{100 * stay:.0f} % stay")
        if skipped:
            self._write(place + 0.5, 1 + _GAPS + 32 * self.pixel, f"{skipped + 1} rounds")

    def bars(self, place: int, one: Round, bars: Sequence[_Bar]) -> None:
        """The clusters of a round."""
        for cluster, bar in enumerate(bars):
            resting = cluster == one.learners
            colour = _grey() if resting else learner_colour(cluster, one.learners)
            self.axes.bar(place, bar.height, width=self.width, bottom=bar.bottom, color=colour)
            words = "out" if resting else str(cluster)
            self._write(place, bar.middle, words, room=bar.height, colour=writing_on(colour))

    def sizes(self, place: int, side: int, one: Round, bars: Sequence[_Bar]) -> None:
        """Images of each cluster, beside its bar; `side` is -1 on the left and 1 on the right."""
        x = place + side * (self.width / 2 + 0.15 * self.width)
        for count, bar in zip([*one.sizes().tolist(), int((one.clusters < 0).sum())], bars, strict=True):
            self._write(x, bar.middle, f"{count:,}", room=bar.height, align="right" if side < 0 else "left")

    def frame(self, shown: Sequence[Round], stages: Mapping[int, str]) -> None:
        """Epochs below, and nothing else around."""
        alone = 0.5 * (len(shown) == 1)
        self.axes.set_xlim(-alone - self.width / 2, len(shown) - 1 + alone + self.width / 2)
        self.axes.set_ylim(0, 1 + _GAPS)
        words = [f"epoch {shown[0].epoch + 1}", *(str(one.epoch + 1) for one in shown[1:])]
        labels = [f"{word}\n{stages.get(one.epoch, '')}" for word, one in zip(words, shown, strict=True)]
        self.axes.set_xticks(range(len(shown)), labels, fontsize=8, color=INK)
        self.axes.tick_params(length=0)
        self.axes.set_yticks([])
        for spine in self.axes.spines.values():
            spine.set_visible(False)

    def _write(
        self, x: float, y: float, words: str, *, room: float = 1.0, colour: str = FAINT, align: str = "center"
    ) -> None:
        sizes = [size for pixels, size in _WORDS if room >= pixels * self.pixel]
        if sizes:
            self.axes.text(x, y, words, ha=align, va="center", fontsize=sizes[0], color=colour)


def _bar_width(rounds: int) -> float:
    """In steps from one round to the next."""
    pixels = _WIDTH * _INCHES[0] * DPI
    steps = max(1, rounds - 1)
    bar = min(max(0.2 * pixels / steps, _NARROWEST), _BROADEST)
    return bar * steps / (pixels - bar)


def _flows(
    counts: Integers, total: int, left: Sequence[_Bar], right: Sequence[_Bar]
) -> Iterator[tuple[int, int, float, float, float]]:
    """Source, target, upper ends on the left and on the right, and height of every ribbon; none crosses within a bar."""
    tops = [bar.bottom + bar.height for bar in left], [bar.bottom + bar.height for bar in right]
    for row, column in np.argwhere(counts).tolist():
        height = counts[row, column] / total
        yield row, column, tops[0][row], tops[1][column], height
        tops[0][row] -= height
        tops[1][column] -= height


def _ribbon(x0: float, x1: float, left: float, right: float, height: float) -> Any:
    from matplotlib.path import Path as Outline

    middle = (x0 + x1) / 2
    points = [
        (x0, left),
        (middle, left),
        (middle, right),
        (x1, right),
        (x1, right - height),
        (middle, right - height),
        (middle, left - height),
        (x0, left - height),
        (x0, left),
    ]
    codes = [Outline.MOVETO, *[Outline.CURVE4] * 3, Outline.LINETO, *[Outline.CURVE4] * 3, Outline.CLOSEPOLY]
    return Outline(points, codes)


def _words(figure: Any, rounds: Sequence[Round], left_out: int) -> None:
    inches = figure.get_figheight()
    times = "once" if len(rounds) == 1 else f"{len(rounds)} times"
    words = f"{len(rounds[-1].clusters):,} training images, divided {times}"
    words += f"; {left_out} rounds in between are not shown" if left_out else ""
    top, bottom = 1 - 0.19 / inches, 0.17 / inches
    figure.text(0.02, top, "Division over time", fontsize=10, fontweight="bold", color=INK, va="center")
    figure.text(0.2, top, words, fontsize=8, color=FAINT, va="center")
    figure.text(0.02, bottom, _LEGEND, fontsize=7, color=FAINT, va="center")


def _grey() -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(RESTING)
