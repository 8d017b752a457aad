"""Head with hair and hat, and what a person carries."""

import math

import numpy as np

from reid.data.synthetic.dresser import HEAD, LEGS, TRUNK, Dresser, toned
from reid.data.synthetic.mesh import Floats
from reid.data.synthetic.person_body import head, torso
from reid.data.synthetic.sketch import Loft


def add_head(dresser: Dresser) -> None:
    """Face, hair and hat."""
    person, lift = dresser.person, dresser.pose.lift
    face, hair = head(lift), head(lift, 1.10)
    dresser.wrap(face, person.skin, face.heights, layer=HEAD)
    for angle in (-0.36, 0.36):
        dresser.sketch.patch(
            face, (40, 30, 28), lift + np.array([1.640, 1.658]), angle - 0.14, angle + 0.14, layer=HEAD
        )
    if person.beard:
        dresser.sketch.patch(face, person.hair, lift + np.array([1.515, 1.555, 1.590]), -1.1, 1.1, layer=HEAD)
    if person.hairstyle != "bald":
        _add_hair(dresser, hair)
    _add_hat(dresser, lift)


def _add_hair(dresser: Dresser, hair: Loft) -> None:
    person, lift = dresser.person, dresser.pose.lift
    dresser.sketch.patch(
        hair, person.hair, lift + np.array([1.560, 1.60, 1.66, 1.70]), 1.45, 2 * math.pi - 1.45, layer=HEAD
    )
    dresser.sketch.patch(hair, person.hair, lift + np.array([1.690, 1.72, 1.75, 1.772]), layer=HEAD)
    fall = {"long": 1.34, "bob": 1.49}.get(person.hairstyle)
    if fall is not None:
        heights = np.array([fall, fall + 0.05, 1.55, 1.66])
        tail = Loft(
            heights + lift, np.array([0.06, 0.09, 0.10, 0.09]), np.array([0.03, 0.055, 0.075, 0.08]), (-0.045, 0.0)
        )
        dresser.wrap(tail, person.hair, tail.heights, layer=HEAD, place=(-0.2, 0.0))
    if person.hairstyle == "bun":
        bun = np.array([-0.10, 0.0, 1.73 + lift])
        dresser.bone(
            [bun, bun + np.array([0.0, 0.0, 0.02])], [0.048, 0.045], person.hair, layer=HEAD, place=(-0.2, 0.0)
        )


def _add_hat(dresser: Dresser, lift: float) -> None:
    person = dresser.person
    shell = head(lift, 1.16)
    if person.hat == "cap":
        dresser.wrap(shell, person.hat_colour, lift + np.array([1.692, 1.73, 1.76, 1.778]), layer=HEAD)
        brim = Loft(1.668 + lift + np.array([0.0, 0.035]), np.array([0.13, 0.09]), np.array([0.215, 0.11]))
        dresser.sketch.patch(brim, toned(person.hat_colour, 0.75), brim.heights, -0.85, 0.85, layer=HEAD)
    elif person.hat == "beanie":
        dresser.wrap(shell, person.hat_colour, lift + np.array([1.668, 1.70, 1.74, 1.778]), layer=HEAD)
    elif person.hat == "hood":
        rows = lift + np.array([1.50, 1.56, 1.64, 1.72])
        hood = head(lift, 1.28)
        dresser.sketch.patch(hood, toned(person.top, 0.92), rows, 1.05, 2 * math.pi - 1.05, layer=HEAD)
        dresser.sketch.patch(hood, person.top, lift + np.array([1.705, 1.74, 1.77, 1.795]), layer=HEAD)


def add_bag(dresser: Dresser) -> None:
    """What the person carries, if anything."""
    _CARRIED[dresser.person.bag](dresser)


def _nothing(_dresser: Dresser) -> None:
    return


