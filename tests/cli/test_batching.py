"""How many identities a batch has where there are few."""

import numpy as np
import small_runs

from reid.cli.batching import batch_source, fewer_identities
from reid.config import load_config


def test_as_many_as_there_are(tmp_path):
    """Never more than asked for, never less than all there are but for what processes cannot share; said once, if at all."""
    records = small_runs.patches(tmp_path, identities=10, each=4)
    for asked, world, given in ((16, 1, 10), (11, 3, 9), (10, 1, 10), (4, 3, 4), (16, 11, 16)):
        notes: list[str] = []
        config = load_config(None, [f"train.identities={asked}"])
        assert fewer_identities(config, records, notes, world) == given
        assert [f"batches are of {given} identities, not of {asked}" in note for note in notes] == [True] * (
            given < asked
        )
    alone = records.select([*range(4), *range(4, 40, 4)])
    assert fewer_identities(load_config(None), alone, [], 1) == 20  # one with two images makes no batch


def test_batches_of_all_identities_keep_the_laws(tmp_path):
    """Every identity once in every batch, and after two epochs every image as often as any other."""
    records = small_runs.patches(tmp_path, identities=5, each=4)
    source = batch_source(load_config(None, ["train.images_each=2"]), records, [], 5)
    batches = [made.task.rows for epoch in range(2) for made in source.batches(epoch, 0, None)]

    assert np.bincount(np.concatenate(batches)).tolist() == [2] * 20
    assert all(sorted(records.identities[rows].tolist()) == sorted([*range(5)] * 2) for rows in batches)
