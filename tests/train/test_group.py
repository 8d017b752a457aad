"""The only process of a run, and how several share images."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from reid.train.group import Group, stretch


def test_one_process_does_everything_itself() -> None:
    """Everything is the identity, to the object; nothing is copied."""
    group = Group()
    network, rows, features = torch.nn.Linear(2, 2), torch.ones(3, 2), np.ones((3, 2), dtype=np.float32)

    assert (group.rank, group.world, group.first) == (0, 1, True)
    assert group.part(12) == slice(0, 12)
    assert group.forward(network, network.forward) == network.forward
    assert group.gather(rows) is rows
    assert group.collect(features, 3, 2) is features
    assert group.from_first(lambda: rows) is rows
    assert group.agree(True, False) == (True, False)
    assert group.synchronised(network) is network
    assert group.told("stopped") == "stopped"
    for block in (group.first_here(), group.unfinished(network.forward), group.watched()):
        with block:
            group.align([rows])
            group.check([rows], "rows")


@given(st.integers(1, 9), st.integers(0, 70), st.integers(1, 8))
def test_stretches_share_all_images_in_whole_batches(world: int, count: int, unit: int) -> None:
    """Together they are all images, in order, once; each begins with a batch of one process; the first is the longest,
    and none has more than a batch more than another."""
    shares = [stretch(rank, world, count, unit) for rank in range(world)]
    images = np.arange(count)
    batches = [-(-len(images[share]) // unit) for share in shares]

    assert np.concatenate([images[share] for share in shares]).tolist() == images.tolist()
    assert all(share.start % unit == 0 or share.start == count for share in shares)
    assert max(batches) - min(batches) <= 1
    assert len(images[shares[0]]) == max(len(images[share]) for share in shares)
