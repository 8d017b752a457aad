"""Training and test pictures: what must hold of every augmentation, and determinism to the byte."""

import hashlib
import pickle
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import photo
from scipy.spatial.transform import Rotation

import reid
from reid import rng
from reid.data.resizing import resize
from reid.data.transforms import CROPS, MEAN_COLOUR, Augmentation, TestTransform, TrainTransform, _Draws
from reid.errors import ConfigError, ShapeError

PLAIN = Augmentation(crop="none", flip=0)
EVERYTHING = st.builds(
    Augmentation, crop=st.sampled_from(CROPS), flip=st.sampled_from([0, 0.5, 1]),
    erase=st.sampled_from([0, 0.5, 1]), colour=st.sampled_from([0, 0.5, 1]),
)  # fmt: skip
SIDES = st.integers(8, 300)
IMPORT = re.compile(r"^\s*(from|import) albumentations", re.MULTILINE)


def draw(transform: TrainTransform, image: np.ndarray, position: int) -> np.ndarray:
    return transform(image, rng.generator(7, "augment", 0, 0, position))


@settings(max_examples=80, deadline=None)
@given(SIDES, SIDES, st.integers(16, 200), st.integers(16, 200), EVERYTHING)
def test_a_pure_function_of_image_and_generator(height, width, tall, wide, augmentation):
    """The same generator gives the same bytes, also after pickling; the image stays as it was; the layout is fixed."""
    image = photo(height, width)
    before = image.copy()
    transform = TrainTransform((tall, wide), augmentation)
    picture = draw(transform, image, 3)
    assert picture.shape == (tall, wide, 3)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    assert np.array_equal(image, before)
    assert not np.shares_memory(picture, image)
    draw(transform, image, 4)
    again = pickle.loads(pickle.dumps(transform))  # noqa: S301  our own
    assert again == transform
    assert draw(again, image, 3).tobytes() == picture.tobytes()


def test_the_same_in_another_process():
    """No state of the process enters: hash seeds, global generators and what was drawn before do not matter."""
    script = """if True:
        import hashlib, random
        import numpy as np
        from pictures import photo
        from reid import rng
        from reid.data.transforms import Augmentation, TrainTransform
        random.seed(1); np.random.seed(1)
        make = TrainTransform((64, 48), Augmentation(erase=0.5, colour=0.7))
        print(hashlib.sha256(make(photo(90, 70), rng.generator(7, "augment", 0, 0, 11)).tobytes()).hexdigest())
    """
    path = f"{Path(reid.__file__).parents[1]}:{Path(__file__).parents[1]}"
    command = [sys.executable, "-W", "error", "-c", script]
    there = subprocess.run(command, env={"PYTHONPATH": path}, capture_output=True, text=True, check=True).stdout.strip()
    transform = TrainTransform((64, 48), Augmentation(erase=0.5, colour=0.7))
    here = [draw(transform, photo(90, 70), position) for position in range(12)]
    assert hashlib.sha256(here[-1].tobytes()).hexdigest() == there


def test_crops_differ_between_positions():
    """Chance is really used: twenty positions give twenty pictures."""
    for crop in ("random-resized", "pad"):
        transform = TrainTransform((64, 64), Augmentation(crop=crop, flip=0))
        image = photo(90, 80)
        assert len({draw(transform, image, position).tobytes() for position in range(20)}) >= 18


