"""What a run is made of."""

import numpy as np
import small_runs

from reid.train.insight import LearnerTally
from reid.train.plan import Progress


def test_labels_are_numbered_without_gaps(tmp_path):
    """Losses with vectors for classes count on 0..C-1, whatever identities were held out."""
    records = small_runs.patches(tmp_path, identities=5, each=2)
    plan = small_runs.plan(records.select(records.identities != 2), learners=1)

    assert sorted(set(plan.labels.tolist())) == [0, 1, 2, 3]
    for label in range(4):
        assert len(set(plan.train.identities[plan.labels == label].tolist())) == 1
    assert plan.labels.dtype == np.int64


def test_the_next_epoch_begins_afresh():
    """What belongs to an epoch goes with it; what belongs to the run stays."""
    progress = Progress(epoch=3, step=7, divided=2, best=0.5, best_epoch=1, images=99, skipped=4, failing=2)
    progress.tally = LearnerTally(2)
    progress.end_epoch()

    assert progress == Progress(epoch=4, divided=2, best=0.5, best_epoch=1, images=99, failing=2)
