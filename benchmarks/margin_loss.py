"""Time of one margin loss with distance-weighted sampling, forward and backward: ours beside pytorch-metric-learning's.

python benchmarks/margin_loss.py [--threads N]
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from pytorch_metric_learning import losses, miners
from torch import Tensor
from torch.nn.functional import normalize

from reid.model.losses import MarginLoss

IDENTITIES, EACH = 20, 4
ROUNDS, CALLS = 15, 20


def milliseconds(call: Callable[[], None]) -> float:
    """Least mean time of a call over several rounds: what else the machine does can only add."""
    call()
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(CALLS):
            call()
        rounds.append((time.perf_counter() - started) / CALLS * 1000)
    return min(rounds)


def step(loss: Callable[[Tensor, Tensor], Tensor], raw: Tensor, labels: Tensor) -> Callable[[], None]:
    """A call that computes the loss and its gradient."""

    def call() -> None:
        raw.grad = None
        loss(normalize(raw, dim=1), labels).backward()

    return call


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    torch.set_num_threads(parser.parse_args().threads)
    miner = miners.DistanceWeightedMiner(cutoff=0.5, nonzero_loss_cutoff=1.4)
    theirs = losses.MarginLoss(margin=0.2, beta=1.2, learn_beta=True)
    ours = MarginLoss()
    labels = torch.arange(IDENTITIES).repeat_interleave(EACH)
    print("dimension   ours ms   library ms   ratio")
    ratios = []
    for dimension in (16, 128, 512):
        random = torch.Generator().manual_seed(0)
        centres = torch.randn(IDENTITIES, dimension, generator=random)[labels]
        raw = (centres + torch.randn(len(labels), dimension, generator=random)).requires_grad_()
        mine = milliseconds(step(ours, raw, labels))
        other = milliseconds(step(lambda x, y: theirs(x, y, miner(x, y)), raw, labels))
        ratios.append(other / mine)
        print(f"{dimension:9d} {mine:9.2f} {other:12.2f} {ratios[-1]:7.1f}")
    print(f"batch {len(labels)} = {IDENTITIES} x {EACH}; median ratio {statistics.median(ratios):.1f}")


if __name__ == "__main__":
    main()
