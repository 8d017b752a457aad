"""What all pictures are drawn on: figures without global state, as PNG, in colours that everybody can tell apart."""

import warnings
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from reid.report.tiles import Pixels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 150
INK, FAINT, PALE = "#1f1f1f", "#6b6b6b", "#e6e6e6"
RESTING = "#b4b4b4"
"""Of images that sit out."""

_FIRST, _LAST = 0.04, 0.94  # ends of the colour map that are neither black nor too pale on white


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure of this many inches that knows how to draw itself without any global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def to_png(figure: "Figure", under: Pixels | None = None) -> bytes:
    """The figure as a PNG file.

    Args:
        figure: from `new_figure`.
        under: (H, W, 3) uint8 RGB of the figure's size in pixels, on which it is drawn; white if not given.
    """
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]  # of the canvas that new_figure makes
    renderer.clear()
    if under is not None:
        figure.patch.set_visible(False)
        renderer.draw_image(renderer.new_gc(), 0, 0, cv2.cvtColor(under, cv2.COLOR_RGB2RGBA)[::-1])
    with warnings.catch_warnings():
        # A name in a script that no installed font covers is drawn as boxes; that is no reason to complain.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.draw(renderer)
    return encode(np.asarray(renderer.buffer_rgba())[:, :, :3])


def encode(picture: Pixels) -> bytes:
    """A PNG file of (H, W, 3) uint8 RGB: smaller than those of matplotlib, which have transparency, and made faster."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 2])[1].tobytes()


def learner_colour(learner: int, learners: int) -> tuple[float, float, float]:
    """Red, green and blue, 0..1, of one of K learners: its place on a map from dark to light.

    The map (viridis) grows lighter all the way, so that colour-blind readers and grey prints keep the order. Where
    the number of learners is doubled, 2 k and 2 k + 1 are the neighbours of what k was.
    """
    import matplotlib as mpl

    red, green, blue, _ = mpl.colormaps["viridis"](_FIRST + (_LAST - _FIRST) * (learner + 0.5) / learners)
    return float(red), float(green), float(blue)


def writing_on(colour: tuple[float, float, float]) -> str:
    """White or dark, whichever is easier to read on a colour."""
    return "white" if 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] < 0.55 else INK


def plain_axes(axes: Any, *, grid: str = "both") -> None:
    """Axes as all pictures have them: a pale grid, no frame on the right and on top."""
    axes.tick_params(labelsize=8, colors=FAINT)
    axes.grid(color=PALE, linewidth=0.7, axis=grid)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
