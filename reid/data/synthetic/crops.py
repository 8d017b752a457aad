"""One crop: an object before a camera, framed as a detector would frame it."""

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from reid.data.synthetic.camera import Camera, crop_size, develop, draw_camera
from reid.data.synthetic.mesh import Floats, Image, Mesh, View, look, paint
from reid.data.synthetic.scene import Scene, add_leaves, add_pole, cast_shadow, draw_scene, lay_background
from reid.data.synthetic.subjects import KINDS, Kind, Subject
from reid.rng import generator

_PASSERS_BY = 1_000_000  # identities from here on only ever pass in the background


@dataclass(frozen=True, eq=False)
class Site:
    """The cameras of one set and the places they watch.

    Attributes:
        seed: of the set.
        kind: "vehicle" or "person".
        cameras: camera number n is at n - 1.
        scenes: what each camera watches.
    """

    seed: int
    kind: str
    cameras: tuple[Camera, ...]
    scenes: tuple[Scene, ...]


@dataclass(frozen=True)
class Shot:
    """One picture to take.

    Attributes:
        identity: who, 1 or larger.
        number: counts the pictures of an identity, from 0.
        camera: from 1.
        misframed: whether the detector missed, so that much of the object is outside.
    """

    identity: int
    number: int
    camera: int
    misframed: bool = False


@dataclass(frozen=True, eq=False)
class _Situation:
    """What all parts of one picture share."""

    view: View
    azimuth: float
    light: Floats
    random: np.random.Generator


def draw_site(seed: int, kind: str, cameras: int) -> Site:
    """The site that `seed` stands for."""
    lenses = tuple(draw_camera(seed, kind, number) for number in range(1, cameras + 1))
    scenes = tuple(draw_scene(seed, kind, lens.number, _traffic(seed, kind, lens)) for lens in lenses)
    return Site(seed, kind, lenses, scenes)


def take(site: Site, subject: Subject, shot: Shot) -> Image:
    """The picture that `shot` asks for, of `subject`, its identity.

    Returns:
        (H, W, 3) uint8 RGB; a function of the site's seed and kind and of `shot` alone.
    """
    lens, scene, kind = site.cameras[shot.camera - 1], site.scenes[shot.camera - 1], KINDS[site.kind]
    passage = generator(site.seed, f"{site.kind} passage", shot.identity, shot.camera)
    random = generator(site.seed, f"{site.kind} picture", shot.identity, shot.number)
    turn = passage.normal(0, kind.turn[0]) + random.normal(0, kind.turn[1])
    azimuth = lens.azimuth + math.radians(turn)
    elevation = lens.elevation + math.radians(random.normal(0, 1.5))
    view = look(azimuth, elevation, lens.distance, (0.0, 0.0, kind.eye_level))
    mesh = subject(view, azimuth, lens.sun, random)
    view, size = _frame(view, mesh, lens, kind, random, misframed=shot.misframed)
    situation = _Situation(view, azimuth, _light(lens, azimuth), random)
    canvas = lay_background(scene, view, azimuth, size, random)
    if random.random() < 0.25:
        _pass_by(canvas, scene, situation, random.uniform(-7, -4), random.normal(0, 2))
    canvas = cast_shadow(canvas, mesh.hull, view, situation.light, 1.3 * (1 - lens.ambient) + 0.2)
    paint(canvas, mesh, view, situation.light, lens.ambient)
    _obstruct(canvas, scene, situation)
    return develop(canvas, lens, random)


def encode(site: Site, shot: Shot, picture: Image) -> bytes:
    """`picture` as the JPEG file that the shot's camera writes."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    quality = site.cameras[shot.camera - 1].quality
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def _traffic(seed: int, kind: str, lens: Camera) -> tuple[Mesh, ...]:
    random = generator(seed, f"{kind} traffic", lens.number)
    view = look(lens.azimuth, lens.elevation, lens.distance, (0.0, 0.0, KINDS[kind].eye_level))
    identities = range(_PASSERS_BY + 3 * lens.number, _PASSERS_BY + 3 * lens.number + 3)
    return tuple(KINDS[kind].subject(seed, i)(view, lens.azimuth, lens.sun, random) for i in identities)


def _frame(
    view: View, mesh: Mesh, lens: Camera, kind: Kind, random: np.random.Generator, *, misframed: bool
) -> tuple[View, tuple[int, int]]:
    """`view` in pixels of the canvas, and the canvas' width and height: twice the size of the crop."""
    seen = view.project(mesh.hull)
    low, high = seen.min(axis=0), seen.max(axis=0)
    extent = high - low
    width, height = crop_size(lens, float(np.clip(extent[0] / extent[1], *kind.aspect)), random)
    size = np.array([2 * width, 2 * height])
    scale = float((size / extent).min() / random.uniform(1.0, 1.16))
    centre = size / 2 - scale * (low + high) / 2 + random.normal(0, 0.025, 2) * size
    if misframed:
        centre += random.choice((-1, 1), 2) * random.uniform(0.3, 0.55, 2) * size
    return replace(view, scale=scale, centre=(float(centre[0]), float(centre[1]))), (2 * width, 2 * height)


def _light(lens: Camera, azimuth: float) -> Floats:
    angle = azimuth + lens.sun
    return np.array([0.55 * math.cos(angle), 0.55 * math.sin(angle), 0.835])


def _pass_by(canvas: Image, scene: Scene, situation: _Situation, nearer: float, aside: float) -> None:
    """Draw one of the others, metres nearer to the camera than the object and aside of it."""
    other = scene.traffic[int(situation.random.integers(len(scene.traffic)))]
    cosine, sine = math.cos(situation.azimuth), math.sin(situation.azimuth)
    shift = np.array([nearer * cosine - aside * sine, nearer * sine + aside * cosine, 0.0])
    moved = replace(other, points=other.points + shift, centres=other.centres + shift)
    paint(canvas, moved, situation.view, situation.light)


def _obstruct(canvas: Image, scene: Scene, situation: _Situation) -> None:
    """Now and then something stands between camera and object."""
    random = situation.random
    what = random.random()
    if what < 0.06:
        add_pole(canvas, random)
    elif what < 0.11:
        add_leaves(canvas, random)
    elif what < 0.16:
        width = float(np.ptp(scene.traffic[0].hull[:, 1]))
        aside = float(random.choice((-1, 1)) * random.uniform(1.2, 1.7) * width)
        _pass_by(canvas, scene, situation, random.uniform(1.5, 2.0) * width, aside)
