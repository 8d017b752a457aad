"""Windows, lamps, plates, marks and roof loads: the faces that lie on a vehicle's body."""

import itertools

import numpy as np

from reid.data.synthetic.bodywork import CABIN, ON_BODY, ROOF, Bodywork, rectangle
from reid.data.synthetic.mesh import Colour, Floats
from reid.data.synthetic.vehicle_marks import Mark
from reid.data.synthetic.vehicle_shapes import Shape

_DARK: Colour = (26, 27, 29)
_CHROME: Colour = (176, 180, 184)
_GLEAM = np.array([[-0.9, 0.92], [-0.9, 0.35], [-0.2, 0.92]])  # on a window

# Outlines of the left lamp, in 0..1 outwards and upwards.
_LAMPS = (
    np.array([[0.0, 0.1], [1.0, 0.1], [1.0, 0.9], [0.0, 0.9]]),
    np.array([[0.0, 0.0], [0.9, 0.35], [1.0, 1.0], [0.45, 0.75]]),
    np.stack([0.5 + 0.42 * np.cos(np.arange(12) / 6 * np.pi), 0.5 + 0.5 * np.sin(np.arange(12) / 6 * np.pi)], axis=1),
    np.array([[0.0, 0.25], [0.5, 0.0], [1.0, 0.3], [1.0, 0.75], [0.1, 0.6]]),
)
_TAIL_LAMPS = (  # extents across (inner, outer) and up (lower, upper) on the rear
    ((0.80, 0.99), (0.45, 0.92)),
    ((0.52, 0.98), (0.62, 0.86)),
    ((0.68, 0.94), (0.55, 0.90)),
    ((0.00, 0.98), (0.72, 0.86)),
)
_ROOF_LOADS: dict[str, tuple[tuple[Floats, float, Colour], ...]] = {  # footprints on the roof, heights in metres
    "rails": tuple((rectangle(side - 0.04, side + 0.04, 0.02, 0.98), 0.07, _CHROME) for side in (-0.97, 0.97)),
    "box": ((rectangle(-0.55, 0.25, 0.05, 0.90), 0.30, (60, 62, 65)),),
    "rack": tuple((rectangle(-1.05, 1.05, at - 0.03, at + 0.03), 0.10, (40, 40, 42)) for at in (0.12, 0.50, 0.88)),
    "taxi": ((rectangle(-0.28, 0.28, 0.55, 0.68), 0.16, (240, 200, 60)),),
    "beacons": (
        (rectangle(-0.92, -0.08, 0.60, 0.74), 0.12, (220, 60, 50)),
        (rectangle(0.08, 0.92, 0.60, 0.74), 0.12, (50, 90, 220)),
    ),
}


def add_windows(work: Bodywork) -> None:
    """Windscreen, rear window and side windows with the reflections that make them glass."""
    solid, surfaces, shape, glass = work.solid, work.surfaces, work.shape, work.vehicle.glass
    shine: Colour = (min(glass[0] + 44, 255), min(glass[1] + 54, 255), min(glass[2] + 62, 255))
    for front in (True, False):
        if not front and (shape.cargo or (shape.body == "van" and shape.panes < 2)):
            continue
        facing = (1.0, 0.0, 0.6) if front else (-1.0, 0.0, 0.4)
        for corners, colour in ((rectangle(-0.9, 0.9, 0.06, 0.92), glass), (_GLEAM, shine)):
            solid.face(surfaces.window(corners, front=front), colour, facing, layer=CABIN, place=work.cab)
    for sign, (start, end) in itertools.product((1.0, -1.0), _panes(shape)):
        for low, colour in ((0.10, glass), (0.62, shine)):
            pane = surfaces.cabin_side(sign, rectangle(start, end, low, 0.88))
            solid.face(pane, colour, (0.0, sign, 0.25), layer=CABIN, place=work.cab)


def _panes(shape: Shape) -> list[tuple[float, float]]:
    count, post = shape.panes, 0.035
    if shape.body == "van" and count == 1:
        return [(0.70, 0.93)]  # a panel van: windows for driver and passenger only
    edges = np.linspace(0.03, 0.95, count + 1)
    return [(low + post / 2, high - post / 2) for low, high in itertools.pairwise(edges.tolist())]


