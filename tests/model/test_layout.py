"""Features of any backbone as maps."""

import torch

from reid.model.layout import Layout


def test_maps_are_the_same_whatever_the_layout() -> None:
    """Channels first, channels last, and tokens of patches in rows behind those in front, are one map."""
    maps = torch.randn(2, 4, 3, 5)
    tokens = torch.cat([torch.full((2, 2, 4), torch.nan), maps.flatten(2).transpose(1, 2)], dim=1)

    assert torch.equal(Layout("maps", 4).maps(maps), maps)
    assert torch.equal(Layout("channels-last", 4).maps(maps.permute(0, 2, 3, 1)), maps)
    assert torch.equal(Layout("tokens", 4, 2, (3, 5)).maps(tokens), maps)


def test_patches_that_are_no_known_grid_are_one_column() -> None:
    """Poolings need no grid: (B, C, N, 1) has the same mean and maximum."""
    tokens = torch.randn(2, 7, 4)
    for layout in (Layout("tokens", 4, 1), Layout("tokens", 4, 1, (3, 5))):
        assert torch.equal(layout.maps(tokens)[..., 0], tokens[:, 1:].transpose(1, 2))