def _backpack(dresser: Dresser) -> None:
    person, lift, size = dresser.person, dresser.pose.lift, dresser.person.bag_size
    loft = torso(person.girth, lift)
    for side in (-1.0, 1.0):
        rows = lift + np.array([1.06, 1.30, 1.43])
        dresser.sketch.patch(loft, person.bag_colour, rows, side * 0.75 - 0.14, side * 0.75 + 0.14, layer=TRUNK)
    heights = np.array([1.42 - 0.46 * size, 1.46 - 0.46 * size, 1.30, 1.40, 1.43])
    across = np.array([0.11, 0.15, 0.15, 0.12, 0.05]) * size
    along = np.array([0.06, 0.10, 0.095, 0.07, 0.03]) * size
    bag = Loft(heights + lift, across, along, (-0.11 * person.girth - 0.07 * size, 0.0))
    dresser.wrap(bag, person.bag_colour, bag.heights, layer=TRUNK, place=(-0.32, 0.0))
    pocket = lift + np.array([1.48 - 0.46 * size, 1.62 - 0.46 * size])
    dresser.sketch.patch(
        bag, toned(person.bag_colour, 1.35), pocket, math.pi - 0.8, math.pi + 0.8, layer=TRUNK, place=(-0.32, 0.0)
    )


def _shoulder_bag(dresser: Dresser) -> None:
    person, lift, side = dresser.person, dresser.pose.lift, dresser.person.bag_side
    loft = torso(person.girth * 1.01, lift)
    rows = lift + np.linspace(0.98, 1.43, 6)
    for middle in (side * np.linspace(1.2, -0.75, 6), math.pi - side * np.linspace(1.2, -0.75, 6)):
        dresser.sketch.patch(loft, person.bag_colour, rows, middle - 0.16, middle + 0.16, layer=TRUNK)
    _satchel(dresser, np.array([-0.02, side * 0.21 * person.girth, 0.80 + lift]), 0.26)


def _handbag(dresser: Dresser) -> None:
    wrist = dresser.pose.wrists[0 if dresser.person.bag_side > 0 else 1]
    _satchel(dresser, wrist - [0.0, 0.0, 0.36], 0.27)
    dresser.bone([wrist - [0.0, 0.0, 0.12], wrist], [0.014, 0.014], dresser.person.bag_colour, layer=TRUNK,
                 place=(0.0, 0.45 * dresser.person.bag_side))  # fmt: skip


def _satchel(dresser: Dresser, foot: Floats, height: float) -> None:
    person = dresser.person
    heights = foot[2] + height * person.bag_size * np.array([0.0, 0.15, 0.85, 1.0])
    across, along = np.array([0.04, 0.055, 0.055, 0.03]), np.array([0.11, 0.14, 0.125, 0.09]) * person.bag_size
    bag = Loft(heights, across, along, (float(foot[0]), float(foot[1])))
    place = (0.0, 0.45 * person.bag_side)
    dresser.wrap(bag, person.bag_colour, heights, layer=TRUNK, place=place)
    dresser.sketch.patch(bag, toned(person.bag_colour, 0.7), heights[1:3] + 0.1 * height, layer=TRUNK, place=place)


def _suitcase(dresser: Dresser) -> None:
    person, pose = dresser.person, dresser.pose
    side, size = person.bag_side, person.bag_size
    x, y = -0.34, side * 0.30
    heights = np.array([0.05, 0.08, 0.55 * size, 0.60 * size])
    case = Loft(heights, np.full(4, 0.19), np.array([0.10, 0.12, 0.12, 0.09]), (x, y))
    place = (x, 1.5 * y)
    dresser.wrap(case, person.bag_colour, heights, layer=LEGS, place=place)
    wrist = pose.wrists[0 if side > 0 else 1]
    dresser.bone([np.array([x, y, 0.6 * size]), wrist], [0.012, 0.012], (60, 60, 62), layer=LEGS, place=place)


_CARRIED = {
    "none": _nothing,
    "backpack": _backpack,
    "shoulder": _shoulder_bag,
    "handbag": _handbag,
    "suitcase": _suitcase,
}
