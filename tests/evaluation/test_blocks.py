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
    """In order of queries; non-matches are finite, matches are listed, junk and what a rule takes out is neither."""
    images = drawn(40, 5)
    images.records.identities[::7] = -1
    distances, labels = CosineDistances(images.vectors, images.vectors), Labels.of(images.records)
    others, matches = np.zeros((40, 40), dtype=bool), np.zeros((40, 40), dtype=bool)
    starts = []

    def watch(block: Block) -> None:
        starts.append(block.start)
        others[block.start : block.start + len(block.others)] = np.isfinite(block.others)
        matches[block.start + block.matched.rows, block.matched.columns] = True
        quick = distances.rows(block.start, block.start + len(block.others))
        assert block.matched.near == pytest.approx(quick[block.matched.rows, block.matched.columns], abs=1e-6)
        assert np.where(np.isinf(block.others), quick, block.others) == pytest.approx(quick, abs=1e-6)

    rank_matches(distances, labels, labels, rules=Rules(same_image=True), memory=memory, watch=[watch])
    identities = images.records.identities
    known = identities >= 0
    same = (identities[:, None] == identities) & known

    assert starts == sorted(starts)
    assert (matches == (same & ~np.eye(40, dtype=bool))).all()
    assert (others == (~same & known))[known].all()
