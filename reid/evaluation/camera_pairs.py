"""From which camera to which an identity is found: one search for every pair of cameras.

Where the overall figure is good but one pair of views fails, such as a rear view against a front view, only this
shows it.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid.distances import CosineDistances
from reid.evaluation import metrics
from reid.evaluation.matches import Labels, Rules
from reid.evaluation.ranking import MEMORY, rank_matches
from reid.records import JUNK, NO_CAMERA


@dataclass(frozen=True)
class CameraPairs:
    """Figures of the queries of one camera (row) in the part of the gallery that another one took (column).

    Attributes:
        query_cameras: camera numbers of the rows, ascending; queries of an unknown camera are in none.
        gallery_cameras: camera numbers of the columns, ascending; images of an unknown camera are in none.
        queries: scored queries, those with a match there.
        rank1: share of them whose nearest image there is right; None where there are no such queries.
        mAP: mean average precision there; None likewise.
    """

    query_cameras: tuple[int, ...]
    gallery_cameras: tuple[int, ...]
    queries: tuple[tuple[int, ...], ...]
    rank1: tuple[tuple[float | None, ...], ...]
    mAP: tuple[tuple[float | None, ...], ...]  # noqa: N815  the field's spelling

    @property
    def several(self) -> bool:
        """Whether there is more than one pair, so that they say more than the figures of the whole."""
        return len(self.query_cameras) * len(self.gallery_cameras) > 1

    def to_dict(self) -> dict[str, Any]:
        """As JSON: rows by query camera, columns by gallery camera."""
        return asdict(self)


def score_camera_pairs(
    distances: CosineDistances,
    query: Labels,
    gallery: Labels,
    *,
    rules: Rules | None = None,
    average_precision: str = "step",
    memory: int = MEMORY,
) -> CameraPairs | None:
    """Score every pair of cameras; takes about as long as scoring the whole once.

    Args:
        distances: of the queries to the gallery.
        query: labels of the queries.
        gallery: labels of the gallery.
        rules: as of the whole ranking; where the camera rule holds, no query has a match on its own camera.
        average_precision: definition of mAP.
        memory: bytes of scratch; the vectors of one gallery camera are copied besides.

    Returns:
        The matrix; None where either side has no image of known camera.
    """
    rows, columns = _cameras(query), _cameras(gallery)
    if query.cameras is None or gallery.cameras is None or not rows or not columns:
        return None
    number, rank1, precisions = (np.full((len(rows), len(columns)), np.nan) for _ in range(3))
    for column, camera in enumerate(columns):
        images = np.flatnonzero(gallery.cameras == camera)
        part = Labels(gallery.identities[images], gallery.cameras[images])
        found = rank_matches(
            distances.select_gallery(images), query, part, rules=(rules or Rules()).among(images), memory=memory
        )
        hits, precision = metrics.hits(found, 1), metrics.AVERAGE_PRECISIONS[average_precision](found)
        seen_by = query.cameras[found.matches > 0]
        for row, own in enumerate(rows):
            mine = seen_by == own
            number[row, column] = np.count_nonzero(mine)
            rank1[row, column] = metrics.mean(hits[mine])
            precisions[row, column] = metrics.mean(precision[mine])
    counts = tuple(tuple(line) for line in number.astype(int).tolist())
    return CameraPairs(tuple(rows), tuple(columns), counts, _figures(rank1), _figures(precisions))


def _cameras(labels: Labels) -> list[int]:
    """Known cameras of images that are not junk, ascending."""
    if labels.cameras is None:
        return []
    seen = labels.cameras[(labels.identities != JUNK) & (labels.cameras != NO_CAMERA)]
    return [int(camera) for camera in np.unique(seen)]


def _figures(table: NDArray[np.float64]) -> tuple[tuple[float | None, ...], ...]:
    return tuple(tuple(None if np.isnan(value) else value for value in line) for line in table.tolist())
