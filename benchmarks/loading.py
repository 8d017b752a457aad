"""How many images a second one process reads, decodes and augments, against the classic chain.

    python benchmarks/loading.py [--seconds 0.5] [--images FOLDER]

Classic: Pillow opens and converts, torchvision resizes, crops, mirrors, makes a float tensor and normalises it. Ours:
`read_image` and `TrainTransform`; normalising happens on the device, for a whole batch at once. The limit is OpenCV's
bare decoding of bytes in memory. All run in turns, in this process, each on one thread; a rate is the best of nine
short turns, per second of processor time, for other work on the machine only ever slows. The pictures are drawn:
smooth colours, texture and noise, JPEG quality 90, 4:2:0.
"""

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from reid import rng
from reid.data.images import read_image
from reid.data.transforms import Augmentation, TrainTransform

CASES = {  # name: (file height, file width), output size, augmentation
    "person 128x64 -> 256x128, pad-crop": ((128, 64), (256, 128), Augmentation(crop="pad")),
    "vehicle 350x300 -> 224x224, random resized": ((350, 300), (224, 224), Augmentation()),
}
TURNS = 9


def main() -> None:
    arguments = argparse.ArgumentParser(description="Images a second of the data path, in one process.")
    arguments.add_argument("--seconds", type=float, default=0.5, help="length of a turn; every chain has nine")
    arguments.add_argument("--images", type=Path, help="time the JPEGs in this folder instead of drawn ones")
    given = arguments.parse_args()
    cv2.setNumThreads(1)
    for name, (shape, size, augmentation) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            paths = sorted(given.images.rglob("*.jpg")) if given.images else draw(Path(folder), *shape, count=200)
            report(name, paths, chains(paths, size, augmentation), given.seconds)


def draw(folder: Path, height: int, width: int, count: int) -> list[Path]:
    """JPEGs about as hard to decode as photographs: about 2 bits per pixel."""
    paths = []
    for number in range(count):
        random = rng.generator(0, "benchmark pictures", number)
        coarse = random.integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
        fine = random.normal(0, 10, (height // 4, width // 4, 3)).astype(np.float32)
        picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) + cv2.resize(fine, (width, height))
        picture += random.normal(0, 2, picture.shape)
        paths.append(folder / f"{number}.jpg")
        cv2.imwrite(str(paths[-1]), picture.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 90])
    return paths


def chains(paths: list[Path], size: tuple[int, int], augmentation: Augmentation) -> dict[str, Callable[[int], object]]:
    """One function per chain; each does everything for the image of a number."""
    contents = [np.frombuffer(path.read_bytes(), dtype=np.uint8) for path in paths]
    everything = Augmentation(crop=augmentation.crop, erase=0.5, colour=0.5)
    return {
        "classic Pillow + torchvision": classic(paths, size, augmentation),
        "ours": ours(paths, size, augmentation),
        "ours, also erasing and colour": ours(paths, size, everything),
        "ours, reading only": lambda number: read_image(paths[number % len(paths)]),
        "limit: bare decoding": lambda number: cv2.imdecode(contents[number % len(contents)], cv2.IMREAD_COLOR_RGB),
    }


def ours(paths: list[Path], size: tuple[int, int], augmentation: Augmentation) -> Callable[[int], object]:
    transform = TrainTransform(size, augmentation)

    def load(number: int) -> object:
        return transform(read_image(paths[number % len(paths)]), rng.generator(0, "augment", 0, 0, number))

    return load


def classic(paths: list[Path], size: tuple[int, int], augmentation: Augmentation) -> Callable[[int], object]:
    import torch
    from PIL import Image
    from torchvision import transforms

    torch.set_num_threads(1)
    crop = {
        "pad": [transforms.Resize(size), transforms.Pad(10), transforms.RandomCrop(size)],
        "random-resized": [transforms.RandomResizedCrop(size)],
    }[augmentation.crop]
    chain = transforms.Compose(
        [
            *crop,
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )

    def load(number: int) -> object:
        with Image.open(paths[number % len(paths)]) as image:
            return chain(image.convert("RGB"))

    return load


def report(name: str, paths: list[Path], functions: dict[str, Callable[[int], object]], seconds: float) -> None:
    rates: dict[str, list[float]] = {chain: [] for chain in functions}
    for function in functions.values():
        rate(function, itertools.count(), 0.1)  # imports, caches
    for turn in range(TURNS):
        for chain, function in functions.items():
            rates[chain].append(rate(function, itertools.count(1000 * turn), seconds))
    best = {chain: max(values) for chain, values in rates.items()}
    baseline, limit = best["classic Pillow + torchvision"], best["limit: bare decoding"]
    bytes_each = statistics.mean(path.stat().st_size for path in paths)
    print(f"{name}  ({len(paths)} files, {bytes_each / 1000:.1f} kB each, {TURNS} turns)")
    for chain, value in best.items():
        print(f"  {chain:32}{value:8.0f} images/s{value / baseline:7.2f} x classic{value / limit:8.0%} of the limit")


def rate(function: Callable[[int], object], numbers: Iterator[int], seconds: float) -> float:
    begin = time.process_time()
    for done, number in enumerate(numbers, start=1):
        function(number)
        passed = time.process_time() - begin
        if passed >= seconds:
            return done / passed
    raise ValueError("numbers must not end")


if __name__ == "__main__":
    main()
