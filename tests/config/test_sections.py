"""Settings: documented, with defaults that hold together, and ranges."""

import dataclasses
import re
from typing import Any

import pytest

from reid.config import Config, check, to_settings
from reid.errors import ConfigError

SECTIONS = [Config, *(item.type for item in dataclasses.fields(Config) if dataclasses.is_dataclass(item.type))]
# Key: values that are allowed, at the edges of its range where it has one; values that are not.
RANGES: dict[str, tuple[list[Any], list[Any]]] = {
    "seed": ([0, 2**80], [-1, 0.5, "1", True, None]),
    "data.dataset": (["demo", "x\udcff"], [1, None]),
    "data.root": ([None, "/données/\udcff"], [1, ["a"]]),
    "data.image_size": (
        [16, 2048, [16, 2048]],
        [15, 2049, 224.0, [16], [16, 16, 16], [15, 16], [16, 2049], "224", None],
    ),
    "data.workers": ([None, 0, 256], [-1, 257, 1.5, "2"]),
    "data.on_bad_image": (["error", "skip"], ["ignore", 1, None]),
    "data.max_megapixels": ([0.1, 1e6], [0, -1, "64", None, float("nan"), float("inf")]),
    "data.crop": (["random-resized", "pad", "none"], ["centre", None]),
    "data.crop_scale": ([[0.01, 1], [0.5, 0.5]], [[0, 1], [0.5, 1.1], [0.6, 0.5], [0.5], [0.1, 0.2, 0.3], 0.5]),
    "data.flip": ([0, 1, True, False, 0.3], [-0.1, 1.1, "yes", None]),
    "data.erase": ([0, 1, True, False, 0.3], [-0.1, 1.1, "no", None]),
    "data.colour": ([0, 1, 0.3], [-0.1, 1.1, True, None]),
    "data.cache": (["500MB", "2 GiB", None], ["0", "much", 1.5, True]),
    "data.validation": ([0, 0.99], [-0.1, 1, 1.0, None]),
    "model.backbone": (["resnet18"], [18, None]),
    "model.weights": (["random", "w\udcff.safetensors"], [0, None]),
    "model.partial_weights": ([True, False], [1, "true", None]),
    "model.last_stride": ([1, 2], [0, 3, "1", None]),
    "model.layer": (["linear", "none"], ["identity", True, None]),
    "model.neck": (["none", "batchnorm"], ["bnneck", False, None]),
    "model.dimension": ([8, 4096], [0, -8, 128.0, None]),
    "model.pooling": (["average", "max", "generalised-mean", "cls"], ["gem", None]),
    "model.normalise": (["slices", "whole"], ["both", True]),
    "model.dropout": ([0, 0.99], [-0.1, 1, None]),
    "model.freeze_batchnorm": ([True, False], [1, "true", "no", None]),
    "division.learners": ([1, 128], [0, -1, 2.0, None]),
    "division.every": ([1, 1000], [0, -1, None]),
    "division.space": (["pooled", "embedding"], ["image", None]),
    "division.unit": (["image", "identity"], ["cluster", None]),
    "division.partition": (["kmeans", "random"], ["k-means", None]),
    "division.schedule": (["flat", "doubling"], ["double", None]),
    "division.subspaces": (["fixed", "learned"], ["masks", None]),
    "division.mask_weight": ([0, 1.5], [-0.1, "0", None]),
    "division.mask_lr": ([0, 1], [-1e-9, None]),
    "division.mask_decay": ([0, 1], [-1e-9, None]),
    "division.iterations": ([1, 1000], [0, 1.5]),
    "division.restarts": ([1, 1000], [0, None]),
    "division.conquer_from": ([0, 190], [-1, 1.5, "80"]),
    "division.finetune_from": ([None, 80, 10**6], [-1, 190.5]),
    "division.freeze_backbone": ([0, 5], [-1, None]),
    "train.epochs": ([1, 10**6], [0, -1, 1.5, True, None]),
    "train.identities": ([2, 1000], [1, 0, -1]),
    "train.images_each": ([2, 1000], [1, 0, -1]),
    "train.optimiser": (["adam", "adamw", "sgd"], ["Adam", None]),
    "train.lr": ([1e-12, 10, 1], [0, -1e-5, "1e-4", True, None, float("nan"), float("inf")]),
    "train.weight_decay": ([0, 1], [-1e-9, None]),
    "train.backbone_lr": ([None, 0, 1], [-1e-9, "0", True]),
    "train.loss_lr": ([None, 0, 1], [-1e-9, "0", True]),
    "train.scheduler": (["constant", "cosine"], ["step", "multi-step", None]),
    "train.milestones": ([[]], [[-1], [1.5], 5, [5], None]),
    "train.decay": ([1e-9, 1], [0, 1.1, None]),
    "train.accumulate": ([1, 1000], [0, 1.5, None]),
    "train.clip": ([None, 1e-9, 100], [0, -1, True]),
    "train.ema": ([0, 0.9999], [-0.1, 1, True, None]),
    "train.patience": ([0, 1000], [-1, 1.5, None]),
    "train.compile": ([True, False], [1, None]),
    "train.channels_last": ([True, False], [0, None]),
    "train.sync_batchnorm": ([True, False], [1, None]),
    "train.on_nan": (["stop", "skip"], ["ignore", None]),
    "train.save_minutes": ([0, 0.5, 1e6], [-1, None, True]),
    "train.tensorboard": ([True, False], [1, None]),
    "train.warmup": ([0, 200], [-1, 201, None]),
    "train.precision": (["auto", "fp32", "bf16", "fp16"], ["fp8", 32]),
    "train.save_every": ([1, 1000], [0, None]),
    "evaluate.splits": ([[], ["large", "small"]], ["large", [1], None]),
    "evaluate.protocols": ([[], ["single-shot"]], ["single-shot", [None]]),
    "evaluate.trials": ([1, 1000], [0, -1]),
    "evaluate.average_precision": (["step", "trapezoid"], ["voc", None]),
    "evaluate.memory": (["500MB", "2 GiB"], ["0", "-1GB", "much", None, 1.5, True]),
    "evaluate.bootstrap": ([0, 100_000], [-1, 100_001, 1.5, None]),
    "evaluate.camera_pairs": ([True, False], [1, None]),
    "evaluate.rerank": (["none", "k-reciprocal", "ecn", "ecn-vectors", "graph"], ["zhong", None]),
    "evaluate.rerank_options": ([{}, {"k1": 30, "weight": 0.2}], [{"k1": "30"}, {"k1": True}, 30, None]),
    "evaluate.expand": ([0, 10], [-1, 1.5, None]),
    "evaluate.expand_alpha": ([0, 3, 0.5], [-1, None]),
    "evaluate.augment": ([0, 10], [-1, 1.5, None]),
    "loss": (
        [{"name": "margin"}, [{"name": "margin", "weight": 1}]],
        [{}, [], {"alpha": 1}, [{}], ["margin"], "margin", 1],
    ),
}


