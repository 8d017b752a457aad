"""Follow drawn vehicles through a film by overlap and appearance, with nothing but this package.

    python examples/tracker_appearance.py [RUN LIKENESS]

Six vehicles cross a road one after another, and each is hidden behind a wall for a while. A tracker that goes by overlap
alone gives it a new number when it comes out. One that also compares appearances knows it again. Without the RUN of a
training the model has random weights, which tell colours apart, and no more. LIKENESS is the cosine from which two crops
are taken for one vehicle: nearly 1 for random weights, much less for a trained model.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from reid import load_embedder
from reid.data.images import read_image
from reid.data.resizing import resize
from reid.data.synthetic.write import draw_dataset
from reid.embed import Appearance, Embedder, TorchModel
from reid.model.embedder import Architecture, EmbeddingNetwork
from reid.model.store import Description

VEHICLES, FRAMES, WALL = 6, 90, (150, 250)
HEIGHT, WIDTH, SIZE = 120, 400, 64
LEAST_OVERLAP = 0.3
PATIENCE = 40  # frames that a vehicle may be hidden


@dataclass
class Track:
    """One vehicle, as far as the tracker knows."""

    number: int
    box: NDArray[np.float64]
    vector: NDArray[np.float32]
    seen: int


class Tracker:
    """Boxes of each frame go to the tracks they overlap most with; those left, to the lost tracks they look like."""

    def __init__(self, appearance: Appearance | None = None, likeness: float = 1.0) -> None:
        self.appearance, self.likeness = appearance, likeness
        self.tracks: list[Track] = []

    def update(self, time: int, frame: NDArray[np.uint8], boxes: NDArray[np.float64]) -> list[int]:
        """The number of the track of every box."""
        vectors = np.zeros((len(boxes), 1), np.float32) if self.appearance is None else self.appearance(frame, boxes)
        numbers, taken = [], set()
        for box, vector in zip(boxes, vectors, strict=True):
            free = [track for track in self.tracks if track.number not in taken and time - track.seen <= PATIENCE]
            best = max(free, key=lambda track: self._fit(track, time, box, vector), default=None)
            if best is None or self._fit(best, time, box, vector) <= 0:
                best = Track(len(self.tracks), box, vector, time)
                self.tracks.append(best)
            blended = 0.8 * best.vector + 0.2 * vector
            best.box, best.vector, best.seen = box, blended / max(1e-9, np.linalg.norm(blended)), time
            taken.add(best.number)
            numbers.append(best.number)
        return numbers

    def _fit(self, track: Track, time: int, box: NDArray[np.float64], vector: NDArray[np.float32]) -> float:
        """How well a box continues a track; 0 where it cannot."""
        if track.seen == time - 1:
            overlap = iou(track.box, box)
            return 1 + overlap if overlap >= LEAST_OVERLAP else 0.0
        likeness = float(track.vector @ vector) if self.appearance is not None else 0.0
        return likeness if likeness >= self.likeness else 0.0


def iou(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Overlap of two boxes as a share of what they cover together."""
    inner = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    common = float(np.prod(np.maximum(inner, 0)))
    return common / float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - common)


def film(folder: Path):
    """Frames (BGR, as cameras give them), the boxes in each, and which vehicle each of them is."""
    draw_dataset(folder / "set", layout="folder", identities=VEHICLES, images_per_identity=2, train_fraction=0.5)
    files = {path.parent.name: path for path in sorted((folder / "set").rglob("*.jpg"))}
    vehicles = [resize(read_image(path), (SIZE, SIZE)) for path in files.values()][:VEHICLES]
    for time in range(FRAMES):
        frame = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
        boxes, owners = [], []
        for owner, vehicle in enumerate(vehicles):
            left = 7 * (time - 6 * owner) - SIZE
            if left < 0 or left + SIZE > WIDTH:
                continue
            top = 10 + 8 * (owner % 5)
            light = 1 + 0.15 * np.sin(time / 5 + owner)
            frame[top : top + SIZE, left : left + SIZE] = np.clip(vehicle * light, 0, 255)
            if left + SIZE <= WALL[0] or left >= WALL[1]:
                boxes.append((left, top, left + SIZE, top + SIZE))
                owners.append(owner)
        frame[:, WALL[0] : WALL[1]] = 40
        yield np.ascontiguousarray(frame[:, :, ::-1]), np.array(boxes, np.float64).reshape(-1, 4), owners


def model(run: str | None) -> Embedder:
    """That of a run, or one with random weights."""
    if run is not None:
        return load_embedder(run)
    torch.manual_seed(0)
    network = EmbeddingNetwork(Architecture("small-cnn", 64, 1)).to(memory_format=torch.channels_last)
    about = Description(network.architecture, (48, 48), "resize", "area", "vehicle", "none")
    return Embedder(TorchModel(network, about, "random", torch.device("cpu")))


def main(run: str | None = None, likeness: str = "0.99") -> tuple[int, int]:
    """Tracks with overlap alone, and with appearance too; there are six vehicles."""
    by_overlap, by_both = Tracker(), Tracker(Appearance(model(run)), float(likeness))
    kept: dict[int, set[int]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for time, (frame, boxes, owners) in enumerate(film(Path(folder))):
            by_overlap.update(time, frame, boxes)
            for owner, number in zip(owners, by_both.update(time, frame, boxes), strict=True):
                kept.setdefault(number, set()).add(owner)
    mixed = sum(len(owners) > 1 for owners in kept.values())
    print(f"{VEHICLES} vehicles: {len(by_overlap.tracks)} tracks by overlap alone")
    print(
        f"{VEHICLES} vehicles: {len(by_both.tracks)} tracks by overlap and appearance, {mixed} of them of two vehicles"
    )
    return len(by_overlap.tracks), len(by_both.tracks)


if __name__ == "__main__":
    main(*sys.argv[1:3])
