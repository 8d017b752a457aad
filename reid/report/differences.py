"""Picture of what sets two models apart: the difference of every figure, with its interval."""

from collections.abc import Mapping
from pathlib import Path

from reid import files
from reid.errors import ConfigError
from reid.evaluation.comparison import Difference
from reid.report.canvas import FAINT, INK, new_figure, plain_axes, to_png
from reid.report.tables import heading

BETTER, WORSE, EVEN = "#1a964b", "#d63028", "#7a828c"


def differences(figures: Mapping[str, Difference], out: Path) -> None:
    """Draw the differences, one below the other, into a PNG file.

    A difference is green where B is better and the whole interval says so, red where A is, and grey else.

    Args:
        figures: differences by figure.
        out: the file; its folder must exist.

    Raises:
        ConfigError: there are none.
        OutputError: the file cannot be written.
    """
    if not figures:
        raise ConfigError("there are no figures to compare")
    figure = new_figure(5.2, 0.9 + 0.34 * len(figures))
    height = 0.9 + 0.34 * len(figures)
    axes = figure.add_axes((0.17, 0.56 / height, 0.66, 1 - 0.62 / height))
    axes.axvline(0, color=FAINT, linewidth=1)
    for place, (_, found) in enumerate(figures.items()):
        low, high = (100 * end for end in (found.interval or (found.difference, found.difference)))
        colour = BETTER if found.interval and low > 0 else WORSE if found.interval and high < 0 else EVEN
        axes.plot([low, high], [place, place], color=colour, linewidth=3, alpha=0.55, solid_capstyle="round")
        axes.plot(100 * found.difference, place, color=colour, marker="o", markersize=7)
        words = f"{100 * found.difference:+.1f}"
        axes.annotate(words, (1.03, place), xycoords=("axes fraction", "data"), va="center", fontsize=10, color=colour)
    axes.set_yticks(range(len(figures)), [heading(name) for name in figures])
    axes.set_ylim(len(figures) - 0.4, -0.6)
    widest = max(abs(value) for value in axes.get_xlim())
    axes.set_xlim(-widest, widest)
    axes.set_xlabel("A is better        B - A, points        B is better", fontsize=10, color=INK)
    plain_axes(axes, grid="x")
    axes.tick_params(labelsize=10)
    files.write_bytes(out, to_png(figure))
