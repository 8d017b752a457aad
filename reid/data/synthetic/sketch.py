"""Round bodies for one view: limbs, and patches of surfaces that are stacks of ellipses.

Only the half of a round body that a camera sees is ever made, as one polygon per patch. All patches of a figure are
worked out together, because dozens of small array operations per figure would cost more than the drawing.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reid.data.synthetic.mesh import Colour, Floats, Mesh, View

Angles = float | list[float] | Floats

_ROWS = 9  # of every patch; shorter ones repeat their last row
_QUARTER = math.pi / 2
_SLIVER = 0.05  # radians: a row that is seen narrower than this is left out
_SHARES = np.linspace(0.0, 1.0, 7)  # corners along the visible part of the first and the last row
_BORDER = np.concatenate(
    [np.zeros(7, int), np.arange(1, _ROWS - 1), np.full(7, _ROWS - 1), np.arange(_ROWS - 2, 0, -1)]
)
_CAP = np.linspace(0.0, math.pi, 7)  # the round end of a limb


@dataclass(frozen=True, eq=False)
class Loft:
    """A stack of ellipses around a vertical axis.

    Attributes:
        heights: (N,) increasing.
        across: (N,) half widths along y.
        along: (N,) half widths along x.
        centre: x and y of the axis.
    """

    heights: Floats
    across: Floats
    along: Floats
    centre: tuple[float, float] = (0.0, 0.0)


@dataclass
class Sketch:
    """Collects patches and limbs in drawing order; `mesh` makes their polygons."""

    patches: list[Floats] = field(default_factory=list)
    limbs: list[Floats] = field(default_factory=list)
    orders: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    colours: list[Colour] = field(default_factory=list)
    ranks: list[tuple[float, float, float]] = field(default_factory=list)

    def patch(
        self,
        loft: Loft,
        colour: Colour,
        rows: Floats,
        start: Angles = -math.pi,
        end: Angles = math.pi,
        *,
        layer: float,
        place: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Add the part of a surface between two heights and two angles.

        Args:
            loft: the surface.
            colour: of the patch.
            rows: (M,) heights in order, M from 2 to 9.
            start: angle where it begins, one or one per row; 0 is the front, a quarter turn the left.
            end: angle where it ends.
            layer: lower layers are drawn first.
            place: x and y of the piece it belongs to; within a layer, far pieces are drawn first.
        """
        count = len(rows)
        table = np.empty((7, _ROWS))
        table[0, :count] = rows
        table[1, :count] = np.interp(rows, loft.heights, loft.across)
        table[2, :count] = np.interp(rows, loft.heights, loft.along)
        table[3, :count] = start
        table[4, :count] = end
        table[:5, count:] = table[:5, count - 1 : count]
        table[5:] = np.array(loft.centre)[:, None]
        self.patches.append(table)
        self._rank(0, colour, layer, place)

    def limb(
        self,
        joints: list[Floats],
        radii: list[float],
        colour: Colour,
        *,
        layer: float,
        place: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Add bones with round ends between (3,) joints; N joints, N radii, N - 1 bones."""
        ends = np.array(joints)
        bones = np.empty((len(joints) - 1, 8))
        bones[:, :3], bones[:, 3:6] = ends[:-1], ends[1:]
        bones[:, 6], bones[:, 7] = radii[:-1], radii[1:]
        self.limbs.append(bones)
        for _ in bones:
            self._rank(1, colour, layer, place)

    def mesh(self, view: View, azimuth: float, hull: Floats) -> Mesh:
        """What a camera at `azimuth` (radians) sees of all shapes; `hull` as in `Mesh`."""
        patches, seen = _patches(np.stack(self.patches), azimuth)
        kinds = (patches, _bones(np.concatenate(self.limbs), view))
        faces = len(self.colours)
        spans, centres = np.empty((faces, 2), dtype=np.int64), np.empty((faces, 3))
        shown = np.ones(faces, dtype=np.bool_)
        shown[self.orders[0]] = seen
        first = 0
        for polygons, order in zip(kinds, self.orders, strict=True):
            count, corners = polygons.shape[:2]
            starts = first + corners * np.arange(count)
            spans[order] = np.stack([starts, starts + corners], axis=1)
            centres[order] = polygons.mean(axis=1)
            first += count * corners
        ranks = np.array(self.ranks)[shown]
        return Mesh(
            points=np.concatenate([polygons.reshape(-1, 3) for polygons in kinds]),
            spans=spans[shown],
            colours=np.array(self.colours)[shown],
            normals=np.zeros((len(ranks), 3)),
            centres=centres[shown],
            layers=ranks[:, 0],
            places=ranks[:, 1:],
            hull=hull,
        )

    def _rank(self, kind: int, colour: Colour, layer: float, place: tuple[float, float]) -> None:
        self.orders[kind].append(len(self.colours))
        self.colours.append(colour)
        self.ranks.append((layer, *place))


def _patches(tables: Floats, azimuth: float) -> tuple[Floats, NDArray[np.bool_]]:
    """(M, 7, rows) -> (M, K, 3) borders of the visible parts, and (M,) whether there are any."""
    heights, across, along, start, end, x, y = tables.transpose(1, 0, 2)
    # In the ellipse's own parameter the outline is a quarter turn either side of this direction.
    facing = np.arctan2(along * math.sin(azimuth), across * math.cos(azimuth))
    half = (end - start) / 2
    turned = ((start + end) / 2 - facing + math.pi) % (2 * math.pi) - math.pi
    whole = half >= math.pi
    low = np.where(whole, -_QUARTER, np.maximum(turned - half, -_QUARTER))
    high = np.where(whole, _QUARTER, np.minimum(turned + half, _QUARTER))
    seen = high - low > _SLIVER
    bottom, top = seen.argmax(axis=1), _ROWS - 1 - seen[:, ::-1].argmax(axis=1)
    kept = np.clip(np.arange(_ROWS), bottom[:, None], top[:, None])
    high = np.maximum(low, high)
    heights, across, along, low, high, x, y = (
        np.take_along_axis(column, kept, axis=1)
        for column in (heights, across, along, facing + low, facing + high, x, y)
    )
    angles = np.concatenate(
        [
            low[:, :1] + _SHARES * (high[:, :1] - low[:, :1]),
            high[:, 1:-1],
            high[:, -1:] + _SHARES * (low[:, -1:] - high[:, -1:]),
            low[:, -2:0:-1],
        ],
        axis=1,
    )
    points = np.empty((*angles.shape, 3))
    points[..., 0] = x[:, _BORDER] + along[:, _BORDER] * np.cos(angles)
    points[..., 1] = y[:, _BORDER] + across[:, _BORDER] * np.sin(angles)
    points[..., 2] = heights[:, _BORDER]
    return points, np.any(seen, axis=1)


def _bones(limbs: Floats, view: View) -> Floats:
    """(B, 8) start, end and two radii -> (B, 14, 3) outlines in the plane that faces the camera."""
    start, end, thick, thin = limbs[:, :3], limbs[:, 3:6], limbs[:, 6, None], limbs[:, 7, None]
    right, down = view.axes[0], view.axes[1]
    turn = np.arctan2((end - start) @ down, (end - start) @ right)
    around = turn[:, None] + _QUARTER + _CAP
    spokes = np.cos(around)[..., None] * right + np.sin(around)[..., None] * down
    near = start[:, None] + thick[..., None] * spokes
    far = end[:, None] - thin[..., None] * spokes
    return np.concatenate([near, far], axis=1)
