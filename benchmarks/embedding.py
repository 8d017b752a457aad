"""Images a second of reid-embed, against the same model on the same pictures in memory.

    python benchmarks/embedding.py [--case small|resnet18|resnet50] [--crops 20000] [--seconds 200]

One side is what reid-embed does with a piece of its work: files are read, decoded and resized by the threads and
processes that the command line chooses, embedded, and the vectors saved. The other is the model alone on pictures that
were prepared before. They run in turns, a piece of crops at a time. The machine's speed may double within a minute, so
each piece from files is compared with the mean of those from memory just before and just after it, and the median of
these ratios is what counts. Where others use the processor too, those that read and those that compute wait for them by
turns, so the processor time that this process spends on an image is told as well: what reading adds to it is what cannot
be hidden. The crops are JPEGs of 106 x 173 pixels about as hard to decode as photographs.

small: small-cnn at 48 pixels. resnet18: at 128 pixels. resnet50: at 256 x 128. Weights are random, which costs the same.
"""

import argparse
import itertools
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from loading import draw

from reid.cli.cores import share_for
from reid.data.images import read_image
from reid.embed import BATCH, Embedder, TorchModel, choose_device, transform
from reid.embed.loading import PRECISIONS
from reid.gallery.embedding import embed_entries
from reid.gallery.listing import Listing
from reid.gallery.sources import listing
from reid.model.embedder import Architecture, EmbeddingNetwork
from reid.model.store import Description

CASES = {"small": ("small-cnn", (48, 48)), "resnet18": ("resnet18", (128, 128)), "resnet50": ("resnet50", (256, 128))}
PIECES = {"small": 4_000, "resnet18": 500, "resnet50": 250}
DRAWN = 500  # different pictures; a file that is linked again is read and decoded like any other


def main() -> None:
    parser = argparse.ArgumentParser(description="Images a second of reid-embed and of its model alone.")
    parser.add_argument("--case", choices=[*CASES], help="only this one")
    parser.add_argument("--crops", type=int, default=20_000, help="how many are embedded")
    parser.add_argument("--piece", type=int, help="crops that are embedded in one turn")
    parser.add_argument("--seconds", type=float, default=200.0, help="after which no further piece is begun")
    parser.add_argument("--workers", type=int, help="loader processes, instead of what the command line would choose")
    parser.add_argument("--precision", choices=[*PRECISIONS], default="fp32", help="what the network multiplies in")
    parser.add_argument("--device", default="auto", help="cpu, cuda, ...")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        crops = files(Path(folder), given.crops)
        for case in [given.case] if given.case else ["small", "resnet18"]:
            embedder = build(case, given.device, given.precision)
            workers = share_for(embedder, given.workers)
            report(case, embedder, crops, workers, given.piece or PIECES[case], given.seconds)


def files(folder: Path, count: int) -> Listing:
    """So many crops, each a file of its own."""
    drawn = draw(folder, 173, 106, min(count, DRAWN))
    (folder / "crops").mkdir()
    for number, path in zip(range(count), itertools.cycle(drawn)):
        os.link(path, folder / "crops" / f"{number:06d}.jpg")
    return listing(folder / "crops")


def build(case: str, device: str, precision: str) -> Embedder:
    backbone, size = CASES[case]
    torch.manual_seed(0)
    network = EmbeddingNetwork(Architecture(backbone, 128, 8)).eval()
    place = choose_device(device)
    network.to(device=place).to(memory_format=torch.channels_last)
    about = Description(network.architecture, size, "resize", "area", "vehicle", "drawn")
    return Embedder(TorchModel(network, about, "", place, PRECISIONS[precision]))


def report(case: str, embedder: Embedder, crops: Listing, workers: int, piece: int, seconds: float) -> None:
    prepare = transform(embedder.description)
    some = [prepare(read_image(Path(entry.path))) for entry in crops[:DRAWN]]
    kept = np.stack([some[number % len(some)] for number in range(piece)])
    alone = [timed(lambda: embed_kept(embedder, kept)) for _ in range(2)][1:]  # the first warms up
    read: list[np.ndarray] = []
    done, started = 0, time.perf_counter()
    for part in crops.pieces(piece):
        read.append(timed(lambda part=part: embed_files(embedder, part, workers)) / len(part))
        alone.append(timed(lambda: embed_kept(embedder, kept)))
        done += len(part)
        if time.perf_counter() - started > seconds:
            break
    model = np.array(alone) / piece
    low, middle, high = np.quantile((model[:-1] + model[1:]) / 2 / np.array(read), [0.25, 0.5, 0.75], axis=0)
    print(f"{case}: {done} of {len(crops)} crops; {torch.get_num_threads()} threads compute, {workers} processes read")
    print(f"  model alone  {1 / np.median(model[:, 0]):6.0f} images/s")
    rate = 1 / np.median(np.array(read)[:, 0])
    print(f"  reid-embed   {rate:6.0f} images/s, {middle[0]:.1%} of that ({low[0]:.1%} to {high[0]:.1%})")
    print(
        f"  of this process's time on an image the model has {middle[1]:.1%} ({low[1]:.1%} to {high[1]:.1%})",
        flush=True,
    )


def timed(work: Callable[[], None]) -> np.ndarray:
    """Seconds that pass, and seconds of the processor."""
    passed, spent = time.perf_counter(), time.process_time()
    work()
    return np.array([time.perf_counter() - passed, time.process_time() - spent])


def embed_files(embedder: Embedder, part: Listing, workers: int) -> None:
    """From files to a folder of vectors."""
    with tempfile.TemporaryDirectory() as folder:
        made, _ = embed_entries(embedder, part, workers=workers)
        made.save(Path(folder) / "piece")


def embed_kept(embedder: Embedder, kept: np.ndarray) -> None:
    """The model alone."""
    for start in range(0, len(kept), BATCH):
        embedder.model.pictures(kept[start : start + BATCH])


if __name__ == "__main__":
    main()
