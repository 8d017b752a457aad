"""From settings to the objects of a run: the one place where a configuration is taken apart.

Imported by commands only after their arguments are known to be right, for it imports torch.
"""

from dataclasses import dataclass

import numpy as np

from reid.cli.batching import batch_source, fewer_identities
from reid.cli.cores import share_cores
from reid.cli.learning import build_learning, picture_size, shared
from reid.config import Config, size_in_bytes
from reid.data.dataset import digest
from reid.data.images import check_images
from reid.data.loader import Reader
from reid.data.picture_cache import PictureCache
from reid.data.transforms import Augmentation, TrainTransform, albumentations_operations
from reid.errors import ConfigError, DataError
from reid.model.embedder import Architecture, EmbeddingNetwork
from reid.model.store import Description
from reid.records import Records, Splits
from reid.text import listed, printable
from reid.train.divider import Divider
from reid.train.group import Group
from reid.train.plan import Plan
from reid.train.rates import Rates
from reid.train.schedule import Schedule
from reid.train.validation import hold_out

INTERPOLATION = "area"
MAX_UNREADABLE = 0.05
"""Share of unreadable training images beyond which leaving them out would train on another dataset."""


@dataclass(frozen=True)
class Composition:
    """A run ready to start, what `train.identities` has become, and what the user should know, one sentence each."""

    plan: Plan
    identities: int
    notes: tuple[str, ...]


def compose(
    config: Config, splits: Splits, network: EmbeddingNetwork, group: Group | None = None, *, lower: bool = False
) -> Composition:
    """The run that `config` describes on a dataset.

    Args:
        config: all settings.
        splits: the dataset.
        network: what `build_network` made of the same settings.
        group: the processes of the run; None is this one alone.
        lower: whether a batch may have fewer identities than the settings say, where there are fewer.

    Raises:
        ConfigError: a batch needs more identities than there are, or processes cannot share it.
        DataError: too many unreadable images, or the training data of the processes differ.
    """
    notes = list(network.notes)
    group = Group() if group is None else group
    same = _same_data(splits, group)
    readable = _readable(config, splits.train, group, notes)
    records, validation = hold_out(readable, config.data.validation, config.seed)
    if validation is None and config.data.validation:
        notes.append("too few training identities to hold any out: the last epoch is kept, not the best")
    description = _description(config, splits, network.architecture)
    workers = share_cores(config.data.workers, network, description.image_size, neighbours=group.neighbours)
    identities = fewer_identities(config, records, notes, group.world) if lower else config.train.identities
    source = batch_source(config, records, notes, identities)
    notes += sharing_notes(config, source.per_batch, group.world)
    if config.train.sync_batchnorm:
        network = group.synchronised(network)
    plan = Plan(
        learning=shared(build_learning(config, network, records.count()["identities"]), group),
        schedule=schedule(config),
        rates=rates(config),
        divider=_divider(config, source.per_batch),
        source=source,
        train=records,
        validation=validation,
        augmented=_augmented(config, records, description, notes),
        description=description,
        freeze_batchnorm=config.model.freeze_batchnorm,
        space=config.division.space,
        data_digest=same,
        workers=workers,
        accumulate=config.train.accumulate,
        patience=config.train.patience,
        on_nan=config.train.on_nan,
        save_every=config.train.save_every,
        save_minutes=config.train.save_minutes,
    )
    return Composition(plan, identities, tuple(notes))


def schedule(config: Config) -> Schedule:
    """The course of the run that `config` describes."""
    division = config.division
    return Schedule(
        epochs=config.train.epochs,
        learners=division.learners,
        every=division.every,
        conquer_from=division.conquer_from,
        finetune_from=division.finetune_from,
        freeze_backbone=division.freeze_backbone,
        doubling=division.schedule == "doubling",
    )


def rates(config: Config) -> Rates:
    """The learning rates of the run that `config` describes."""
    train = config.train
    return Rates(train.epochs, train.scheduler, train.warmup, train.milestones, train.decay)


