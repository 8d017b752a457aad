"""Clothes: trousers, skirts and shoes, shirts with their patterns, sleeves."""

import math

import numpy as np

from reid.data.synthetic.dresser import LEGS, SKIRT, TRUNK, Dresser, shortened, toned
from reid.data.synthetic.mesh import Floats
from reid.data.synthetic.person_body import reach, torso
from reid.data.synthetic.sketch import Loft

_HEM, _COLLAR = 0.86, 1.455


def add_legs(dresser: Dresser) -> None:
    """Bare legs, what covers them, and shoes."""
    person, pose = dresser.person, dresser.pose
    cover = {"trousers": 0.97, "coat": 0.97, "shorts": person.hem}.get(person.lower, 0.0)
    for index, side in enumerate((1.0, -1.0)):
        place = (float(pose.knees[index, 0]), 0.2 * side)
        joints = [pose.hips[index], pose.knees[index], pose.ankles[index]]
        radii = [0.092 * person.girth, 0.064 * person.girth, 0.043 * person.girth]
        dresser.bone([pose.ankles[index], pose.toes[index]], [0.047, 0.036], person.shoes, layer=LEGS, place=place)
        if cover < 0.9:
            dresser.bone(joints, radii, person.skin, layer=LEGS, place=place)
        if cover > 0:
            covered = shortened(joints, cover)
            widths = [1.04 * radii[0], 1.16 * radii[1], 1.30 * radii[2]][: len(covered)]
            dresser.bone(covered, widths, person.bottom, layer=LEGS, place=place)
            if person.piping:
                outer = [
                    joint + np.array([0.0, side * 0.7 * width, 0.0])
                    for joint, width in zip(covered, widths, strict=True)
                ]
                dresser.bone(outer, [0.018] * len(outer), person.piping, layer=LEGS, place=(place[0], place[1] * 1.2))


def add_lower(dresser: Dresser) -> None:
    """Seat of the trousers, or skirt, dress or coat over the legs."""
    person, lift = dresser.person, dresser.pose.lift
    loft = torso(person.girth, lift, 0.80)
    dresser.sketch.patch(loft, person.bottom, lift + np.array([0.80, 0.88, 0.95]), layer=SKIRT)
    if person.lower not in {"skirt", "dress", "coat"}:
        return
    foot = 0.90 - 0.80 * person.hem
    flare = 1.25 if person.lower != "coat" else 1.12
    heights = np.array([foot, 0.5 * (foot + 0.98), 0.98])
    across = np.array([0.175 * flare, 0.180, 0.160]) * person.girth
    legs = [reach(dresser.pose, height + lift) + 0.07 for height in heights[:2].tolist()]
    along = np.maximum(np.array([0.130 * flare, 0.135, 0.122]) * person.girth, [*legs, 0.0])
    colour = person.top if person.lower == "coat" else person.bottom
    cloth = Loft(heights + lift, across, along)
    dresser.wrap(cloth, colour, cloth.heights, layer=SKIRT)
    if person.lower == "coat" and person.pattern == "open":
        dresser.sketch.patch(
            cloth, person.bottom, cloth.heights, [-0.35, -0.28, -0.22], [0.35, 0.28, 0.22], layer=SKIRT
        )


def add_top(dresser: Dresser) -> None:
    """Shirt, jacket or the upper half of a dress, with its pattern."""
    person, lift = dresser.person, dresser.pose.lift
    loft = torso(person.girth, lift)
    hem = 0.97 if person.lower in {"skirt", "dress"} else _HEM
    rows = lift + np.array([hem, 0.98, 1.06, 1.16, 1.26, 1.33, 1.38, 1.42, _COLLAR])
    dresser.sketch.patch(loft, person.skin, lift + np.array([1.42, 1.475]), layer=TRUNK)
    neck = [np.array([0.0, 0.0, 1.42 + lift]), np.array([0.01, 0.0, 1.53 + lift])]
    dresser.bone(neck, [0.055, 0.05], person.skin, layer=TRUNK, place=(0.0, 0.0))
    dresser.sketch.patch(loft, person.cloth, rows, layer=TRUNK)
    _PATTERNS[person.pattern](dresser, loft, rows)
    dresser.sketch.patch(loft, toned(person.cloth, 0.7), rows[-2:] + 0.004, layer=TRUNK)
    dresser.edge(loft, toned(person.cloth, 0.8), rows, -0.6, layer=TRUNK)


