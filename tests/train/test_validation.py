"""Held-out training identities."""

import numpy as np
import pytest
from samples import records

from reid.train.validation import hold_out

SET = records([f"{number:02d}" for number in range(40) for _ in range(3)])


def test_identities_are_held_out_whole() -> None:
    """A tenth of the identities, with all their images; the rest are trained on; nobody is in both, nobody is lost."""
    train, held_out = hold_out(SET, 0.1, 0)

    assert held_out is not None
    assert len(np.unique(held_out.identities)) == 4
    assert len(held_out) == 12
    assert not set(train.identities) & set(held_out.identities)
    assert sorted([*train.paths, *held_out.paths]) == sorted(SET.paths)


def test_the_choice_is_the_seeds_and_the_identities() -> None:
    """Equal seeds hold out the same identities, whatever order the images are in; other seeds others."""

    def chosen(seed: int, images: object = SET) -> tuple[int, ...]:
        held_out = hold_out(images, 0.2, seed)[1]  # type: ignore[arg-type]
        return () if held_out is None else tuple(np.unique(held_out.identities).tolist())

    assert chosen(0) == chosen(0, SET.select(np.random.default_rng(0).permutation(len(SET))))
    assert len({chosen(seed) for seed in range(5)}) == 5


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.03])
def test_too_few_to_rank_hold_nobody_out(fraction: float) -> None:
    """Fewer than two identities with two images cannot be ranked: all train."""
    train, held_out = hold_out(SET, fraction, 0)

    assert held_out is None
    assert train is SET
    assert hold_out(records([f"{number:02d}" for number in range(40)]), 0.5, 0)[1] is None