def test_augmentations_do_not_disturb_each_other():
    """Turning one on or off changes nothing about the others."""
    image, position = photo(90, 80), 5
    for crop in CROPS:
        still = draw(TrainTransform((64, 64), Augmentation(crop=crop, flip=0)), image, position)
        mirrored = draw(TrainTransform((64, 64), Augmentation(crop=crop, flip=1)), image, position)
        assert np.array_equal(mirrored, still[:, ::-1])
        erased = draw(TrainTransform((64, 64), Augmentation(crop=crop, flip=0, erase=1)), image, position)
        changed = (erased != still).any(axis=2)
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        inside = erased[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert (inside == MEAN_COLOUR).all()
        assert 0.01 * 64 * 64 < inside.size / 3 < 0.35 * 64 * 64


def test_chances():
    """A chance of 0.3 happens in three of ten pictures, and independently of the other one."""
    image = np.zeros((16, 16, 3), np.uint8)
    image[:, :8] = 255
    transform = TrainTransform((16, 16), replace(PLAIN, flip=0.3, erase=0.3))
    flipped, erased = [], []
    for position in range(2000):
        picture = draw(transform, image, position)
        flipped.append((picture[:, 0] == 0).all(axis=1).any() or (picture[:, -1] == 255).all(axis=1).any())
        erased.append((picture == MEAN_COLOUR).all(axis=2).any())
    assert abs(np.mean(flipped) - 0.3) < 0.04
    assert abs(np.mean(erased) - 0.3) < 0.04
    assert abs(np.mean(np.array(flipped) & erased) - 0.09) < 0.03


def test_nothing_left_to_chance():
    """Without any augmentation the picture is the whole image, as tests see it."""
    image = photo(77, 55)
    assert np.array_equal(draw(TrainTransform((64, 32), PLAIN), image, 0), TestTransform((64, 32))(image))


def test_random_resized_crop_is_a_part_of_the_image():
    """Coordinates painted as colours come back: an upright rectangle of the right share and shape."""
    rows, columns = np.indices((200, 200))
    image = np.stack([rows, columns, np.zeros_like(rows)], axis=2).astype(np.uint8)
    for size in ((64, 64), (64, 32)):
        transform = TrainTransform(size, Augmentation(flip=0, scale=(0.3, 0.5)))
        for position in range(50):
            part = draw(transform, image, position).astype(float)
            down = (part[-1, 0, 0] - part[0, 0, 0]) * size[0] / (size[0] - 1)
            across = (part[0, -1, 1] - part[0, 0, 1]) * size[1] / (size[1] - 1)
            assert 0.27 < down * across / 200**2 < 0.54
            assert 0.72 < across / down * size[0] / size[1] < 1.40
            assert np.ptp(part[:, 0, 1]) <= 1  # upright


def test_pad_shifts_by_a_twenty_fifth():
    """At 256 x 128 every shift from -10 to 10 pixels occurs, and the mean colour comes in."""
    image = photo(256, 128)
    transform = TrainTransform((256, 128), Augmentation(crop="pad", flip=0))
    seen = set()
    for position in range(400):
        picture = draw(transform, image, position)
        filled = (picture == MEAN_COLOUR).all(axis=2)
        rows, columns = filled.all(axis=1), filled.all(axis=0)
        down = int(rows.sum()) * (1 if rows[0] else -1)
        right = int(columns.sum()) * (1 if columns[0] else -1)
        seen.add(down)
        kept = picture[max(down, 0) : 256 + min(down, 0), max(right, 0) : 128 + min(right, 0)]
        assert np.array_equal(kept, image[max(-down, 0) : 256 - max(down, 0), max(-right, 0) : 128 - max(right, 0)])
    assert seen == set(range(-10, 11))


def test_colour_stays_within_its_strength():
    """Grey stays grey, brightness and contrast within their factors, and a strength near 0 changes next to nothing."""
    grey = np.repeat(photo(40, 40)[..., :1], 3, axis=2)
    for position in range(50):
        picture = draw(TrainTransform((40, 40), replace(PLAIN, colour=1)), grey, position)
        assert np.ptp(picture.astype(int), axis=2).max() <= 1
        assert 0.55 < (picture.mean() + 3) / grey.mean() < 1.45
        faint = draw(TrainTransform((40, 40), replace(PLAIN, colour=0.01)), grey, position)
        assert np.abs(faint.astype(int) - grey).max() <= 4


def test_colour_step_by_step():
    """The one matrix does what the four changes do one after the other, in floating point."""
    image = np.clip(photo(40, 40), 90, 150)  # far from 0 and 255, so that nothing is clipped
    weights = np.array([0.299, 0.587, 0.114])
    for position in range(20):
        draws = _Draws.of(rng.generator(7, "augment", 0, 0, position)).colour
        brightness, contrast, saturation = (1 + 0.2 * (2 * draw - 1) for draw in draws[:3])
        pixels = image * brightness
        mean = (pixels @ weights).mean()
        pixels = mean + contrast * (pixels - mean)
        grey = (pixels @ weights)[..., None]
        pixels = grey + saturation * (pixels - grey)
        angle = 2 * np.pi * 0.05 * (2 * draws[3] - 1)
        turn = Rotation.from_rotvec(angle * np.ones(3) / np.sqrt(3)).as_matrix()
        result = draw(TrainTransform((40, 40), replace(PLAIN, colour=0.5)), image, position)
        assert np.abs(result - pixels @ turn.T).max() <= 1


@pytest.mark.parametrize("crop", ["resize", "centre"])
def test_test_transform(crop):
    """One picture of the size asked for, always the same, as the function of that name makes it."""
    transform = pickle.loads(pickle.dumps(TestTransform((64, 32), crop=crop)))  # noqa: S301  our own
    image = photo(150, 61)
    picture = transform(image)
    assert picture.shape == (64, 32, 3)
    assert np.array_equal(picture, TestTransform((64, 32), crop=crop)(image))
    whole = resize(image, (64, 32))
    assert np.array_equal(picture, whole) == (crop == "resize")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Augmentation(crop="pads"), "did you mean 'pad'"),
        (lambda: Augmentation(crop="xyz"), r"unknown crop 'xyz'\. Known: random-resized, pad, none"),
        (lambda: Augmentation(flip=1.5), "flip must be from 0 to 1, got 1.5"),
        (lambda: Augmentation(erase=float("nan")), "erase must be"),
        (lambda: Augmentation(colour=-0.1), "colour must be"),
        (lambda: Augmentation(scale=(0.5, 0.2)), "scale must be"),
        (lambda: Augmentation(ratio=(0, 1)), "ratio must be"),
        (lambda: TrainTransform((0, 5), PLAIN), "size must be"),
        (lambda: TrainTransform((8, 8), PLAIN, interpolation="cubic"), "unknown interpolation 'cubic'"),
        (lambda: TestTransform((8, 8, 3)), "size must be"),
        (lambda: TestTransform((8, 8), crop="center"), "did you mean 'centre'"),
        (lambda: TestTransform((8, 8), interpolation="\n"), r"unknown interpolation '\\n'"),
    ],
)
def test_wrong_settings(make, words):
    """A wrong number or name is refused where it is set, with what would be right."""
    with pytest.raises(ConfigError, match=words):
        make()


def test_wrong_images():
    """Pictures that are not (H, W, 3) uint8 are refused by both transforms."""
    for image in (np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3), np.float32)):
        with pytest.raises(ShapeError):
            draw(TrainTransform((8, 8), PLAIN), image, 0)
        with pytest.raises(ShapeError):
            TestTransform((8, 8))(image)


def test_albumentations_in_one_file():
    """Only the transforms import albumentations, and only when an augmentation needs it."""
    package = Path(reid.__file__).parent
    importing = [path for path in package.rglob("*.py") if IMPORT.search(path.read_text())]
    assert importing == [package / "data" / "transforms.py"]
    script = "import sys, reid.data.transforms; sys.exit('albumentations' in sys.modules or 'torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": str(package.parent)}, check=True)
