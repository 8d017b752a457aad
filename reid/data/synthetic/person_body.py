"""A walking body: where its joints are, and the surfaces of its torso and head."""

import math
from dataclasses import dataclass

import numpy as np

from reid.data.synthetic.mesh import Floats
from reid.data.synthetic.sketch import Loft

SHOULDER, HIP = 1.41, 0.91
"""Heights of a body of 1.75 m; a person's `height` scales everything."""
_THIGH, _SHANK, _UPPER_ARM, _FOREARM = 0.42, 0.41, 0.29, 0.27


@dataclass(frozen=True, eq=False)
class Pose:
    """Joints of a walking body, (3,) each; index 0 is the left side, 1 the right.

    Attributes:
        hips, knees, ankles, toes, shoulders, elbows, wrists: (2, 3).
        lift: by how much the whole body stands higher than with straight legs (never above 0).
    """

    hips: Floats
    knees: Floats
    ankles: Floats
    toes: Floats
    shoulders: Floats
    elbows: Floats
    wrists: Floats
    lift: float


def stride(phase: float, swing: float, girth: float) -> Pose:
    """A body of 1.75 m in mid step.

    Args:
        phase: of the step, radians.
        swing: how far the legs open, radians.
        girth: factor on the widths.
    """
    sides = np.array([1.0, -1.0])
    leg = swing * np.sin(phase + np.array([0.0, math.pi]))
    bend = 0.08 + 0.9 * swing * np.maximum(0.0, np.cos(phase + np.array([0.0, math.pi])))
    arm, elbow = -0.75 * leg, 0.25 + 0.5 * np.abs(leg)
    hips = _column(np.zeros(2), sides * 0.088 * girth, np.full(2, HIP))
    knees = hips + _THIGH * _swung(leg)
    ankles = knees + _SHANK * _swung(leg - bend)
    lift = 0.085 - float(ankles[:, 2].min())
    foot = np.stack([np.full(2, 0.19), sides * 0.02, 0.10 * np.sin(leg - bend) - 0.055], axis=1)
    shoulders = _column(np.zeros(2), sides * (0.165 + 0.03 * girth) * girth, np.full(2, SHOULDER - 0.03))
    elbows = shoulders + _UPPER_ARM * _swung(arm) + np.stack([np.zeros(2), sides * 0.045, np.zeros(2)], axis=1)
    wrists = elbows + _FOREARM * _swung(arm + elbow)
    up = np.array([0.0, 0.0, lift])
    return Pose(hips + up, knees + up, ankles + up, ankles + foot + up, shoulders + up, elbows + up, wrists + up, lift)


def reach(pose: Pose, height: float) -> float:
    """How far the legs stand apart along the way of walking at `height` above the ground, from the middle."""
    legs = np.stack([pose.ankles, pose.knees, pose.hips], axis=1)
    return max(abs(float(np.interp(height, leg[:, 2], leg[:, 0]))) for leg in legs)


def _swung(angle: Floats) -> Floats:
    return _column(np.sin(angle), np.zeros(2), -np.cos(angle))


def _column(x: Floats, y: Floats, z: Floats) -> Floats:
    return np.stack([x, y, z], axis=1)


def torso(girth: float, lift: float, hem: float = 0.86) -> Loft:
    """From the hem of a shirt to the neck."""
    heights = np.array([hem, 0.95, 1.06, 1.26, 1.37, 1.42, 1.455, 1.49])
    across = np.array([0.172, 0.168, 0.150, 0.178, 0.188, 0.170, 0.100, 0.058]) * girth
    along = np.array([0.125, 0.122, 0.112, 0.128, 0.112, 0.095, 0.075, 0.058]) * girth
    return Loft(heights + lift, across, along)


def head(lift: float, grow: float = 1.0) -> Loft:
    """From chin to crown; `grow` makes room for hair or a hat."""
    heights = 1.625 + grow * np.array([-0.135, -0.11, -0.04, 0.03, 0.085, 0.118, 0.13])
    across = np.array([0.034, 0.060, 0.085, 0.089, 0.072, 0.040, 0.010]) * grow
    along = np.array([0.040, 0.076, 0.101, 0.106, 0.088, 0.050, 0.012]) * grow
    return Loft(heights + lift, across, along, (0.015, 0.0))
