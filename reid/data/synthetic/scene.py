"""What is around an object: ground, backdrop, lane markings, shadow, and things that get in the way."""

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from reid.data.synthetic.mesh import Colour, Floats, Image, Mesh, Solid, View, paint
from reid.rng import generator

_HEIGHT, _WIDTH = 520, 640  # of the textures, larger than any canvas so that every crop sees another part
_SOFT = 4  # shadows are drawn this many times smaller, which makes their edges soft


@dataclass(frozen=True, eq=False)
class Scene:
    """The place that one camera watches.

    Attributes:
        ground: (520, 640, 3) uint8 RGB texture.
        backdrop: the same, of what stands behind the ground.
        depth: metres from the object to the foot of the backdrop.
        markings: lines on the ground, along the x axis.
        traffic: other objects that pass.
    """

    ground: Image
    backdrop: Image
    depth: float
    markings: Mesh
    traffic: tuple[Mesh, ...]


def draw_scene(seed: int, kind: str, camera: int, traffic: tuple[Mesh, ...]) -> Scene:
    """The place in front of camera number `camera`."""
    random = generator(seed, f"{kind} scene", camera)
    backdrop = _BACKDROPS[int(random.integers(len(_BACKDROPS)))](random)
    return Scene(
        ground=_ground(random, tiles=kind == "person" and random.random() < 0.6),
        backdrop=_blurred(backdrop, random.uniform(0.7, 2.0)),
        depth=float(random.uniform(3.5, 9.0)),
        markings=_markings(random),
        traffic=traffic,
    )


