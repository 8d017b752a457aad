"""Solids made of flat faces, and how a camera sees and shades them.

World axes of one object, in metres: x forward, y to its left, z up, the ground is z = 0. Faces are drawn back to
front by hand-made layers instead of a depth buffer: solids are few and nearly convex, so that culling the faces
that look away and sorting the remaining pieces along the line of sight is exact enough and costs microseconds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]
Colour = tuple[float, float, float]
"""Red, green, blue in 0..255."""

_FRACTION_BITS = 4  # coordinates are given to OpenCV in sixteenths of a pixel
_FAR_APART = 100.0  # metres between layers in the sorting key: more than any object is long


@dataclass(frozen=True, eq=False)
class Mesh:
    """F faces over P points.

    Attributes:
        points: (P, 3) corners of the faces.
        spans: (F, 2) int64, face f is the polygon points[spans[f, 0]:spans[f, 1]].
        colours: (F, 3) RGB before shading.
        normals: (F, 3) unit vectors pointing outwards; zero: seen from everywhere and never shaded.
        centres: (F, 3) mean corner of each face.
        layers: (F,) lower layers are drawn first.
        places: (F, 2) x and y of the piece that a face belongs to; within a layer, pieces are drawn far to near.
        hull: (Q, 3) corner points that enclose the object.
    """

    points: Floats
    spans: NDArray[np.int64]
    colours: Floats
    normals: Floats
    centres: Floats
    layers: Floats
    places: Floats
    hull: Floats


@dataclass
class Solid:
    """Collects faces; `mesh()` freezes them."""

    corners: list[Floats] = field(default_factory=list)
    colours: list[Colour] = field(default_factory=list)
    normals: list[Sequence[float] | Floats] = field(default_factory=list)
    layers: list[float] = field(default_factory=list)
    places: list[tuple[float, float]] = field(default_factory=list)
    hull: list[Floats] = field(default_factory=list)

    def face(
        self,
        corners: Any,
        colour: Colour,
        normal: Sequence[float] | Floats = (0.0, 0.0, 0.0),
        *,
        layer: float,
        place: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Add one polygon.

        Args:
            corners: (N, 3) points in order, N at least 3.
            colour: before shading.
            normal: direction it faces, of any length; zero for one that is seen from everywhere.
            layer: lower layers are drawn first.
            place: x and y of the piece it belongs to.
        """
        self.corners.append(np.asarray(corners, dtype=np.float64))
        self.colours.append(colour)
        self.normals.append(normal)
        self.layers.append(layer)
        self.places.append(place)

    def enclose(self, points: Any) -> None:
        """Count (N, 3) `points` among those that frame the object and cast its shadow."""
        self.hull.append(np.asarray(points, dtype=np.float64))

    def mesh(self) -> Mesh:
        """All faces so far."""
        normals = np.asarray(self.normals, dtype=np.float64)
        sizes = np.array([len(corners) for corners in self.corners])
        ends = np.cumsum(sizes)
        points = np.concatenate(self.corners)
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        return Mesh(
            points=points,
            spans=np.stack([ends - sizes, ends], axis=1),
            colours=np.asarray(self.colours, dtype=np.float64),
            normals=normals / np.where(lengths > 0, lengths, 1.0),
            centres=np.add.reduceat(points, ends - sizes) / sizes[:, None],
            layers=np.asarray(self.layers, dtype=np.float64),
            places=np.asarray(self.places, dtype=np.float64),
            hull=np.concatenate(self.hull or self.corners),
        )


@dataclass(frozen=True, eq=False)
class View:
    """A pinhole camera.

    Attributes:
        eye: (3,) where it stands.
        axes: (3, 3) rows are its right, down and forward directions.
        scale: pixels per unit of image plane at distance 1.
        centre: (x, y) pixel that the optical axis meets.
    """

    eye: Floats
    axes: Floats
    scale: float = 1.0
    centre: tuple[float, float] = (0.0, 0.0)

    def project(self, points: Floats) -> Floats:
        """(N, 3) points -> (N, 2) pixel coordinates x, y."""
        local = (points - self.eye) @ self.axes.T
        depth = np.maximum(local[:, 2:], 0.2)  # what is behind the camera lands far outside instead of inside out
        return np.asarray(local[:, :2] / depth * self.scale + self.centre, dtype=np.float64)


def look(azimuth: float, elevation: float, distance: float, target: Sequence[float]) -> View:
    """A view of `target` from `distance` metres; angles in radians, azimuth 0 looks at the object's front."""
    right = np.array([-math.sin(azimuth), math.cos(azimuth), 0.0])
    forward = -np.array(
        [math.cos(azimuth) * math.cos(elevation), math.sin(azimuth) * math.cos(elevation), math.sin(elevation)]
    )
    down = np.cross(forward, right)
    return View(np.asarray(target) - distance * forward, np.stack([right, down, forward]))


def paint(canvas: Image, mesh: Mesh, view: View, light: Floats, ambient: float = 0.62) -> None:
    """Draw the faces that look at the camera into `canvas`, far pieces first.

    Args:
        canvas: (H, W, 3) uint8, changed in place.
        mesh: what to draw.
        view: from where.
        light: (3,) unit vector towards the light.
        ambient: share of light that comes from everywhere, in 0..1.
    """
    shown = np.flatnonzero((((view.eye - mesh.centres) * mesh.normals).sum(axis=1) > 0) | ~mesh.normals.any(axis=1))
    nearness = mesh.layers * _FAR_APART - mesh.places @ view.axes[2, :2]
    shown = shown[np.argsort(nearness[shown], kind="stable")]
    colours = shade(mesh.colours[shown], mesh.normals[shown], light, ambient).tolist()
    pixels = np.round(view.project(mesh.points) * (1 << _FRACTION_BITS)).clip(-(2**20), 2**20).astype(np.int32)
    for (start, end), colour in zip(mesh.spans[shown].tolist(), colours, strict=True):
        cv2.fillPoly(canvas, [pixels[start:end]], colour, cv2.LINE_8, _FRACTION_BITS)


def shade(colours: Floats, normals: Floats, light: Floats, ambient: float) -> Floats:
    """(F, 3) colours under a sun and a sky: faces towards the light are lit, upward ones also mirror the sky."""
    direct = np.maximum(normals @ light, 0.0)[:, None]
    shaded = np.any(normals, axis=1, keepdims=True)
    lit = np.where(shaded, ambient + (1.15 - ambient) * direct, 1.0)
    sky = np.maximum(normals[:, 2:], 0.0) * 10.0
    return np.clip(colours * lit + sky, 0.0, 255.0)
