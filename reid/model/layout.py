"""How a backbone lays out its features: as maps, as maps with channels last, or as tokens."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor


@dataclass(frozen=True)
class Layout:
    """What the output of a backbone is.

    Attributes:
        kind: "maps" (B, C, h, w), "channels-last" (B, h, w, C), or "tokens" (B, T, C).
        channels: C.
        prefix: tokens in front of those of patches, of which the first is the class token; 0 where there are no tokens.
        grid: (h, w) of the patches in pictures of the size the network was built for; None where that is not known.
    """

    kind: Literal["maps", "channels-last", "tokens"]
    channels: int
    prefix: int = 0
    grid: tuple[int, int] | None = None

    def maps(self, features: Tensor) -> Tensor:
        """(B, C, h, w) feature maps; of tokens those of patches, as one column (B, C, N, 1) where they are no known grid."""
        if self.kind == "maps":
            return features
        if self.kind == "channels-last":
            return features.permute(0, 3, 1, 2)
        patches = features[:, self.prefix :].transpose(1, 2)
        if self.grid is not None and self.grid[0] * self.grid[1] == patches.shape[2]:
            return patches.reshape(*patches.shape[:2], *self.grid)
        return patches.unsqueeze(3)
