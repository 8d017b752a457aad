"""What is handed on of a ranking: every pair that counts, once."""

import numpy as np
import pytest
from samples import drawn

from reid.distances import CosineDistances
from reid.evaluation.blocks import Block
from reid.evaluation.matches import Labels, Rules
from reid.evaluation.ranking import rank_matches


@pytest.mark.parametrize("memory", [1, 5000, 2**30])
def test_blocks_hold_every_pair_that_counts(memory):
    """Non-matches are finite, matches are listed, junk and what a rule takes out is neither."""
    images = drawn(40, 5)
    images.records.identities[::7] = -1
    distances, labels = CosineDistances(images.vectors, images.vectors), Labels.of(images.records)
    others, matches = np.zeros((40, 40), dtype=bool), np.zeros((40, 40), dtype=bool)
    seen = np.zeros((40, 40), dtype=int)

    def watch(block: Block) -> None:
        height, width = block.others.shape
        part = slice(block.start, block.start + height), slice(block.first, block.first + width)
        seen[part] += 1
        others[part] = np.isfinite(block.others)
        rows = block.start + block.matched.rows
        assert not matches[rows, block.matched.columns].any()
        matches[rows, block.matched.columns] = True
        quick = distances.rows(0, 40)
        assert block.matched.near == pytest.approx(quick[rows, block.matched.columns], abs=1e-6)
        assert np.where(np.isinf(block.others), quick[part], block.others) == pytest.approx(quick[part], abs=1e-6)

    rank_matches(distances, labels, labels, rules=Rules(same_image=True), memory=memory, watch=[watch])
    identities = images.records.identities
    known = identities >= 0
    same = (identities[:, None] == identities) & known

    assert (seen == 1).all()
    assert (matches == (same & ~np.eye(40, dtype=bool))).all()
    assert (others == (~same & known))[known].all()
