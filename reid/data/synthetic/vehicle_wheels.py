"""Wheels of a vehicle: tyres, arches and rims."""

import numpy as np

from reid.data.synthetic.bodywork import TYRES, WHEELS, Bodywork
from reid.data.synthetic.mesh import Colour, Floats

_RUBBER: Colour = (30, 30, 32)
_WIDE = 0.24  # of a tyre, in metres
_CIRCLE = np.stack([np.cos(np.arange(16) / 8 * np.pi), np.sin(np.arange(16) / 8 * np.pi)], axis=1)


def add_tyres(work: Bodywork) -> None:
    """Treads and inner walls, seen under the bumpers and beneath the far side."""
    radius, flank = work.shape.wheel, work.surfaces.flank
    work.solid.enclose([[x, y, 0.0] for x in work.shape.axles for y in (flank, -flank)])
    rim = _CIRCLE[::2] * radius
    for x in work.shape.axles:
        for sign in (1.0, -1.0):
            outer, inner = sign * flank * 0.99, sign * (flank - _WIDE)
            outside, inside = _ring(x, outer, radius, rim), _ring(x, inner, radius, rim)
            for start in range(len(rim)):
                end = (start + 1) % len(rim)
                tread = [outside[start], outside[end], inside[end], inside[start]]
                outward = (rim[start, 0] + rim[end, 0], 0.0, rim[start, 1] + rim[end, 1])
                work.solid.face(tread, _RUBBER, outward, layer=TYRES)
            work.solid.face(inside, _RUBBER, (0.0, -sign, 0.0), layer=TYRES)


def add_wheels(work: Bodywork) -> None:
    """The outer sides of the wheels in their arches."""
    shape, radius = work.shape, work.shape.wheel
    for x in shape.axles:
        for sign in (1.0, -1.0):
            y, outward = sign * work.surfaces.flank, (0.0, sign, 0.0)
            arch = _ring(x, y, radius, 1.16 * radius * _CIRCLE)
            arch[:, 2] = np.maximum(arch[:, 2], shape.clearance)
            work.solid.face(arch, (20, 20, 22), outward, layer=WHEELS)
            work.solid.face(_ring(x, y, radius, radius * _CIRCLE), _RUBBER, outward, layer=WHEELS)
            work.solid.face(_ring(x, y, radius, 0.66 * radius * _CIRCLE), (70, 71, 73), outward, layer=WHEELS)
            spokes = _ring(x, y, radius, radius * _spokes(work.vehicle.spokes))
            work.solid.face(spokes, work.vehicle.rims, outward, layer=WHEELS)


def _spokes(count: int) -> Floats:
    """(N, 2) outline of a rim of radius 0.64, a star; a disc for fewer than three spokes."""
    if count < 3:
        return 0.60 * _CIRCLE
    half = np.pi / count
    angles = np.repeat(2 * half * np.arange(count), 3) + np.tile([-0.45 * half, 0.45 * half, half], count)
    reach = np.tile([0.64, 0.64, 0.20], count)
    return np.stack([reach * np.cos(angles), reach * np.sin(angles)], axis=1)


def _ring(x: float, y: float, z: float, circle: Floats) -> Floats:
    """(N, 2) around an axle -> (N, 3)."""
    points = np.empty((len(circle), 3))
    points[:, 0], points[:, 1], points[:, 2] = x + circle[:, 0], y, z + circle[:, 1]
    return points
