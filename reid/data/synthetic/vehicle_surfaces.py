"""Where on a vehicle a point of a surface is: maps from flat surface coordinates to the three axes of the world."""

from dataclasses import dataclass

import numpy as np

from reid.data.synthetic.mesh import Floats
from reid.data.synthetic.vehicle_shapes import Shape

_SIDE = 0.965  # half width of the flat of the doors, as a share of half the vehicle's width
_CABIN = 0.93  # the same of the cabin at the sills
_CROWN = 0.05  # height of the rounded edge of the roof, in metres
_INSET = 0.10  # its width
_BEND = 0.20  # by how much the corners of the vehicle are set back behind the middle of its bumpers


@dataclass(frozen=True, eq=False)
class Surfaces:
    """The surfaces of one vehicle.

    Attributes:
        shape: of the vehicle.
        outline: (N, 3) x, z and half width along the middle of the lower body, from under the front bumper over
            bonnet, sills and boot to under the rear bumper.
        sills: (4, 3) corners of the cabin at the foot of its windows: front left, front right, rear right, rear left.
        eaves: the same at the upper edge of its windows.
        crown: the same of the flat of the roof.
        floor: the same of the cargo box's floor.
        ceiling: the same of its top.
    """

    shape: Shape
    outline: Floats
    sills: Floats
    eaves: Floats
    crown: Floats
    floor: Floats
    ceiling: Floats

    @property
    def flank(self) -> float:
        """y of the doors on the left."""
        return _SIDE * self.shape.width / 2

    def side(self, sign: float, at: Floats) -> Floats:
        """(N, 2) rear to front and underside to sill, in 0..1 -> (N, 3) on the doors; sign +1 is the left side."""
        reach = self.shape.front - 0.04
        points = np.empty((len(at), 3))
        points[:, 0] = reach * (2 * at[:, 0] - 1)
        points[:, 1] = sign * self.flank
        points[:, 2] = self.shape.clearance + at[:, 1] * (self.shape.belt - self.shape.clearance)
        return points

    def cabin_side(self, sign: float, at: Floats) -> Floats:
        """(N, 2) rear to front and sill to roof, in 0..1 -> (N, 3) on the side windows."""
        front, back = (0, 3) if sign > 0 else (1, 2)
        return _between(self.sills[back], self.sills[front], self.eaves[front], self.eaves[back], at)

    def window(self, at: Floats, *, front: bool) -> Floats:
        """(N, 2) -1..1 from the vehicle's right to its left, 0..1 up -> (N, 3) on windscreen or rear window."""
        left, right = (0, 1) if front else (3, 2)
        return _across(self.sills[right], self.sills[left], self.eaves[left], self.eaves[right], at)

    def roof(self, at: Floats) -> Floats:
        """(N, 2) -1..1 across, 0..1 rear to front -> (N, 3) on the roof."""
        return _across(self.crown[2], self.crown[3], self.crown[0], self.crown[1], at)

    def box_side(self, sign: float, at: Floats) -> Floats:
        """(N, 2) rear to front and floor to top, in 0..1 -> (N, 3) on the cargo box."""
        front, back = (0, 3) if sign > 0 else (1, 2)
        return _between(self.floor[back], self.floor[front], self.ceiling[front], self.ceiling[back], at)

    def box_rear(self, at: Floats) -> Floats:
        """(N, 2) -1..1 across, 0..1 up -> (N, 3) on the doors of the cargo box."""
        return _across(self.floor[2], self.floor[3], self.ceiling[3], self.ceiling[2], at)

    def bonnet(self, at: Floats) -> Floats:
        """(N, 2) -1..1 across, 0..1 up to the windscreen -> (N, 3) on the bonnet."""
        return self._along(self.outline[4:6], at)

    def nose(self, at: Floats) -> Floats:
        """(N, 2) -1..1 across, 0..1 underside to bonnet -> (N, 3) on the front."""
        return self._along(self.outline[:5], at)

    def rear(self, at: Floats) -> Floats:
        """(N, 2) -1..1 across, 0..1 underside to boot lid -> (N, 3) on the rear."""
        return self._along(self.outline[:-6:-1], at)

    def lateral(self, share: float) -> Floats:
        """(N, 3) the outline at `share` of its half width, -1..1: nose and rear are rounded in plan."""
        x, z, half = self.outline.T
        return np.stack([x + self._setback(x, share), share * half, z], axis=1)

    def _setback(self, x: Floats, share: float | Floats) -> Floats:
        depth = _BEND if self.shape.body not in {"truck", "bus"} else 0.5 * _BEND
        end = np.clip((np.abs(x) - 0.72 * self.shape.front) / (0.28 * self.shape.front), 0.0, 1.0)
        return np.asarray(-np.sign(x) * depth * end * np.square(share), dtype=np.float64)

    def _along(self, profile: Floats, at: Floats) -> Floats:
        run = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(profile[:, 0]), np.diff(profile[:, 1])))])
        up = at[:, 1] * run[-1]
        points = np.empty((len(at), 3))
        points[:, 0] = np.interp(up, run, profile[:, 0])
        points[:, 0] += self._setback(points[:, 0], at[:, 0])
        points[:, 1] = at[:, 0] * np.interp(up, run, profile[:, 2])
        points[:, 2] = np.interp(up, run, profile[:, 1])
        return points


