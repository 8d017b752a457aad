"""Every setting reaches its place, and what does not fit the data is adapted, noted or refused."""

import dataclasses

import numpy as np
import pytest
import small_runs
import torch

from reid.cli.compose import MAX_UNREADABLE, compose, rates, schedule, sharing_notes
from reid.cli.learning import build_network
from reid.config import Config, load_config
from reid.data.loader import Task
from reid.errors import ConfigError, DataError
from reid.model.store import save_model
from reid.records import Splits, build
from reid.rng import generator
from reid.train.group import Group
from reid.train.plan import Plan

BASE = (
    "train.identities=3",
    "train.images_each=2",
    "train.precision=fp32",
    "data.image_size=32",
    "data.workers=0",
    "data.validation=0.3",
    "model.dimension=16",
    "division.learners=2",
)


def config_of(*assignments):
    """The recipe `small`, smaller still, with further settings."""
    return load_config("small", (*BASE, *assignments))


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    """Ten identities of four pictures."""
    folder = tmp_path_factory.mktemp("patches")
    return Splits("patches", "vehicle", small_runs.patches(folder, identities=10, each=4), {})


def plan_of(splits, *assignments):
    """The plan of a configuration, and the notes."""
    config = config_of(*assignments)
    made = compose(config, splits, build_network(config, device="cpu"))
    return made.plan, made.notes


def group(plan, name="layer"):
    """The optimiser's settings for a group of parameters."""
    return next(group for group in plan.learning.optimiser.param_groups if group["name"] == name)


def weights(plan):
    """A weight of the network, before training."""
    return float(next(plan.learning.network.parameters()).detach().flatten()[0])


def augmentation(plan):
    """What training leaves to chance."""
    return plan.augmented.prepare.augmentation