def sharing_notes(config: Config, per_batch: int, world: int) -> list[str]:
    """What the user of several processes should know.

    Args:
        config: all settings.
        per_batch: identities in a batch.
        world: number of processes.

    Raises:
        ConfigError: that number does not divide the identities.
    """
    if world == 1:
        return []
    each, rest = divmod(per_batch, world)
    if rest:
        fitting = " or ".join(str(world * count) for count in (each, each + 1) if world * count > 1)
        raise ConfigError(
            f"train.identities: {per_batch} identities cannot be shared equally by {world} processes; {fitting} can"
        )
    notes = [f"{world} processes share every batch of {per_batch} identities, {each} each: every step is as with one"]
    if not (config.model.freeze_batchnorm or config.train.sync_batchnorm):
        notes.append(
            "BatchNorm takes its statistics over each process's share of a batch, and those of process 0 are kept; "
            "on GPUs, train.sync_batchnorm takes them over all"
        )
    return notes


def _same_data(splits: Splits, group: Group) -> str:
    """The digest of the data.

    Raises:
        DataError: that of another process differs.
    """
    own = digest(splits)
    if group.from_first(lambda: own) != own:
        raise DataError(
            f"the dataset in {printable(splits.train.root)} of process {group.rank} is not that of process 0 (files, "
            "identities or sizes differ); give all machines the same"
        )
    return own


def _readable(config: Config, train: Records, group: Group, notes: list[str]) -> Records:
    if config.data.on_bad_image == "error":
        return train  # the first one met ends the run
    files = train.files()

    def look() -> list[bool]:
        found = check_images(files, max_megapixels=config.data.max_megapixels)
        return [path in found for path in files]

    broken = np.array(group.from_first(look), dtype=bool)
    bad = [path for path, damaged in zip(files, broken, strict=True) if damaged]
    if len(bad) > MAX_UNREADABLE * len(train):
        raise DataError(
            f"{len(bad)} of {len(train)} training images cannot be read, more than {MAX_UNREADABLE:.0%}: {listed(bad, 5)}; "
            "mend the dataset (reid-data check NAME --images lists all of them)"
        )
    if bad:
        notes.append(f"{len(bad)} unreadable training images are left out: {listed(bad, 5)}")
    return train.select(~broken)


def _divider(config: Config, identities_needed: int) -> Divider:
    division = config.division
    return Divider(
        learners=division.learners,
        identities_needed=identities_needed,
        seed=config.seed,
        partition=division.partition,
        unit=division.unit,
        iterations=division.iterations,
        restarts=division.restarts,
    )


def _description(config: Config, splits: Splits, architecture: Architecture) -> Description:
    size = picture_size(config, splits.kind)
    crop = "centre" if config.data.crop == "random-resized" else "resize"
    return Description(architecture, size, crop, INTERPOLATION, splits.kind, splits.name)


def _augmented(config: Config, records: Records, description: Description, notes: list[str]) -> Reader:
    data = config.data
    augmentation = Augmentation(
        crop=data.crop, scale=data.crop_scale, flip=data.flip, erase=data.erase, colour=data.colour
    )
    prepare = TrainTransform(description.image_size, augmentation, interpolation=description.interpolation)
    albumentations_operations()  # imported once, before loader processes are split off, not in each of them
    cache = _cache(config, len(records), description, notes)
    return Reader(records.files(), prepare, seed=config.seed, max_megapixels=data.max_megapixels, cache=cache)


def _cache(config: Config, images: int, description: Description, notes: list[str]) -> PictureCache | None:
    if config.data.cache is None:
        return None
    if config.data.crop == "random-resized":
        notes.append("data.cache keeps nothing: random resized crops need the images at their own size")
        return None
    limit = size_in_bytes(config.data.cache)
    cache = PictureCache.make(images, description.image_size, limit, interpolation=description.interpolation)
    if len(cache.there) < images:
        notes.append(f"data.cache has room for {len(cache.there):,} of {images:,} training images")
    return cache
