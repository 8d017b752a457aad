"""What losses have in common: full precision, a count of what still teaches, and class vectors that can be seen in part."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

View = Callable[[Tensor], Tensor]
"""How a learner sees vectors of the embedding's length: (C, d) -> (C, d')."""


def at_least_float32(vectors: Tensor) -> Tensor:
    """The same values in float32, or in float64 if they are."""
    return vectors.to(torch.promote_types(vectors.dtype, torch.float32))


class PairLoss(nn.Module):
    """A loss between the images of a batch; a subclass writes `compare`.

    Attributes:
        active_pairs: after a call, the number of pairs or triplets of that batch with a loss above zero, a 0-d tensor
            where the batch was; None where a loss has no use for the number.
    """

    active_pairs: Tensor | None = None

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch, a scalar of at least float32 also under autocast.

        Args:
            embeddings: (B, d') unit vectors, of the dimension that is being trained.
            labels: (B,) integer identities.
        """
        with torch.autocast(embeddings.device.type, enabled=False):
            return self.compare(at_least_float32(embeddings), labels)

    def compare(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of (B, d') unit vectors in full precision."""
        raise NotImplementedError


class ClassVectorLoss(nn.Module):
    """A loss between the images of a batch and a learned vector, or several, for every class.

    Attributes:
        vectors: (centres x C, d) parameter, first one of every class, then a second of every class; only directions matter.
        active_pairs: None: every image is compared with every class.

    Args:
        classes: C, number of training identities; labels are 0..C-1.
        dimension: d, length of the embedding.
        centres: vectors of each class.
    """

    active_pairs: Tensor | None = None

    def __init__(self, classes: int, dimension: int, centres: int = 1) -> None:
        super().__init__()
        self.classes, self.centres = classes, centres
        self.vectors = nn.Parameter(torch.empty(centres * classes, dimension))
        self.draw()

    def draw(self) -> None:
        """First class vectors, from torch's default generator."""
        nn.init.normal_(self.vectors)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch of whole embeddings.

        Args:
            embeddings: (B, d) unit vectors.
            labels: (B,) classes, 0..C-1.
        """
        return self.through(embeddings, labels, lambda vectors: vectors)

    def through(self, embeddings: Tensor, labels: Tensor, view: View) -> Tensor:
        """The loss of a batch in a subspace: the class vectors are seen as the embeddings are, and then made unit length.

        Args:
            embeddings: (B, d') unit vectors, what a learner sees of the batch.
            labels: (B,) classes, 0..C-1.
            view: (C, d) -> (C, d'), how it sees vectors.
        """
        with torch.autocast(embeddings.device.type, enabled=False):
            images = at_least_float32(embeddings)
            return self.compare(images, _unit(view(self.vectors).to(images.dtype)), labels)

    def compare(self, embeddings: Tensor, vectors: Tensor, labels: Tensor) -> Tensor:
        """The loss of (B, d') against (centres x C, d'), both unit vectors in full precision."""
        raise NotImplementedError


def _unit(vectors: Tensor) -> Tensor:
    # As torch's own normalize, which divides, but a fifth faster with its gradient for many rows.
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=1, keepdim=True)
    return vectors * lengths.clamp(min=1e-12).reciprocal()