KEYS = {
    "data.image_size": ("[40, 24]", lambda p: (p.description.image_size, p.augmented.prepare.size), ((40, 24),) * 2),
    "data.workers": ("1", lambda p: p.workers, 1),
    "data.max_megapixels": ("3.5", lambda p: p.augmented.max_megapixels, 3.5),
    "data.cache": ("10kB", lambda p: len(p.augmented.cache.there), 10_000 // (32 * 32 * 3 + 1)),
    "data.crop": (
        "random-resized",
        lambda p: (augmentation(p).crop, p.description.crop),
        ("random-resized", "centre"),
    ),
    "data.crop_scale": ("[0.3, 0.7]", lambda p: augmentation(p).scale, (0.3, 0.7)),
    "data.flip": ("0.125", lambda p: augmentation(p).flip, 0.125),
    "data.erase": ("true", lambda p: augmentation(p).erase, 0.5),
    "data.colour": ("0.75", lambda p: augmentation(p).colour, 0.75),
    "data.validation": ("0.5", lambda p: (len(p.train), len(p.validation)), (20, 20)),
    "model.dimension": ("24", lambda p: p.learning.network.layer.out_features, 24),
    "model.pooling": ("max", lambda p: type(p.learning.network.pool).__name__, "Maximum"),
    "model.neck": (
        "batchnorm",
        lambda p: (type(p.learning.network.neck).__name__, p.description.architecture.neck),
        ("BatchNorm1d", "batchnorm"),
    ),
    "model.normalise": (
        "whole",
        lambda p: (p.learning.network.architecture.normalise, p.learning.criterion.normalise),
        ("whole", "whole"),
    ),
    "model.dropout": ("0.25", lambda p: p.learning.network.dropout.p, 0.25),
    "model.freeze_batchnorm": ("true", lambda p: p.freeze_batchnorm, True),
    "division.learners": (
        "4",
        lambda p: (
            p.learning.criterion.learners,
            p.schedule.learners,
            p.divider.learners,
            p.description.architecture.learners,
        ),
        (4, 4, 4, 4),
    ),
    "division.schedule": (
        "doubling",
        lambda p: (p.schedule.doubling, p.learning.criterion.subspaces.learners),
        (True, 1),
    ),
    "division.subspaces": ("learned", lambda p: len(list(p.learning.criterion.subspaces.parameters())), 1),
    "division.mask_weight": ("0.5", lambda p: p.learning.criterion.mask_weight, 0.5),
    "division.every": ("5", lambda p: p.schedule.every, 5),
    "division.space": ("embedding", lambda p: p.space, "embedding"),
    "division.unit": ("identity", lambda p: p.divider.unit, "identity"),
    "division.partition": ("random", lambda p: p.divider.partition, "random"),
    "division.iterations": ("7", lambda p: p.divider.iterations, 7),
    "division.restarts": ("3", lambda p: p.divider.restarts, 3),
    "division.conquer_from": ("1", lambda p: p.schedule.conquer_from, 1),
    "division.finetune_from": ("null", lambda p: p.schedule.finetune_from, None),
    "division.freeze_backbone": ("1", lambda p: p.schedule.freeze_backbone, 1),
    "loss": ("{name: margin, beta: 0.5}", lambda p: next(p.learning.criterion.parameters()).item(), 0.5),
    "train.epochs": ("33", lambda p: p.schedule.epochs, 33),
    "train.identities": ("4", lambda p: (p.source.per_batch, p.divider.identities_needed), (4, 4)),
    "train.images_each": ("3", lambda p: p.source.images_each, 3),
    "train.optimiser": (
        "sgd",
        lambda p: (type(p.learning.optimiser), group(p).get("momentum")),
        (torch.optim.SGD, 0.9),
    ),
    "train.lr": ("0.125", lambda p: group(p)["base_lr"], 0.125),
    "train.weight_decay": ("0.25", lambda p: group(p)["weight_decay"], 0.25),
    "train.backbone_lr": ("0.5", lambda p: group(p, "backbone")["base_lr"], 0.5),
    "train.loss_lr": ("0.5", lambda p: group(p, "loss")["base_lr"], 0.5),
    "train.scheduler": ("constant", lambda p: p.rates.scheduler, "constant"),
    "train.warmup": ("4", lambda p: p.rates.warmup, 4),
    "train.accumulate": ("3", lambda p: p.accumulate, 3),
    "train.clip": ("0.5", lambda p: p.learning.clip, 0.5),
    "train.ema": (
        "0.75",
        lambda p: p.learning.average is not None and p.learning.deployed is not p.learning.network,
        True,
    ),
    "train.patience": ("7", lambda p: p.patience, 7),
    "train.precision": ("bf16", lambda p: p.learning.precision, torch.bfloat16),
    "train.channels_last": (
        "false",
        lambda p: p.learning.network.backbone.stages[3].weight.is_contiguous(memory_format=torch.channels_last),
        False,
    ),
    "train.on_nan": ("skip", lambda p: p.on_nan, "skip"),
    "train.save_minutes": ("3.5", lambda p: p.save_minutes, 3.5),
    "train.save_every": ("6", lambda p: p.save_every, 6),
}
"""By key: a value, what it changes in the plan, and to what."""
ELSEWHERE = {
    "seed": "test_seed",
    "data.dataset": "tests/cli/test_train.py",
    "data.root": "tests/cli/test_train.py",
    "data.on_bad_image": "test_unreadable_images",
    "model.backbone": "test_backbone",
    "model.weights": "test_weights_from_a_file",
    "model.partial_weights": "test_weights_from_a_file",
    "model.last_stride": "test_backbone",
    "model.layer": "test_backbone",
    "division.mask_lr": "test_learned_subspaces_have_their_own_rate",
    "division.mask_decay": "test_learned_subspaces_have_their_own_rate",
    "train.milestones": "test_rates_follow_the_settings",
    "train.decay": "test_rates_follow_the_settings",
    "train.compile": "tests/cli/test_learning.py",
    "train.sync_batchnorm": "tests/cli/test_learning.py",
    "train.tensorboard": "tests/cli/test_train.py",
}


def every_key():
    """The full names of all settings, `evaluate` left out, which tests/cli/test_evaluation.py has."""
    for item in dataclasses.fields(Config):
        if not dataclasses.is_dataclass(item.type):
            yield item.name
        elif item.name != "evaluate":
            yield from (f"{item.name}.{inner.name}" for inner in dataclasses.fields(item.type))


def test_every_setting_has_a_test():
    """A setting that does nothing is a mistake."""
    assert sorted(every_key()) == sorted([*KEYS, *ELSEWHERE])


def test_every_part_of_a_plan_is_set_by_something(splits):
    """Nothing of a plan is left to a default that no setting reaches."""
    plan, _ = plan_of(splits)

    assert {item.name for item in dataclasses.fields(Plan)} == vars(plan).keys()
    assert len(plan.data_digest) == 64
    assert (plan.description.kind, plan.description.dataset) == ("vehicle", "patches")


@pytest.fixture(scope="module")
def base(splits):
    return plan_of(splits)[0]


@pytest.mark.parametrize("key", KEYS)
def test_setting_reaches_its_place(splits, base, key):
    """It is there when set, and something else is there when not."""
    value, found, wanted = KEYS[key]

    plan, _ = plan_of(splits, f"{key}={value}")
    assert found(plan) == wanted
    assert found(base) != wanted


def test_the_cache_changes_no_picture(splits):
    """Batches are the same with room for all, for some, and without; what it cannot do is noted."""
    plans = [plan_of(splits, f"data.cache={size}") for size in ("1MB", "10kB", "null")]
    task = Task(1, 2, np.arange(20) % 7)
    batches = [plan.augmented.batch(task) for plan, _ in plans for _ in range(2)]

    assert all((batch == batches[0]).all() for batch in batches)
    assert [[note for note in notes if "cache" in note] for _, notes in plans] == [
        [], ["data.cache has room for 3 of 28 training images"], [],
    ]  # fmt: skip
    plan, notes = plan_of(splits, "data.crop=random-resized")
    assert plan.augmented.cache is None
    assert any("data.cache keeps nothing" in note for note in notes)


def test_seed(splits):
    """Weights, validation identities, batches, divisions and augmentation depend on it, and on nothing else."""
    one, same, other = (plan_of(splits, f"seed={seed}")[0] for seed in (1, 1, 2))

    assert weights(one) == weights(same) != weights(other)
    assert list(one.train.paths) == list(same.train.paths) != list(other.train.paths)
    for plan, seed in ((one, 1), (other, 2)):
        assert {plan.source.seed, plan.divider.seed, plan.augmented.seed, plan.learning.seed} == {seed}


def test_weights_do_not_depend_on_what_was_drawn_before(splits):
    """torch's own generator is set, not taken as it is."""
    torch.manual_seed(123)
    one = weights(plan_of(splits)[0])
    torch.rand(7)

    assert weights(plan_of(splits)[0]) == one


def test_backbone(splits):
    """A network of timm's."""
    plan, _ = plan_of(
        splits, "model.backbone=resnet10t", "model.last_stride=1", "model.layer=none", "model.dimension=512"
    )

    assert type(plan.learning.network.backbone).__name__ == "ResNet"
    assert plan.learning.network.backbone.layer4[0].conv2.stride == (1, 1)
    assert type(plan.learning.network.layer).__name__ == "Identity"
    architecture = plan.description.architecture
    assert (architecture.backbone, architecture.last_stride, architecture.layer) == ("resnet10t", 1, "none")
    assert architecture.image_size == plan.description.image_size


def test_weights_from_a_file(splits, tmp_path):
    """A backbone of an earlier run."""
    network = small_runs.network(seed=5)
    save_model(tmp_path, network, small_runs.description(network.architecture))
    plan, _ = plan_of(splits, f"model.weights={tmp_path / 'model.safetensors'}")

    assert weights(plan) == float(next(network.parameters()).detach().flatten()[0])


def test_learned_subspaces_have_their_own_rate(splits):
    """Learning rate and weight decay of the masks."""
    plan, _ = plan_of(splits, "division.subspaces=learned", "division.mask_lr=0.5", "division.mask_decay=0.25")

    assert (group(plan, "masks")["base_lr"], group(plan, "masks")["weight_decay"]) == (0.5, 0.25)


def test_rates_follow_the_settings():
    """Milestones and the factor at each."""
    config = config_of("train.scheduler=multi-step", "train.milestones=[2,4]", "train.decay=0.5", "train.warmup=0")

    assert [rates(config).factor(epoch, 0.0) for epoch in range(6)] == [1, 1, 0.5, 0.5, 0.25, 0.25]


def test_schedule_follows_the_settings():
    """Stages begin where the settings say."""
    config = config_of("train.epochs=6", "division.conquer_from=2", "division.finetune_from=5")
    assert [(first, last, str(stage)) for first, last, stage in schedule(config).timeline()] == [
        (0, 2, "divide"),
        (2, 5, "conquer"),
        (5, 6, "finetune"),
    ]


@pytest.mark.parametrize(("kind", "wanted"), [("person", (64, 32)), ("vehicle", (32, 32)), ("clothes", (32, 32))])
def test_persons_are_twice_as_high_as_wide(splits, kind, wanted):
    """Where one number is given; two are taken as they are."""
    some = dataclasses.replace(splits, kind=kind)

    assert plan_of(some)[0].description.image_size == wanted
    assert plan_of(some, "data.image_size=[48, 40]")[0].description.image_size == (48, 40)


def uneven(splits, counts):
    """A dataset whose identities have so many of the pictures."""
    names = [f"{identity:02d}" for identity, count in enumerate(counts) for _ in range(count)]
    files = list(splits.train.paths)[: len(names)]
    return dataclasses.replace(splits, train=build(splits.train.root, files, names))


@pytest.mark.parametrize(
    ("counts", "identities", "images", "wanted"),
    [
        ([2] * 12, 3, 4, (6, 2)),  # as many images in a batch as asked for
        ([3] * 9, 3, 4, (4, 3)),  # at most as many
        ([2] * 5, 4, 4, (5, 2)),  # 8 would be asked for, and there are 5
        ([4, 2, 2, 2, 2], 3, 4, (3, 4)),  # one identity has enough: nothing changes
    ],
)
def test_fewer_images_than_a_batch_wants_of_each(splits, counts, identities, images, wanted):
    """Batches are made wider and shorter, and the user is told."""
    settings = (f"train.identities={identities}", f"train.images_each={images}", "data.validation=0")
    plan, notes = plan_of(uneven(splits, counts), *settings)

    assert (plan.source.per_batch, plan.source.images_each) == wanted
    assert plan.divider.identities_needed == wanted[0]
    told = f"no identity has {images} images: batches are {wanted[0]} identities x {wanted[1]} images instead"
    assert (told in notes) == (wanted[1] != images)
    plan.source.batches(0, 0, None)


def test_single_images_and_short_identities_are_noted(splits):
    """How many of each."""
    settings = ("train.images_each=4", "data.validation=0")
    _, notes = plan_of(uneven(splits, [4, 4, 4, 3, 3, 1, 1, 1]), *settings)

    assert notes == (
        "3 training identities have a single image, which could only be its own match: they are left out",
        "2 training identities have fewer than 4 images: repeats fill the batch and the loss ignores them",
    )


@pytest.mark.parametrize("counts", [[4, 4, 1, 1, 1, 1], [1] * 10])
def test_more_identities_in_a_batch_than_there_are(splits, counts):
    """Refused before training, with both numbers."""
    able = sum(count > 1 for count in counts)
    with pytest.raises(ConfigError, match=f"train.identities: got 3, but only {able} identities"):
        plan_of(uneven(splits, counts), "data.validation=0")


def test_too_few_identities_to_hold_out(splits):
    """The last epoch is kept, and the user is told; not where none were asked for."""
    plan, notes = plan_of(splits, "data.validation=0.1")
    assert plan.validation is None
    assert len(plan.train) == 40
    assert "too few training identities to hold any out" in notes[0]
    assert plan_of(splits, "data.validation=0")[1] == ()


def test_unreadable_images(splits, tmp_path):
    """Left out and named with "skip" while they are few; refused when they are many; met in training with "error"."""
    records = small_runs.patches(tmp_path, identities=10, each=4)
    some = dataclasses.replace(splits, train=records)
    (tmp_path / "003_1.png").write_bytes(b"no image")
    plan, notes = plan_of(some, "data.on_bad_image=skip", "data.validation=0")
    assert len(plan.train) == 39
    assert "003_1.png" not in plan.train.paths
    assert notes[0].startswith("1 unreadable training images are left out: ")
    assert "003_1.png" in notes[0]
    assert len(plan_of(some, "data.validation=0")[0].train) == 40

    for name in ("000_0.png", "001_0.png"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match=f"3 of 40 training images cannot be read, more than {MAX_UNREADABLE:.0%}"):
        plan_of(some, "data.on_bad_image=skip")


def test_large_pictures_are_unreadable(splits):
    """The limit on pixels is that of the settings."""
    with pytest.raises(DataError, match="40 of 40"):
        plan_of(splits, "data.on_bad_image=skip", "data.max_megapixels=0.001")


def test_training_pictures_are_made_as_the_model_wants_them(base):
    """Height, width, and another picture at another place."""
    rows = np.array([0, 0])
    pictures = [base.augmented.prepare(np.full((50, 70, 3), 9, np.uint8), generator(0, "t", place)) for place in rows]

    assert pictures[0].shape == (*base.description.image_size, 3)


@pytest.mark.parametrize(("identities", "world", "fitting"), [(5, 2, "4 or 6"), (3, 4, "4"), (20, 3, "18 or 21")])
def test_processes_share_identities_equally(identities, world, fitting):
    """Refused where the number of processes does not divide the identities of a batch; says which it does."""
    with pytest.raises(ConfigError, match=rf"train\.identities: {identities} identities cannot be .* {fitting} can"):
        sharing_notes(config_of(), identities, world)


def test_what_processes_share_is_noted():
    """How a batch is shared, and BatchNorm that sees only a part of it; nothing for one process."""
    frozen, synchronised = config_of("model.freeze_batchnorm=true"), config_of("train.sync_batchnorm=true")

    assert sharing_notes(config_of(), 20, 1) == []
    assert [note.partition(" of ")[0] for note in sharing_notes(config_of(), 20, 4)] == [
        "4 processes share every batch",
        "BatchNorm takes its statistics over each process's share",
    ]
    assert sharing_notes(frozen, 20, 4)[0].endswith("20 identities, 5 each: every step is as with one")
    assert len(sharing_notes(frozen, 20, 4)) == len(sharing_notes(synchronised, 20, 4)) == 1


def test_processes_must_read_the_same_data(splits, monkeypatch):
    """65 on a machine whose dataset differs from that of process 0."""
    monkeypatch.setattr(Group, "from_first", lambda _group, _make: "another digest")
    with pytest.raises(DataError, match="of process 0 is not that of process 0"):
        plan_of(splits)
