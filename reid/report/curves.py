"""Pictures of what a test set found as a whole: CMC, precision and recall, ROC, similarities of pairs; as PNG files.

They are as wide as half a page, with letters that can still be read on a telephone.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reid import files
from reid.errors import ConfigError
from reid.evaluation.verification import Verification
from reid.report.canvas import FAINT, INK, new_figure, plain_axes, to_png
from reid.text import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Ends = tuple[float, float]
Shares = NDArray[np.float64]

COLOURS = ("#3c4858", "#1a964b", "#d63028", "#e08a00", "#7b4fb3", "#0f8fb0")
MATCHING, OTHERS = "#1a964b", "#d63028"

_SIZE = (5.2, 3.9)
_PLACE = (0.125, 0.135, 0.845, 0.83)
_BARS = 64  # of a histogram, about
_OUTSIDE = 1e-4  # share of pairs that a histogram may leave out at either end


def cmc_curves(
    curves: Mapping[str, Sequence[float]],
    out: Path,
    *,
    bands: Mapping[str, Sequence[Ends]] | None = None,
    at_ranks: Mapping[str, Mapping[int, Ends]] | None = None,
) -> None:
    """Draw CMC curves into a PNG file.

    Args:
        curves: the share of queries with a match among the first 1, 2, 3, ... images, by name; such as the `curve`
            of reports. Empty ones are left out.
        out: the file; its folder must exist.
        bands: intervals at ranks 1, 2, 3, ..., by name of the curve; drawn as a band.
        at_ranks: intervals at single ranks, likewise; drawn as whiskers.

    Raises:
        ConfigError: there is no curve.
        OutputError: the file cannot be written.
    """
    drawn = _refuse_none(curves)
    figure, axes = _axes()
    for (name, curve), colour in zip(drawn.items(), _colours(len(drawn)), strict=True):
        label = f"{printable(name)}  ({100 * curve[0]:.1f} at rank 1)"
        axes.plot(range(1, len(curve) + 1), 100 * np.asarray(curve), color=colour, linewidth=1.8, label=label)
        low, high = 100 * np.asarray((bands or {}).get(name, ())).reshape(-1, 2).T
        axes.fill_between(range(1, len(low) + 1), low, high, color=colour, alpha=0.18, linewidth=0)
        for rank, ends in (at_ranks or {}).get(name, {}).items():
            axes.plot([rank, rank], 100 * np.asarray(ends), color=colour, linewidth=1.2, marker="_", markersize=7)
    longest = max(map(len, drawn.values()))
    axes.set_xlim(1, max(2, longest))
    axes.set_xticks([1, *(tick for tick in axes.get_xticks() if 2 < tick <= longest and tick % 1 == 0)])
    axes.set_ylim(None, 100.5)
    _words(axes, "rank", "queries with a match so far, %", "lower right")
    files.write_bytes(out, to_png(figure))


def precision_recall(curves: Mapping[str, Sequence[float]], out: Path) -> None:
    """Draw curves of precision over recall into a PNG file.

    Args:
        curves: precision at recalls of 0, 1 %, ..., 100 %, by name; empty ones are left out.
        out: the file; its folder must exist.

    Raises:
        ConfigError: there is no curve.
        OutputError: the file cannot be written.
    """
    drawn = _refuse_none(curves)
    figure, axes = _axes()
    for (name, curve), colour in zip(drawn.items(), _colours(len(drawn)), strict=True):
        recall = np.linspace(0, 100, len(curve))
        label = f"{printable(name)}  ({100 * curve[len(curve) // 2]:.1f} at half)"
        axes.plot(recall, 100 * np.asarray(curve), color=colour, linewidth=1.8, label=label)
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 101)
    _words(axes, "recall, % of a query's matches", "precision, % (mean over queries)", "best")
    files.write_bytes(out, to_png(figure))


def roc_curves(found: Mapping[str, Verification], out: Path) -> None:
    """Draw ROC curves, the rate of false matches on a logarithmic axis, into a PNG file.

    Args:
        found: verification by name; those without a curve are left out.
        out: the file; its folder must exist.

    Raises:
        ConfigError: there is no curve.
        OutputError: the file cannot be written.
    """
    drawn = _refuse_none({name: one.curve for name, one in found.items()})
    figure, axes = _axes()
    lowest = max(1e-6, min(1 / found[name].other_pairs for name in drawn))
    for (name, curve), colour in zip(drawn.items(), _colours(len(drawn)), strict=True):
        points = np.asarray(curve)
        label = printable(name)
        if found[name].eer is not None:
            label += f"  (EER {100 * (found[name].eer or 0):.1f} %)"
        axes.plot(np.maximum(points[:, 0], lowest), 100 * points[:, 1], color=colour, linewidth=1.8, label=label)
    axes.plot(
        np.geomspace(lowest, 1),
        100 * np.geomspace(lowest, 1),
        color=FAINT,
        linewidth=0.8,
        linestyle=":",
        label="chance",
    )
    axes.set_xscale("log")
    axes.set_xlim(lowest, 1)
    axes.set_ylim(0, 101)
    _words(axes, "share of other pairs accepted (FPR)", "matching pairs accepted (TPR), %", "best")
    files.write_bytes(out, to_png(figure))


def similarity_histogram(found: Verification, out: Path, *, thresholds: Mapping[str, float] | None = None) -> None:
    """Draw how similar matching and other pairs are, each kind as shares of its own, into a PNG file.

    Args:
        found: of the pairs.
        out: the file; its folder must exist.
        thresholds: similarities that are marked, by what they are called.

    Raises:
        ConfigError: there are no pairs of either kind.
        OutputError: the file cannot be written.
    """
    both = np.asarray(found.matching), np.asarray(found.others)
    if not all(shares.any() for shares in both):
        raise ConfigError("there are no matching, or no other pairs to draw")
    edges, shares = _bars(*both)
    figure, axes = _axes()
    for values, colour, pairs, name in (
        (shares[1], OTHERS, found.other_pairs, "other"),
        (shares[0], MATCHING, found.matching_pairs, "matching"),
    ):
        axes.stairs(100 * values, edges, fill=True, color=colour, alpha=0.35)
        axes.stairs(100 * values, edges, color=colour, linewidth=1.4, label=f"{pairs:,} {name} pairs")
    for (name, score), line in zip((thresholds or {}).items(), ("-", "--", ":"), strict=False):
        if edges[0] <= score <= edges[-1]:
            axes.axvline(score, color=INK, linewidth=1.3, linestyle=line, label=f"{printable(name)}: {score:.3f}")
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0, None)
    _words(axes, "similarity (cosine)", "share of the pairs of either kind, %", "best")
    files.write_bytes(out, to_png(figure))


def _bars(matching: Shares, others: Shares) -> tuple[Shares, list[Shares]]:
    """Edges of some 64 bars over the similarities that occur, ascending, and the shares of either kind in them."""
    together = np.cumsum(matching + others) / 2
    first = int(np.searchsorted(together, _OUTSIDE))
    last = min(len(together) - 1, int(np.searchsorted(together, 1 - _OUTSIDE)))
    width = max(1, -(-(last + 1 - first) // _BARS))
    bars = -(-(last + 1 - first) // width)
    first = max(0, min(first, len(together) - bars * width))
    cut = slice(first, first + bars * width)
    rows = [np.pad(shares[cut], (0, bars * width - len(shares[cut]))) for shares in (matching, others)]
    edges = 1 - (first + width * np.arange(bars + 1)) * 2.0 / len(together)
    return edges[::-1], [row.reshape(bars, width).sum(axis=1)[::-1] for row in rows]


def _axes() -> "tuple[Figure, Any]":
    figure = new_figure(*_SIZE)
    return figure, figure.add_axes(_PLACE)


def _colours(number: int) -> list[str]:
    return [COLOURS[place % len(COLOURS)] for place in range(number)]


def _refuse_none(curves: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    drawn = {name: curve for name, curve in curves.items() if len(curve)}
    if not drawn:
        raise ConfigError("there is no curve to draw: no query has a match")
    return drawn


def _words(axes: Any, below: str, left: str, legend: str) -> None:
    axes.set_xlabel(below, fontsize=10, color=INK)
    axes.set_ylabel(left, fontsize=10, color=INK)
    plain_axes(axes)
    axes.tick_params(labelsize=9)
    for words in axes.legend(loc=legend, fontsize=9, frameon=True, framealpha=0.7, edgecolor="none").get_texts():
        words.set_parse_math(False)