def _plain(dresser: Dresser, loft: Loft, rows: Floats) -> None:
    dresser.edge(loft, toned(dresser.person.cloth, 1.12), rows[1:-2], 0.7, layer=TRUNK)


def _stripes(dresser: Dresser, loft: Loft, rows: Floats) -> None:
    person = dresser.person
    count = 2 + int(4 * person.pattern_size)
    step = (rows[-1] - rows[0]) / (2 * count + 1)
    for stripe in range(count):
        low = rows[0] + (2 * stripe + 1) * step
        dresser.sketch.patch(loft, person.accent, np.array([low, low + step]), layer=TRUNK)


def _block(dresser: Dresser, loft: Loft, rows: Floats) -> None:
    person = dresser.person
    edge = rows[0] + (rows[-1] - rows[0]) * person.pattern_at
    upper = person.pattern_size > 0.5
    part = rows[rows > edge + 0.01] if upper else rows[rows < edge - 0.01]
    joined = np.concatenate([[edge], part]) if upper else np.concatenate([part, [edge]])
    if len(joined) > 1:
        dresser.sketch.patch(loft, person.accent, joined, layer=TRUNK)


def _print(dresser: Dresser, loft: Loft, rows: Floats) -> None:
    person = dresser.person
    middle = rows[0] + (rows[-1] - rows[0]) * (0.45 + 0.3 * person.pattern_at)
    half, spread = 0.03 + 0.06 * person.pattern_size, 0.25 + 0.5 * person.pattern_size
    rows = np.array([middle - half, middle + half])
    for centre in (0.0, math.pi) if person.pattern_size > 0.6 else (0.0,):  # large ones are on the back as well
        dresser.sketch.patch(loft, person.accent, rows, centre - spread, centre + spread, layer=TRUNK)


def _open(dresser: Dresser, loft: Loft, rows: Floats) -> None:
    person = dresser.person
    opening = np.linspace(0.30, 0.55, len(rows)) * (0.6 + 0.8 * person.pattern_size)
    dresser.sketch.patch(loft, person.accent, rows, -opening, opening, layer=TRUNK)


def _checks(dresser: Dresser, loft: Loft, rows: Floats) -> None:
    person = dresser.person
    for low in np.linspace(rows[0] + 0.05, rows[-1] - 0.10, 4).tolist():
        dresser.sketch.patch(loft, person.accent, np.array([low, low + 0.022]), layer=TRUNK)
    for angle in np.linspace(-math.pi, math.pi, 9)[:-1].tolist():
        dresser.sketch.patch(loft, person.accent, rows, angle - 0.06, angle + 0.06, layer=TRUNK)


_PATTERNS = {"plain": _plain, "stripes": _stripes, "block": _block, "print": _print, "open": _open, "checks": _checks}


def add_arms(dresser: Dresser) -> None:
    """Arms, sleeves and hands."""
    person, pose = dresser.person, dresser.pose
    for index, side in enumerate((1.0, -1.0)):
        place = (float(pose.wrists[index, 0]), 0.25 * side)
        joints = [pose.shoulders[index], pose.elbows[index], pose.wrists[index]]
        radii = [0.053 * person.girth, 0.043 * person.girth, 0.031 * person.girth]
        hand = pose.wrists[index] + 0.06 * (pose.wrists[index] - pose.elbows[index]) / 0.27
        dresser.bone([pose.wrists[index], hand], [0.034, 0.036], person.skin, layer=TRUNK, place=place)
        if person.sleeve < 0.95:
            dresser.bone(joints, radii, person.skin, layer=TRUNK, place=place)
        if person.sleeve > 0:
            covered = shortened(joints, person.sleeve)
            widths = [1.18 * radii[0], 1.22 * radii[1], 1.30 * radii[2]][: len(covered)]
            dresser.bone(covered, widths, person.cloth, layer=TRUNK, place=place)
