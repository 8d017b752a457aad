"""A loss of one's own with class vectors, trained in every learner's slice; then the same loss in reid-train. Takes seconds.

The data are drawn points. In a project of yours the class stands in a module that Python finds, and is named in a recipe:

    loss: {name: "my_losses:Prototypes", scale: 12.0}
"""

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

import reid
from reid.cli.train import command
from reid.data.synthetic import draw_dataset

IDENTITIES, DIMENSION, LEARNERS = 40, 32, 4


class Prototypes(torch.nn.Module):
    """Cross-entropy over the cosines between an image and one prototype of each identity.

    Args:
        classes: number of training identities; given by reid-train to whoever asks for it.
        dimension: length of the whole vector; likewise.
        scale: of the cosines.
    """

    def __init__(self, *, classes: int, dimension: int, scale: float = 12.0) -> None:
        super().__init__()
        self.prototypes = torch.nn.Parameter(torch.randn(classes, dimension))
        self.scale = scale

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """(B, d) unit vectors and (B,) labels -> a scalar."""
        return self.through(embeddings, labels, lambda vectors: vectors)

    def through(self, embeddings: Tensor, labels: Tensor, view: Callable[[Tensor], Tensor]) -> Tensor:
        """The same in a learner's subspace: `view` cuts out of the (C, d) prototypes what the learner sees of a vector."""
        seen = normalize(view(self.prototypes), dim=1)
        return cross_entropy(self.scale * embeddings @ seen.T, labels)


def learned() -> list[float]:
    """Train a linear layer on noisy points of 40 identities; the loss of each of 60 steps, four learners taking turns."""
    torch.manual_seed(0)
    centres = torch.randn(IDENTITIES, 16)
    layer = torch.nn.Linear(16, DIMENSION)
    loss = reid.divide_and_conquer(
        Prototypes(classes=IDENTITIES, dimension=DIMENSION), dimension=DIMENSION, learners=LEARNERS
    )
    optimiser = torch.optim.Adam([*layer.parameters(), *loss.parameters()], lr=0.05)
    values = []
    for step in range(60):
        labels = torch.randint(IDENTITIES, (64,))
        points = centres[labels] + 0.3 * torch.randn(64, 16)
        learner = step % LEARNERS if step < 40 else None  # at last the whole vector
        optimiser.zero_grad()
        value = loss(layer(points), labels, learner)
        value.backward()
        optimiser.step()
        values.append(value.item())
    return values


def accepted(folder: Path) -> None:
    """What reid-train would do with it: builds everything, tells every epoch, and trains nothing."""
    draw_dataset(folder / "drawn", layout="folder", identities=20, images_per_identity=6, processes=1)
    with contextlib.chdir(folder):
        words = ["--dataset", "folder", "--root", "drawn", "--config", "small", "--dry-run"]
        words += ["--set", "train.identities=4", "--set", "data.workers=0"]  # a small set, and a short visit
        name = f"{Prototypes.__module__.replace('__main__', 'custom_loss')}:Prototypes"  # this script as a module
        command.main([*words, "--set", f"loss.name={name}", "--set", "loss.scale=12.0"], standalone_mode=False)


if __name__ == "__main__":
    losses = learned()
    print(f"loss of slices: {losses[0]:.2f} at first, {losses[39]:.2f} after 40 steps; of the whole: {losses[-1]:.2f}")
    with tempfile.TemporaryDirectory() as scratch:
        accepted(Path(scratch))
