"""The library's losses, called as ours are."""

import loss_batches
import torch
from pytorch_metric_learning import losses, miners

from reid.model.losses.library import LibraryLoss


def test_pairs_above_zero_are_counted():
    """By both parts of the contrastive loss; none where there are no pairs; a loss that has no such terms says None."""
    vectors, labels = loss_batches.uneven()
    distance = (vectors[:, None] - vectors[None, :]).norm(dim=2)
    same = labels[:, None] == labels[None, :]
    loss = LibraryLoss(losses.ContrastiveLoss(pos_margin=0.5, neg_margin=1.2), counts=True)

    loss(vectors, labels)
    assert loss.active_pairs == (same & (distance > 0.5)).sum() + (~same & (distance < 1.2)).sum()
    loss(vectors[:1], labels[:1])
    assert loss.active_pairs == 0
    silent = LibraryLoss(losses.SupConLoss())
    silent(vectors, labels)
    assert silent.active_pairs is None


def test_only_mined_pairs_are_counted():
    """The miner chooses before the loss sees anything."""
    vectors, labels = loss_batches.uneven()
    loss = LibraryLoss(losses.ContrastiveLoss(pos_margin=0.0, neg_margin=2.0), miners.HDCMiner(0.25), counts=True)
    loss(vectors, labels)
    same = labels[:, None] == labels[None, :]
    positives, negatives = int(same.sum()) - len(labels), int((~same).sum())

    assert loss.active_pairs == -(-positives // 4) - (-negatives // 4)


def test_low_precision_is_raised_before_the_library_sees_it():
    """In bfloat16, and inside somebody's autocast region."""
    vectors, labels = loss_batches.uneven()
    loss = LibraryLoss(losses.ContrastiveLoss(), miners.HDCMiner())
    plain = loss(vectors.float(), labels)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = loss(vectors.float(), labels)

    assert mixed.item() == plain.item()
    assert loss(vectors.bfloat16(), labels).dtype == torch.float32
    assert loss(vectors, labels).dtype == torch.float64
