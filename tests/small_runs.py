"""Small models, and images that differ by identity, for tests of everything that trains or embeds."""

from pathlib import Path

import cv2
import numpy as np
import torch

from reid.data.loader import Reader
from reid.data.transforms import Augmentation, TrainTransform
from reid.model.divide import DivideAndConquer
from reid.model.embedder import Architecture, EmbeddingNetwork
from reid.model.losses import MarginLoss
from reid.model.store import Description
from reid.records import Records, build
from reid.train.batches import BatchSource
from reid.train.divider import Divider
from reid.train.optimising import GroupRates, Rate, build_optimiser
from reid.train.plan import Plan
from reid.train.rates import Rates
from reid.train.schedule import Schedule
from reid.train.step import Batch, Learning

SIZE = 32


def network(*, learners: int = 2, dimension: int = 16, seed: int = 0, pooling: str = "average") -> EmbeddingNetwork:
    """A small-cnn with random weights, laid out in memory as in training."""
    torch.manual_seed(seed)
    made = EmbeddingNetwork(Architecture("small-cnn", dimension, learners, pooling=pooling))
    return made.to(memory_format=torch.channels_last)


def description(architecture: Architecture) -> Description:
    """Of a model for square pictures of 32 pixels."""
    return Description(architecture, (SIZE, SIZE), "resize", "area", "vehicle", "patches")


def patches(folder: Path, *, identities: int = 12, each: int = 6, seed: int = 0) -> Records:
    """Noisy pictures of coloured squares on grey, `each` of every identity, written to `folder` as PNG.

    An identity is two colours, one inside the other; place, tint and noise change from picture to picture.
    """
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    paths, names = [], []
    for identity in range(identities):
        outer, inner = random.integers(0, 256, (2, 3))
        for number in range(each):
            picture = np.full((SIZE, SIZE, 3), 128.0)
            top, left = random.integers(0, 9, 2)
            picture[top : top + 24, left : left + 24] = outer
            picture[top + 7 : top + 17, left + 7 : left + 17] = inner
            tint = random.uniform(0.7, 1.3) * random.uniform(0.85, 1.15, 3)
            picture = picture * tint + random.normal(0, 15, picture.shape)
            paths.append(f"{identity:03d}_{number}.png")
            names.append(f"{identity:03d}")
            cv2.imwrite(str(folder / paths[-1]), picture.clip(0, 255).astype(np.uint8))
    return build(folder, paths, names)


def pictures(count: int, seed: int = 0, size: tuple[int, int] = (SIZE, SIZE)) -> torch.Tensor:
    """(count, height, width, 3) uint8 random pictures."""
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, *size, 3), generator=random, dtype=torch.uint8)


def learning(
    *,
    learners: int = 2,
    dropout: float = 0.0,
    seed: int = 0,
    lr: float = 1e-3,
    optimiser: str = "adam",
    subspaces: str = "fixed",
    start: int | None = None,
) -> Learning:
    """A small network with the margin loss."""
    torch.manual_seed(seed)
    made = EmbeddingNetwork(Architecture("small-cnn", 16, learners, dropout=dropout))
    made.to(memory_format=torch.channels_last)
    criterion = DivideAndConquer(MarginLoss(), dimension=16, learners=learners, subspaces=subspaces, start=start)
    return Learning(made, criterion, build_optimiser(optimiser, made, criterion, rates_of(lr)), seed)


def rates_of(lr: float, weight_decay: float = 1e-4) -> GroupRates:
    """One learning rate for all; only the network's weights decay."""
    network, other = Rate(lr, weight_decay), Rate(lr, 0.0)
    return GroupRates(backbone=network, layer=network, loss=other, masks=other)


def batch(
    position: tuple[int, int] = (0, 0), learner: int | None = 0, *, identities: int = 4, each: int = 3, seed: int = 0
) -> Batch:
    """Random pictures, `each` of every identity."""
    count = identities * each
    labels = torch.arange(identities).repeat_interleave(each)
    return Batch(pictures(count, seed), labels, torch.arange(count), position, learner)


def plan(
    train: Records,
    validation: Records | None = None,
    *,
    epochs: int = 4,
    learners: int = 2,
    seed: int = 0,
    workers: int = 0,
    save_every: int = 1,
    digest: str = "data",
    subspaces: str = "fixed",
    doubling: bool = False,
) -> Plan:
    """A run of `epochs` epochs: two of divide, one of conquer, the rest finetune; batches of 3 identities x 3 images."""
    made = learning(learners=learners, dropout=0.1, seed=seed, subspaces=subspaces, start=1 if doubling else None)
    augmentation = Augmentation(crop="pad", flip=0.5, erase=0.3)
    return Plan(
        learning=made,
        schedule=Schedule(epochs, learners, every=2, conquer_from=2, finetune_from=3, doubling=doubling),
        rates=Rates(epochs, "cosine"),
        divider=Divider(learners, 3, seed),
        source=BatchSource(train.identities, 3, 3, seed),
        train=train,
        validation=validation,
        augmented=Reader(train.files(), TrainTransform((SIZE, SIZE), augmentation), seed),
        description=description(made.network.architecture),
        data_digest=digest,
        freeze_batchnorm=False,
        workers=workers,
        save_every=save_every,
    )