def lay_background(
    scene: Scene, view: View, azimuth: float, size: tuple[int, int], random: np.random.Generator
) -> Image:
    """A new canvas with backdrop, ground and markings.

    Args:
        scene: the place.
        view: of the object, in pixels of the canvas.
        azimuth: of the camera, which is where the backdrop is not.
        size: width and height of the canvas.
        random: of this picture.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    width, height = size
    foot = np.array([[-math.cos(azimuth) * scene.depth, -math.sin(azimuth) * scene.depth, 0.0]])
    edge = int(np.clip(view.project(foot)[0, 1], 0, height))
    left = int(random.integers(0, _WIDTH - width))
    top = int(random.integers(0, _HEIGHT - height))
    canvas = np.empty((height, width, 3), dtype=np.uint8)
    canvas[:edge] = scene.backdrop[_HEIGHT - edge :, left : left + width]
    canvas[edge:] = scene.ground[top : top + height - edge, left : left + width]
    shift = np.array([random.uniform(-2, 2), random.uniform(-0.3, 0.3), 0.0])
    markings = replace(scene.markings, points=scene.markings.points + shift)
    paint(canvas, markings, view, np.array([0.0, 0.0, 1.0]))
    return canvas


def cast_shadow(canvas: Image, hull: Floats, view: View, light: Floats, strength: float) -> Image:
    """`canvas` darkened where points `hull` keep the light off the ground, softly; strength in 0..1."""
    fallen = hull - hull[:, 2:] / max(light[2], 0.2) * light
    height, width = canvas.shape[:2]
    small = np.full((height // _SOFT + 1, width // _SOFT + 1, 3), 255, dtype=np.uint8)
    for points, depth in ((fallen, 0.55 * strength), (hull * [1, 1, 0], 0.8)):
        corners = np.round(view.project(points) / _SOFT).astype(np.int32)
        level = 255 * (1 - depth)
        cv2.fillConvexPoly(small, cv2.convexHull(corners), (level, level, level))
    soft = cv2.resize(cv2.blur(small, (3, 3)), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.multiply(canvas, soft, scale=1 / 255), dtype=np.uint8)


def add_pole(canvas: Image, random: np.random.Generator) -> None:
    """A post in front of everything."""
    height, width = canvas.shape[:2]
    thick = int(width * random.uniform(0.035, 0.10))
    x, grey = int(random.uniform(0.05, 0.95) * width), random.uniform(60, 190)
    for start, end, level in ((0.0, 1.0, 0.8), (0.15, 0.6, 1.0), (0.15, 0.3, 1.15)):
        shade = (grey * level, grey * level, grey * level * 0.97)
        cv2.rectangle(canvas, (x + int(start * thick), -2), (x + int(end * thick), height + 2), shade, cv2.FILLED)


def add_leaves(canvas: Image, random: np.random.Generator) -> None:
    """A branch that hangs into the picture from one of its upper corners or a bush at its lower edge."""
    height, width = canvas.shape[:2]
    x, y = random.choice((0.0, 1.0)) * width, random.choice((0.0, 0.95)) * height
    spots = np.stack([random.normal(x, 0.13 * width, 40), random.normal(y, 0.10 * height, 40)], axis=1)
    for (px, py), radius, tone in zip(spots, random.uniform(3, 10, 40), random.uniform(0.6, 1.3, 40), strict=True):
        cv2.circle(canvas, (int(px), int(py)), int(radius), (52 * tone, 84 * tone, 40 * tone), cv2.FILLED, cv2.LINE_AA)


def _blurred(picture: Image, spread: float) -> Image:
    """Out of focus, by a standard deviation of twice `spread` pixels."""
    half = cv2.resize(picture, (_WIDTH // 2, _HEIGHT // 2), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(half, (0, 0), spread)
    return np.asarray(cv2.resize(soft, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _texture(random: np.random.Generator, base: Colour, broad: float, fine: float) -> Image:
    """Noise at two scales around a colour."""
    half = (_WIDTH // 2, _HEIGHT // 2)
    coarse = random.normal(0, broad, (_HEIGHT // 40, _WIDTH // 40))
    level = cv2.resize(coarse, half, interpolation=cv2.INTER_CUBIC) + random.normal(0, fine, half[::-1])
    picture = np.clip(level[..., None] + np.asarray(base), 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(picture, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _ground(random: np.random.Generator, *, tiles: bool) -> Image:
    grey = random.uniform(100, 170)
    warm = random.uniform(-8, 12)
    ground = _texture(random, (grey + warm, grey, grey - warm), 6, 7)
    if tiles:
        step, dark = int(random.integers(26, 60)), (grey * 0.78, grey * 0.76, grey * 0.74)
        for at in range(0, _HEIGHT, step):
            cv2.line(ground, (0, at), (_WIDTH, at), dark, 2)
        for at in range(0, 2 * _WIDTH, int(step * 1.6)):
            cv2.line(ground, (at, 0), (at - _HEIGHT // 2, _HEIGHT), dark, 2)
    for _ in range(int(random.integers(2, 6))):  # patches and cracks
        start = random.uniform(0, 1, 2) * [_WIDTH, _HEIGHT]
        steps = start + np.cumsum(random.normal(0, 22, (8, 2)), axis=0)
        cv2.polylines(ground, [steps.astype(np.int32)], False, (grey * 0.7, grey * 0.7, grey * 0.7), 2, cv2.LINE_AA)
    return ground


def _trees(random: np.random.Generator) -> Image:
    picture = _texture(random, (58, 78, 48), 14, 6)
    for _ in range(420):
        x, y, tone = random.uniform(0, _WIDTH), random.uniform(0, _HEIGHT), random.uniform(0.45, 1.5)
        colour = (62 * tone, 88 * tone, 46 * tone)
        cv2.circle(picture, (int(x), int(y)), int(random.uniform(6, 24)), colour, cv2.FILLED)
    for _ in range(7):
        x = int(random.uniform(0, _WIDTH))
        cv2.rectangle(picture, (x, 0), (x + int(random.uniform(6, 16)), _HEIGHT), (62, 48, 36), cv2.FILLED)
    return picture


def _wall(random: np.random.Generator) -> Image:
    base = ((150, 92, 74), (168, 160, 148), (126, 120, 112), (186, 172, 140))[int(random.integers(4))]
    picture = _texture(random, base, 8, 5)
    dark = (base[0] * 0.8, base[1] * 0.8, base[2] * 0.8)
    course = int(random.integers(16, 44))
    for row, y in enumerate(range(_HEIGHT, -course, -course)):
        cv2.line(picture, (0, y), (_WIDTH, y), dark, 2)
        for x in range((row % 2) * course, _WIDTH, 2 * course):
            cv2.line(picture, (x, y), (x, y - course), dark, 2)
    return picture


def _front(random: np.random.Generator) -> Image:
    """A row of shop windows and doors."""
    base = ((140, 136, 130), (110, 104, 100), (172, 160, 150))[int(random.integers(3))]
    picture = _texture(random, base, 6, 4)
    step = int(random.integers(70, 130))
    for x in range(-int(random.integers(0, step)), _WIDTH, step):
        glass = random.uniform(30, 120)
        colour = (glass * 0.9, glass, glass * 1.1)
        cv2.rectangle(picture, (x, _HEIGHT - 40 - 2 * step), (x + int(0.76 * step), _HEIGHT - 26), colour, cv2.FILLED)
        sign = tuple(random.uniform(40, 220, 3).tolist())
        cv2.rectangle(
            picture, (x, _HEIGHT - 70 - 2 * step), (x + int(0.9 * step), _HEIGHT - 46 - 2 * step), sign, cv2.FILLED
        )
    return picture


def _fence(random: np.random.Generator) -> Image:
    """A hedge under an overcast sky behind a railing."""
    picture = _texture(random, (176, 184, 194), 5, 2)
    picture[_HEIGHT - 190 :] = _trees(random)[_HEIGHT - 190 :]
    tone = random.uniform(60, 190)
    for x in range(0, _WIDTH, int(random.integers(18, 40))):
        cv2.line(picture, (x, _HEIGHT - 120), (x, _HEIGHT), (tone, tone, tone), 4)
    for y in (_HEIGHT - 118, _HEIGHT - 30):
        cv2.line(picture, (0, y), (_WIDTH, y), (tone, tone, tone), 6)
    return picture


_BACKDROPS = (_trees, _wall, _front, _fence)


def _markings(random: np.random.Generator) -> Mesh:
    solid, white = Solid(), random.uniform(170, 225)
    yellow = random.random() < 0.25
    colour: Colour = (white, white * (0.82 if yellow else 1.0), white * (0.35 if yellow else 0.97))
    for y in (-random.uniform(1.5, 2.1), random.uniform(1.5, 2.1)):
        dashed = random.random() < 0.6
        for x in np.arange(-7.5, 7.5, 2.5 if dashed else 15.0).tolist():
            end = x + (1.3 if dashed else 15.0)
            solid.face([[x, y, 0], [end, y, 0], [end, y + 0.13, 0], [x, y + 0.13, 0]], colour, layer=0.0)
    return solid.mesh()
