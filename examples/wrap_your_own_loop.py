"""Divide and conquer in a plain PyTorch loop: four learners share 64 dimensions, and the loss is anyone's. Takes seconds.

The data are drawn: points of 40 kinds, such as makes of cars, with many identities of each kind, which differ little.
Recall is that of new identities, which were never trained on.
"""

import torch
from pytorch_metric_learning.losses import MultiSimilarityLoss

import reid

LEARNERS, DIMENSION = 4, 64
EPOCHS, EVERY, CONQUER_FROM, FINETUNE_FROM = 12, 2, 4, 8


def points(identities: int, each: int, *, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(N, 64) points and their (N,) identities: 8 numbers of the kind, 8 of the identity and 48 of noise, mixed up."""
    world, random = torch.Generator().manual_seed(0), torch.Generator().manual_seed(seed)
    mix, kinds = torch.randn(64, 64, generator=world), 8 * torch.randn(40, 8, generator=world)
    labels = torch.arange(identities).repeat_interleave(each)
    parts = kinds[labels % 40], torch.randn(identities, 8, generator=random)[labels]
    return torch.cat([*parts, torch.randn(len(labels), 48, generator=random)], dim=1) @ mix, labels


def recall_at_1(vectors: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of the points whose nearest other one has their identity."""
    nearest = (vectors @ vectors.T).fill_diagonal_(-2.0).argmax(dim=1)
    return float((labels[nearest] == labels).float().mean())


def main() -> tuple[float, float]:
    """Recall@1 of new identities before and after training."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # layers this small are quickest on one core
    (inputs, labels), (new_inputs, new_labels) = points(200, 8, seed=1), points(200, 8, seed=2)
    body, head = torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.ReLU()), torch.nn.Linear(256, DIMENSION)
    loss = reid.divide_and_conquer(MultiSimilarityLoss(), dimension=DIMENSION, learners=LEARNERS)
    optimiser = torch.optim.Adam([*body.parameters(), *head.parameters(), *loss.parameters()], lr=1e-3)
    divider = reid.Divider(LEARNERS, identities_needed=10, seed=0)
    source = reid.BatchSource(labels.numpy(), per_batch=10, images_each=4, seed=0)
    with torch.no_grad():
        before = recall_at_1(loss.embed(head(body(new_inputs))), new_labels)
    division, since = None, 0
    for epoch in range(EPOCHS):
        if epoch >= FINETUNE_FROM:  # batches of all identities
            division, since = None, FINETUNE_FROM
        elif epoch % EVERY == 0:  # batches of one cluster each
            with torch.no_grad():
                features = body(inputs).numpy()
            division, since = divider.divide(features, labels.numpy(), epoch // EVERY, division), epoch
        for batch, cluster in source.batches(epoch, since, division):
            learner = cluster if epoch < CONQUER_FROM else None  # None trains the whole embedding
            optimiser.zero_grad()
            loss(head(body(inputs[batch.rows])), labels[batch.rows], learner).backward()
            optimiser.step()
    with torch.no_grad():
        return before, recall_at_1(loss.embed(head(body(new_inputs))), new_labels)


if __name__ == "__main__":
    print("recall@1 of new identities: {:.3f} before, {:.3f} after".format(*main()))