def leaves(section: Any, prefix: str = "") -> list[str]:
    """Every key that holds a value."""
    found = []
    for item in dataclasses.fields(section):
        inner = dataclasses.is_dataclass(item.type)
        found += leaves(item.type, f"{prefix}{item.name}.") if inner else [prefix + item.name]
    return found


def nested(key: str, value: object) -> dict[str, Any]:
    """Settings with one key."""
    section, _, last = key.rpartition(".")
    return {section: {last: value}} if section else {last: value}


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_docstring_names_every_setting_and_no_other(section: Any) -> None:
    """The Attributes of a section's docstring are its fields, in their order."""
    documented = re.findall(r"^        (\w+): ", section.__doc__.partition("Attributes:")[2], re.MULTILINE)

    assert documented == [item.name for item in dataclasses.fields(section)]


def test_defaults_hold_together() -> None:
    """Nothing set is no mistake, and is the defaults."""
    assert check({}, "nothing") == Config()


def test_every_setting_has_a_row_in_the_table() -> None:
    """A new setting cannot go untested."""
    assert sorted(RANGES) == sorted(leaves(Config))


@pytest.mark.parametrize("key", RANGES)
def test_allowed_values_are_taken_and_come_back(key: str) -> None:
    """C7: the edges of each range are inside; `check` accepts what `to_settings` says of them, and finds the same."""
    for value in RANGES[key][0]:
        config = check(nested(key, value), "settings")
        assert check(to_settings(config), "settings") == config


@pytest.mark.parametrize("key", RANGES)
def test_other_values_are_refused_by_name(key: str) -> None:
    """C7: exit code 78, one mistake, the full path of the key, what was found there and what is wanted."""
    for value in RANGES[key][1]:
        with pytest.raises(ConfigError) as caught:
            check(nested(key, value), "settings")
        title, *lines = str(caught.value).split("\n  ")
        assert title == "1 mistake in settings:"
        assert re.match(
            rf"{re.escape(key)}(\.\d|\.name|\.\d\.name)?: .*(wanted|must|cannot|comes|follows) .*", lines[0]
        ), lines


def test_true_and_false_are_chances() -> None:
    """`flip: true` means half of the time, `false` never."""
    assert check({"data": {"flip": True, "erase": False}}, "x").data.flip == 0.5
    assert check({"data": {"flip": True, "erase": False}}, "x").data.erase == 0.0


def test_settings_cannot_be_changed() -> None:
    """A configuration is a value."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().train.lr = 1.0  # type: ignore[misc]
