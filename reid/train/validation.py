"""Holding out training identities to choose the best epoch on: test identities are never looked at for that."""

import numpy as np

from reid import rng
from reid.records import Records


def hold_out(records: Records, fraction: float, seed: int) -> tuple[Records, Records | None]:
    """Split training images by identity into those trained on and those validated on.

    Args:
        records: training images.
        fraction: share of the identities held out, 0..1; 0 holds none out.
        seed: of the run.

    Returns:
        Training records, and validation records; None where fewer than two identities with two images would be held
        out, on which nothing can be ranked.
    """
    codes, counts = np.unique(records.identities, return_counts=True)
    held_out = rng.generator(seed, "validation").permutation(codes)[: round(fraction * len(codes))]
    if np.isin(codes[counts >= 2], held_out).sum() < 2:
        return records, None
    chosen = np.isin(records.identities, held_out)
    return records.select(~chosen), records.select(chosen)