def add_front(work: Bodywork) -> None:
    """Grille, headlights, air intake, licence plate."""
    shape = work.shape
    work.on_nose(rectangle(-0.62, 0.62, 0.08, 0.24), _DARK)
    work.on_nose(rectangle(-shape.grille, shape.grille, shape.grille_foot, 0.78), _DARK)
    for bar in np.linspace(shape.grille_foot, 0.78, shape.bars + 2)[1:-1].tolist():
        work.on_nose(rectangle(-shape.grille, shape.grille, bar - 0.02, bar + 0.02), _CHROME)
    work.on_nose(rectangle(-0.20, 0.20, 0.26, 0.38), work.vehicle.plate)
    inner = max(shape.grille + 0.04, 0.50)
    for sign in (1.0, -1.0):
        lamp = _LAMPS[shape.lamp]
        spread = np.stack([sign * (inner + (0.98 - inner) * lamp[:, 0]), 0.55 + 0.33 * lamp[:, 1]], axis=1)
        work.on_nose(spread, (142, 150, 158))
        work.on_nose(spread * 0.5 + spread.mean(axis=0) * 0.5, (246, 248, 244))


def add_rear(work: Bodywork) -> None:
    """Tail lights, licence plate, lip of the bumper."""
    shape = work.shape
    work.on_rear(rectangle(-0.98, 0.98, 0.05, 0.14), _DARK)
    low = 0.50 if shape.tail_lamp % 2 else 0.22
    work.on_rear(rectangle(-0.20, 0.20, low, low + 0.12), work.vehicle.plate)
    (inner, outer), (low, high) = _TAIL_LAMPS[shape.tail_lamp]
    for sign in (1.0, -1.0):
        work.on_rear(rectangle(sign * inner, sign * outer, low, high), (150, 22, 26))
        work.on_rear(rectangle(sign * outer * 0.8, sign * outer, low, (low + high) / 2), (206, 92, 40))


def add_marks(work: Bodywork) -> None:
    """Stripes, decals, stickers, dirt and spare panels."""
    for mark in work.vehicle.marks:
        _MARKERS[mark.surface](work, mark)


def _mark_side(work: Bodywork, mark: Mark) -> None:
    work.on_side(1.0 if mark.surface == "left" else -1.0, mark.corners, mark.colour)


def _mark_box(work: Bodywork, mark: Mark) -> None:
    """On the cargo box, or on the blank upper side of a van."""
    sign = 1.0 if mark.surface == "box left" else -1.0
    corners = mark.corners if sign < 0 else mark.corners * [-1, 1] + [1, 0]  # lettering reads left to right on both
    if work.shape.cargo:
        at, place = work.surfaces.box_side(sign, corners), work.box
    else:
        at, place = work.surfaces.side(sign, corners * [0.75, 1.5]), work.cab
    work.solid.face(at, mark.colour, (0, sign, 0), layer=CABIN, place=place)


def _mark_bonnet(work: Bodywork, mark: Mark) -> None:
    work.solid.face(work.surfaces.bonnet(mark.corners), mark.colour, (0.3, 0, 1), layer=ON_BODY)


def _mark_roof(work: Bodywork, mark: Mark) -> None:
    work.solid.face(work.surfaces.roof(mark.corners), mark.colour, (0, 0, 1), layer=CABIN, place=work.cab)


def _mark_rear(work: Bodywork, mark: Mark) -> None:
    work.on_rear(mark.corners, mark.colour)


_MARKERS = {
    "left": _mark_side,
    "right": _mark_side,
    "box left": _mark_box,
    "box right": _mark_box,
    "bonnet": _mark_bonnet,
    "roof": _mark_roof,
    "rear": _mark_rear,
}


def add_roof_load(work: Bodywork) -> None:
    """Rails, box, sunroof, rack, taxi sign or beacons on the roof, and a spoiler behind it."""
    if work.vehicle.roof == "sunroof":
        glass = work.surfaces.roof(rectangle(-0.7, 0.7, 0.45, 0.85))
        work.solid.face(glass, (30, 34, 38), (0, 0, 1), layer=ROOF)
    for corners, height, colour in _ROOF_LOADS.get(work.vehicle.roof, ()):
        _add_block(work, work.surfaces.roof(corners), height, colour)
    if work.vehicle.spoiler:
        _add_block(work, work.surfaces.roof(rectangle(-0.95, 0.95, -0.16, -0.02)), 0.05, work.vehicle.cladding)


def _add_block(work: Bodywork, floor: Floats, height: float, colour: Colour) -> None:
    """A box over (4, 3) corners: right rear, left rear, left front, right front."""
    top = floor + np.array([0.0, 0.0, height])
    for start, outward in enumerate(((-1, 0, 0), (0, 1, 0), (1, 0, 0), (0, -1, 0))):
        end = (start + 1) % 4
        work.solid.face([floor[start], floor[end], top[end], top[start]], colour, outward, layer=ROOF)
    work.solid.face(top, colour, (0, 0, 1), layer=ROOF)
    work.solid.enclose(top)
