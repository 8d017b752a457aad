"""Time of our losses, forward and backward, beside pytorch-metric-learning's: python benchmarks/losses.py [--only NAME,...].

Processor time of one thread, which other work on the machine changes least. Every loss that is ours and that the library has too; what is slower than the library's has no reason to be ours.
"""

import argparse
import time
from collections.abc import Callable

import torch
from pytorch_metric_learning import distances, losses, miners, reducers
from torch import Tensor
from torch.nn.functional import normalize

from reid.model.losses import build_loss

IDENTITIES, EACH, DIMENSION, CLASSES = 20, 4, 128, 13_164
ROUNDS, SECONDS = 9, 0.15
Loss = Callable[[Tensor, Tensor], Tensor]


def rivals(dimension: int) -> list[tuple[str, dict[str, object], Loss]]:
    """Name, our keys, and the library's loss of the same value."""
    of_classes = {"num_classes": CLASSES, "embedding_size": dimension}
    triplet = losses.TripletMarginLoss(margin=0.2)
    hard = losses.TripletMarginLoss(margin=0.2, reducer=reducers.MeanReducer())
    multi = losses.MultiSimilarityLoss()
    return [
        ("margin", {}, mined(losses.MarginLoss(margin=0.2, beta=1.2, learn_beta=True), miners.DistanceWeightedMiner())),
        ("triplet", {}, triplet),
        ("triplet", {"mining": "hard"}, mined(hard, miners.BatchHardMiner())),
        ("triplet", {"mining": "semihard"}, mined(triplet, miners.TripletMarginMiner(0.2, "semihard"))),
        ("signal-to-noise", {}, losses.SignalToNoiseRatioContrastiveLoss()),
        ("multi-similarity", {}, multi),
        ("multi-similarity", {"epsilon": 0.1}, mined(multi, miners.MultiSimilarityMiner())),
        ("lifted-structure", {}, losses.LiftedStructureLoss()),
        ("ntxent", {}, losses.NTXentLoss()),
        ("tuplet-margin", {}, losses.TupletMarginLoss()),
        ("softmax", {}, losses.NormalizedSoftmaxLoss(**of_classes)),
        ("arcface", {}, losses.ArcFaceLoss(**of_classes)),
        ("subcenter-arcface", {}, losses.SubCenterArcFaceLoss(**of_classes)),
        ("cosface", {}, losses.CosFaceLoss(**of_classes)),
        ("sphereface", {}, losses.SphereFaceLoss(**of_classes, scale=16)),
        ("proxy-nca", {}, losses.ProxyNCALoss(**of_classes, distance=distances.LpDistance(power=2), softmax_scale=9)),
        ("proxy-anchor", {}, losses.ProxyAnchorLoss(**of_classes)),
        ("soft-triple", {"centres": 2}, losses.SoftTripleLoss(**of_classes, centers_per_class=2)),
    ]


def mined(loss: torch.nn.Module, miner: torch.nn.Module) -> Loss:
    """A loss of the library on what one of its miners finds."""
    return lambda embeddings, labels: loss(embeddings, labels, miner(embeddings, labels))


def step(loss: Loss, raw: Tensor, labels: Tensor) -> Callable[[], None]:
    """A call that computes the loss and all its gradients."""
    parameters = list(loss.parameters()) if isinstance(loss, torch.nn.Module) else []

    def call() -> None:
        for leaf in [raw, *parameters]:
            leaf.grad = None
        loss(normalize(raw, dim=1), labels).backward()

    return call


def milliseconds(calls: list[Callable[[], None]]) -> list[float]:
    """Least mean processor time of each call over rounds in which all take turns: what else goes on can only add."""
    best = []
    for call in calls:
        started = time.process_time()
        call()
        best.append(time.process_time() - started)
    for _ in range(ROUNDS):
        for place, call in enumerate(calls):
            repeats = max(1, int(SECONDS / len(calls) / best[place]))
            started = time.process_time()
            for _ in range(repeats):
                call()
            best[place] = min(best[place], (time.process_time() - started) / repeats)
    return [1000 * seconds for seconds in best]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dimension", type=int, default=DIMENSION)
    parser.add_argument("--identities", type=int, default=IDENTITIES)
    parser.add_argument("--each", type=int, default=EACH, help="images of each identity in the batch")
    parser.add_argument("--only", help="names of losses, with commas between them; all unless given")
    options = parser.parse_args()
    torch.set_num_threads(1)
    labels = torch.arange(options.identities).repeat_interleave(options.each)
    random = torch.Generator().manual_seed(0)
    centres = torch.randn(options.identities, options.dimension, generator=random)[labels]
    noise = torch.randn(len(labels), options.dimension, generator=random)
    raw = (0.4 * centres + noise).requires_grad_()  # identities overlap, or miners would find nothing
    print(
        f"batch {len(labels)} = {options.identities} x {options.each}, d = {options.dimension}, {CLASSES:,} classes\n"
    )
    print(f"{'loss':36s} {'ours ms':>9s} {'library ms':>11s} {'ratio':>7s}")
    for name, keys, theirs in rivals(options.dimension):
        if options.only and name not in options.only.split(","):
            continue
        ours = build_loss({"name": name, **keys}, classes=CLASSES, dimension=options.dimension)
        mine, other = milliseconds([step(ours, raw, labels), step(theirs, raw, labels)])
        shown = ", ".join(f"{key}: {value}" for key, value in keys.items())
        print(
            f"{name + (f' ({shown})' if shown else ''):36s} {mine:9.2f} {other:11.2f} {other / mine:7.1f}", flush=True
        )


if __name__ == "__main__":
    main()
