"""Lower body, cabin, cargo box, doors and mirrors of a vehicle."""

import numpy as np

from reid.data.synthetic.bodywork import BODY, CABIN, Bodywork, rectangle
from reid.data.synthetic.mesh import Colour, Floats

_STATIONS = (1.0, 0.62, -0.62, -1.0)  # across the body, from left to right, in half widths
_WALLS = ((1.0, 0.0), (0.0, -1.0), (-1.0, 0.0), (0.0, 1.0))  # outwards from corner n to n + 1 of a ring of corners


def add_lower_body(work: Bodywork) -> None:
    """Everything below the windows, with bumpers and sills."""
    shape, vehicle = work.shape, work.vehicle
    rails = np.stack([work.surfaces.lateral(share) for share in _STATIONS])
    work.solid.enclose(rails.reshape(-1, 3))
    quads = np.stack([rails[:-1, :-1], rails[:-1, 1:], rails[1:, 1:], rails[1:, :-1]], axis=2)
    normals = np.cross(quads[..., 2, :] - quads[..., 0, :], quads[..., 3, :] - quads[..., 1, :])
    last = quads.shape[1] - 1
    for start in range(quads.shape[1]):
        colour = vehicle.cladding if start < 2 or start > last - 2 else vehicle.paint
        for strip in range(quads.shape[0]):
            work.solid.face(quads[strip, start], colour, normals[strip, start], layer=BODY)
    # A shoulder over the whole length, or as far as the cabin where the deck behind it is lower.
    back, front = (
        (0.015, 0.985) if shape.tail < 0.3 else (shape.tail / shape.length, 1 - 0.5 * shape.bonnet / shape.length)
    )
    for sign, ring in ((1.0, rails[0]), (-1.0, rails[-1])):
        work.solid.face(ring, vehicle.paint, (0.0, sign, 0.0), layer=BODY)
        work.on_side(sign, rectangle(back, front, 0.80, 1.0), vehicle.paint, tilt=0.7, layer=BODY)
        work.on_side(sign, rectangle(0.02, 0.98, 0.0, 0.20), vehicle.cladding, tilt=-0.9, layer=BODY)
    if shape.body == "pickup":
        _add_bed(work)


def _add_bed(work: Bodywork) -> None:
    shape = work.shape
    half, back = 0.80 * shape.width / 2, -shape.front + 0.16
    front = -shape.front + shape.tail - 0.06
    floor = [[front, half, shape.deck], [front, -half, shape.deck], [back, -half, shape.deck], [back, half, shape.deck]]
    work.solid.face(floor, (38, 38, 40), (0.0, 0.0, 1.0), layer=BODY)


def add_cabin(work: Bodywork) -> None:
    """Pillars and roof; the windows come on top."""
    surfaces, vehicle = work.surfaces, work.vehicle
    pillars = vehicle.paint if work.shape.boxy else vehicle.roof_paint
    _add_walls(work, surfaces.sills, surfaces.eaves, pillars, tilt=0.3, place=work.cab)
    _add_walls(work, surfaces.eaves, surfaces.crown, pillars, tilt=1.0, place=work.cab)
    work.solid.face(surfaces.crown, vehicle.roof_paint, (0.0, 0.0, 1.0), layer=CABIN, place=work.cab)
    work.solid.enclose(surfaces.crown)


def add_box(work: Bodywork) -> None:
    """The cargo box of a truck."""
    surfaces, colour = work.surfaces, work.vehicle.box_paint
    _add_walls(work, surfaces.floor, surfaces.ceiling, colour, tilt=0.0, place=work.box)
    gap = surfaces.box_rear(rectangle(-0.03, 0.03, 0.0, 1.0))
    work.solid.face(gap, _darker(colour), (-1.0, 0.0, 0.0), layer=CABIN, place=work.box)
    work.solid.face(surfaces.ceiling, colour, (0.0, 0.0, 1.0), layer=CABIN, place=work.box)
    work.solid.enclose(surfaces.ceiling)


def _add_walls(
    work: Bodywork, low: Floats, high: Floats, colour: Colour, *, tilt: float, place: tuple[float, float]
) -> None:
    for start, outward in enumerate(_WALLS):
        end = (start + 1) % 4
        wall = [low[start], low[end], high[end], high[start]]
        work.solid.face(wall, colour, (*outward, tilt), layer=CABIN, place=place)


def add_mirrors(work: Bodywork) -> None:
    """Wing mirrors, which are drawn before or after the cabin by the side they are on."""
    shape, paint = work.shape, work.vehicle.paint
    x, z = shape.front - shape.bonnet - 0.30 * shape.screen - 0.12, shape.belt + 0.05
    for sign in (1.0, -1.0):
        near, far = sign * 0.92 * shape.width / 2, sign * (shape.width / 2 + 0.14)
        place = (work.cab[0], sign)
        glass = [[x, near, z], [x, far, z], [x, far, z + 0.15], [x, near, z + 0.15]]
        work.solid.face(glass, paint, (1.0, 0.0, 0.0), layer=CABIN, place=place)
        work.solid.face(glass, (96, 106, 116), (-1.0, 0.0, 0.0), layer=CABIN, place=place)
        cover = [[x, far, z], [x + 0.12, far, z + 0.02], [x + 0.12, far, z + 0.13], [x, far, z + 0.15]]
        work.solid.face(cover, paint, (0.0, sign, 0.2), layer=CABIN, place=place)


def add_doors(work: Bodywork) -> None:
    """Gaps between doors and their handles."""
    shape, dark = work.shape, _darker(work.vehicle.paint)
    front = 1 - (shape.bonnet + 0.1) / shape.length
    rear = shape.tail / shape.length + (0.10 if shape.tail < 0.3 else 0.02)
    doors = {"bus": 1, "truck": 1, "van": 2}.get(shape.body, 1 if shape.panes < 2 else 2)
    if shape.body == "bus":
        rear = front - 0.14
    edges = np.linspace(rear, front, doors + 1).tolist()
    for sign in (1.0, -1.0):
        for edge in edges:
            work.on_side(sign, rectangle(edge - 0.003, edge + 0.003, 0.12, 0.98), dark)
        for edge in edges[:-1]:
            work.on_side(sign, rectangle(edge + 0.015, edge + 0.05, 0.80, 0.86), dark)


def _darker(colour: Colour) -> Colour:
    return colour[0] * 0.55, colour[1] * 0.55, colour[2] * 0.55
