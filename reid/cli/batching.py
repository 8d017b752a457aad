"""How many identities and images a batch has: as the settings say, or as the data allow."""

import numpy as np

from reid.config import Config
from reid.errors import ConfigError
from reid.records import Records
from reid.train.batches import BatchSource


def fewer_identities(config: Config, records: Records, notes: list[str], world: int) -> int:
    """`train.identities`, or as many as there are, where there are fewer: a number that the processes can share.

    Args:
        config: all settings.
        records: what is left to train on.
        notes: what the user should know; a sentence is added where the number is lowered.
        world: number of processes.
    """
    able = int((np.unique(records.identities, return_counts=True)[1] >= 2).sum())
    fewer = able - able % world
    if able >= config.train.identities or fewer < 2:
        return config.train.identities
    notes.append(
        f"batches are of {fewer} identities, not of {config.train.identities} as the recipe has it: {able} with at least "
        f"two images are left to train on (train.identities={fewer})"
    )
    return fewer


def batch_source(config: Config, records: Records, notes: list[str], per_batch: int) -> BatchSource:
    """What draws batches, of as many images as asked for.

    Args:
        config: all settings.
        records: what is left to train on.
        notes: what the user should know; sentences are added.
        per_batch: identities in a batch.

    Raises:
        ConfigError: there are fewer identities with two images.
    """
    images_each = config.train.images_each
    counts = np.unique(records.identities, return_counts=True)[1]
    most, able = int(counts.max(initial=0)), int((counts >= 2).sum())
    if able < per_batch:
        raise ConfigError(
            f"train.identities: got {per_batch}, but only {able} identities with at least two images are left to train on; lower it"
        )
    if most < images_each:
        per_batch, images_each = min(able, per_batch * images_each // most), most
        notes.append(
            f"no identity has {config.train.images_each} images: batches are {per_batch} identities x {images_each} images instead"
        )
    single, short = int((counts < 2).sum()), int(((counts >= 2) & (counts < images_each)).sum())
    if single:
        notes.append(
            f"{single} training identities have a single image, which could only be its own match: they are left out"
        )
    if short:
        notes.append(
            f"{short} training identities have fewer than {images_each} images: repeats fill the batch and the loss ignores them"
        )
    return BatchSource(records.identities, per_batch, images_each, config.seed)
