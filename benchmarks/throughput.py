"""Images a second of real epochs, against the same steps on batches that are in memory already.

    python benchmarks/throughput.py [--case small|resnet18] [--rounds 9] [--workers N]

Both are the trainer's own loop, `EpochSteps`: one with files that are read, augmented and handed over by the loader of
the command line, with the threads and processes that it chooses, the other with batches kept from before. They run in
turns, an epoch at a time. The machine's speed may double within a minute, so each epoch from files is compared with the
mean of those from memory just before and just after it, and the median of these ratios is what counts. Batches in memory
are also timed with every other number of threads: whatever the data path does, no epoch can be faster than the best.

small: the recipe of that name at 48 pixels, on drawn vehicles of about 94 x 119 pixels. resnet18: at 128 pixels, random
resized crops of pictures of 350 x 300 pixels that are about as hard to decode as photographs.
"""

import argparse
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median

import numpy as np
import torch
from loading import draw

from reid.cli.compose import compose
from reid.cli.learning import build_network
from reid.config import load_config
from reid.data.dataset import read_dataset
from reid.data.loader import Loader, Task, available_cores
from reid.data.synthetic.write import draw_dataset
from reid.records import Splits, build
from reid.train.epoch import EpochSteps
from reid.train.plan import Plan, Progress

EACH = 12
BATCH = ("train.identities=16", "train.images_each=4")
WHOLE = ("data.validation=0", "division.conquer_from=0", "division.finetune_from=0")
RESNET = (
    "data.image_size=128", "data.crop=random-resized", "model.backbone=resnet18", "model.weights=random",
    "model.freeze_batchnorm=false", "train.optimiser=adamw",
)  # fmt: skip


class Timed:
    """A loader that tells how long it was waited for."""

    def __init__(self, loader: "Loader | Kept") -> None:
        self._loader, self.seconds = loader, 0.0

    def batches(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, torch.Tensor]]:
        made = self._loader.batches(tasks)
        while True:
            started = time.perf_counter()
            batch = next(made, None)
            self.seconds += time.perf_counter() - started
            if batch is None:
                return
            yield batch


class Kept:
    """Batches in memory, in the place of a loader."""

    def __init__(self, batches: Sequence[torch.Tensor]) -> None:
        self._batches = batches

    def batches(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, torch.Tensor]]:
        return zip(tasks, self._batches, strict=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Images a second of training, with and without reading files.")
    parser.add_argument("--case", choices=["small", "resnet18"], help="only this one")
    parser.add_argument("--rounds", type=int, default=9, help="epochs of each kind")
    parser.add_argument("--workers", type=int, help="loader processes, instead of what the command line would choose")
    given = parser.parse_args()
    for case in [given.case] if given.case else ["small", "resnet18"]:
        with tempfile.TemporaryDirectory() as folder:
            report(case, plan_of(case, Path(folder), given.workers), given.rounds)


def plan_of(case: str, folder: Path, workers: int | None) -> Plan:
    chosen = () if workers is None else (f"data.workers={workers}",)
    if case == "small":
        draw_dataset(folder / "set", layout="market", identities=540, images_per_identity=EACH, train_fraction=0.5)
        config = load_config("small", [*WHOLE, *chosen])
        splits = read_dataset("market1501", folder / "set")
    else:
        config = load_config(None, [*WHOLE, *BATCH, *RESNET, *chosen])
        paths = draw(folder, 350, 300, count=40 * EACH)
        names = [f"{number // EACH:03d}" for number in range(len(paths))]
        splits = Splits("drawn", "vehicle", build(folder, [path.name for path in paths], names), {})
    return compose(config, splits, build_network(config, device="cpu")).plan


def report(case: str, plan: Plan, rounds: int) -> None:
    threads, cores, waited = torch.get_num_threads(), available_cores(), []
    with Loader(plan.augmented, workers=plan.workers) as loader:
        kept = Kept([batch for _, batch in loader.batches([a.task for a in steps_of(plan).assignments()])])
        rate(plan, kept)  # whatever is done only once
        read, memory = [], [rate(plan, kept)]
        for _ in range(rounds):
            timed = Timed(loader)
            read.append(rate(plan, timed))
            waited.append(timed.seconds * read[-1] / images(plan))
            memory.append(rate(plan, kept))
        others: dict[int, list[float]] = {number: [] for number in range(1, cores + 1) if number != threads}
        for number, found in others.items():
            for _ in range(max(1, rounds // 3)):
                torch.set_num_threads(number)
                found.append(rate(plan, kept))
                torch.set_num_threads(threads)
                found[-1] /= rate(plan, kept)
    ratios = [
        each * (1 / before + 1 / after) / 2 for each, before, after in zip(read, memory, memory[1:], strict=False)
    ]
    low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
    print(
        f"{case}: {threads} of {cores} threads compute, {plan.workers} processes read, {images(plan)} images an epoch"
    )
    print(f"  from files   {median(read):6.0f} images/s, {median(waited):.1%} of the time waiting for batches")
    print(f"  from memory  {median(memory):6.0f} images/s; from files {middle:.1%} of that ({low:.1%} to {high:.1%})")
    for number, found in others.items():
        print(f"  from memory with {number} threads instead of {threads}: {median(found):.2f} times as many")


def rate(plan: Plan, loader: "Loader | Kept | Timed") -> float:
    """Images a second of one epoch."""
    started = time.perf_counter()
    steps_of(plan).run(loader, lambda: None)  # type: ignore[arg-type]  # all that it asks of a loader is `batches`
    return images(plan) / (time.perf_counter() - started)


def steps_of(plan: Plan) -> EpochSteps:
    return EpochSteps(plan, Progress(), lambda _event: None, "")


def images(plan: Plan) -> int:
    return sum(len(assignment.task.rows) for assignment in steps_of(plan).assignments())


if __name__ == "__main__":
    main()
