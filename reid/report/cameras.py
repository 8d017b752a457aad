"""Picture of which camera finds what another one saw."""

from pathlib import Path

import numpy as np

from reid import files
from reid.evaluation.camera_pairs import CameraPairs
from reid.report.canvas import FAINT, INK, new_figure, to_png

_NUMBERED = 14  # cameras of a side up to which the figures are written into the fields
_INCHES = 4.4


def camera_matrix(pairs: CameraPairs, out: Path) -> None:
    """Draw rank-1 of every pair of query and gallery camera, darker is worse; fields without a query stay empty.

    Args:
        pairs: figures by cameras, at least one on either side.
        out: the file; its folder must exist.

    Raises:
        OutputError: the file cannot be written.
    """
    table = np.array([[np.nan if value is None else 100 * value for value in line] for line in pairs.rank1])
    rows, columns = table.shape
    side = _INCHES / max(rows, columns)
    height, width = 0.95 + max(side * rows, 0.5), 1.1 + max(side * columns, 1.5)
    figure = new_figure(width, height)
    left, bottom = 0.8 / width, 0.15 / height
    axes = figure.add_axes((left, bottom, 1 - left - 0.3 / width, 1 - bottom - 0.8 / height))
    axes.imshow(table, cmap="viridis", vmin=min(50.0, float(np.nanmin(table, initial=100))), vmax=100, aspect="auto")
    axes.set_facecolor("#f0f0f0")
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    small = 9 if max(rows, columns) <= _NUMBERED else 6
    axes.set_xticks(range(columns), [str(camera) for camera in pairs.gallery_cameras], fontsize=small)
    axes.set_yticks(range(rows), [str(camera) for camera in pairs.query_cameras], fontsize=small)
    axes.set_xlabel("camera of the gallery image", fontsize=10, color=INK)
    axes.set_ylabel("camera of the query", fontsize=10, color=INK)
    axes.tick_params(length=0, colors=FAINT)
    axes.spines[:].set_visible(False)
    if max(rows, columns) <= _NUMBERED:
        middle = (100 + axes.images[0].get_clim()[0]) / 2
        for row, column in np.argwhere(~np.isnan(table)).tolist():
            value = table[row, column]
            axes.text(
                column, row, f"{value:.0f}", ha="center", va="center", fontsize=9, color="w" if value < middle else INK
            )
    files.write_bytes(out, to_png(figure))
