"""What dividing costs: a step of one of eight learners, against the same step with a single one.

    python benchmarks/overhead.py [--case small|resnet18] [--pairs 60]

Both networks start from the same weights and see the same batch of 64 pictures, 16 identities of 4; the margin loss is
taken of a slice of 16 numbers in the one and of all 128 in the other. They run in turns, first one and then the other
first; the times of each are compared by their least and by their median.
"""

import argparse
import statistics
import time

import torch

from reid.cli.cores import share_cores
from reid.cli.learning import build_learning, build_network
from reid.config import load_config
from reid.train.step import Batch, Learning

LEARNERS, WARMUP = 8, 5
CASES = {
    "small": ("small", 48, ()),
    "resnet18": (None, 128, ("model.backbone=resnet18", "model.weights=random", "train.optimiser=adamw")),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Time of a step with eight learners, against one.")
    parser.add_argument("--case", choices=list(CASES), help="only this one")
    parser.add_argument("--pairs", type=int, default=60, help="steps of each kind")
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    for case in [given.case] if given.case else list(CASES):
        report(case, given.pairs, given.device)


def report(case: str, pairs: int, device: str) -> None:
    recipe, size, settings = CASES[case]
    several, alone = (learning(recipe, count, settings, device) for count in (LEARNERS, 1))
    share_cores(None, alone.network, (size, size))
    random = torch.Generator().manual_seed(0)
    pictures = torch.randint(0, 256, (64, size, size, 3), generator=random, dtype=torch.uint8).to(device_of(alone))
    times: dict[str, list[float]] = {"alone": [], "several": []}
    for number in range(WARMUP + pairs):
        turns = [("alone", alone, None), ("several", several, number % LEARNERS)]
        for name, which, learner in turns if number % 2 else turns[::-1]:
            seconds = step(which, pictures, number, learner)
            if number >= WARMUP:
                times[name].append(seconds)
    print(f"{case} at {size} pixels, {torch.get_num_threads()} threads, {pairs} pairs of steps on {device_of(alone)}")
    for name, measure in (("least", min), ("median", statistics.median)):
        one, eight = measure(times["alone"]), measure(times["several"])
        print(f"  {name:7} {1000 * one:9.2f} ms alone {1000 * eight:9.2f} ms of {LEARNERS}: {eight / one - 1:+.2%}")


def learning(recipe: str | None, learners: int, settings: tuple[str, ...], device: str) -> Learning:
    config = load_config(recipe, [f"division.learners={learners}", *settings])
    return build_learning(config, build_network(config, device=device), classes=16)


def step(which: Learning, pictures: torch.Tensor, number: int, learner: int | None) -> float:
    which.network.train()
    labels = torch.arange(16).repeat_interleave(4)
    batch = Batch(pictures, labels.to(pictures.device), torch.arange(64), (0, number), learner)
    started = time.perf_counter()
    which.step([batch])
    return time.perf_counter() - started


def device_of(which: Learning) -> torch.device:
    return which.network.mean.device


if __name__ == "__main__":
    main()