def surfaces_of(shape: Shape) -> Surfaces:
    """The surfaces of a vehicle of `shape`."""
    cowl, back = shape.front - shape.bonnet, -shape.front + shape.tail
    half, top = _CABIN * shape.width / 2, shape.height - _CROWN
    screen, slope = cowl - shape.screen, back + shape.slope
    box, wide = back - 0.12, shape.width / 2 + 0.02
    return Surfaces(
        shape=shape,
        outline=_outline(shape),
        sills=_ring(cowl, back, half, shape.belt),
        eaves=_ring(screen, slope, half - shape.tuck, top),
        crown=_ring(screen - _INSET, slope + _INSET, half - shape.tuck - _INSET, shape.height),
        floor=_ring(box, -shape.front, wide, shape.deck + 0.08),
        ceiling=_ring(box, -shape.front, wide, shape.cargo),
    )


def _outline(shape: Shape) -> Floats:
    front, foot, half = shape.front, shape.clearance, shape.width / 2
    cowl, back = front - shape.bonnet, -front + shape.tail
    blunt = shape.body in {"truck", "bus"}
    points = [
        (front - 0.10, foot, 0.90),
        (front - 0.01, foot + 0.10, 0.94),
        (front, foot + 0.30, 0.96),
        (front - 0.06, shape.nose - 0.05, 0.95),
        (front - (0.08 if blunt else 0.20), shape.nose + 0.05, 0.96 if blunt else 0.91),
        (cowl, shape.belt, 0.96),
        (back, shape.belt, 0.96),
    ]
    if shape.tail > 0.3:  # a boot, a load bed or a chassis behind the cabin
        points += [(back - 0.02, shape.deck, 0.96), (-front + 0.10, shape.deck, 0.92)]
    top = points[-1][1]
    points += [
        (-front + 0.02, top - 0.12, 0.92),
        (-front, min(foot + 0.32, top - 0.16), 0.95),
        (-front + 0.03, foot + 0.10, 0.94),
        (-front + 0.12, foot, 0.90),
    ]
    return np.array(points) * [1.0, 1.0, half]


def _ring(front: float, back: float, half: float, height: float) -> Floats:
    return np.array([[front, half, height], [front, -half, height], [back, -half, height], [back, half, height]])


def _between(low_start: Floats, low_end: Floats, high_end: Floats, high_start: Floats, at: Floats) -> Floats:
    """(N, 2) positions in 0..1 along and up a face with four corners -> (N, 3)."""
    along, up = at[:, :1], at[:, 1:]
    return (1 - up) * ((1 - along) * low_start + along * low_end) + up * ((1 - along) * high_start + along * high_end)


def _across(low_right: Floats, low_left: Floats, high_left: Floats, high_right: Floats, at: Floats) -> Floats:
    """As `_between`, for positions in -1..1 from right to left."""
    spread = np.stack([(at[:, 0] + 1) / 2, at[:, 1]], axis=1)
    return _between(low_right, low_left, high_left, high_right, spread)
