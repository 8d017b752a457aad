"""State dicts of others in our names; whole files are in test_weights.py."""

import pytest
import torch

from reid.model.foreign import renamed

TENSOR = torch.zeros(3)
WANTED = {"backbone.conv1.weight", "backbone.head.norm.weight", "layer.weight", "neck.weight", "pool.exponent"}


@pytest.mark.parametrize(
    ("keys", "origin", "names", "left_out"),
    [
        (["conv1.weight", "fc.weight"], "a network", ["backbone.conv1.weight"], ["fc.weight"]),
        (["conv1.weight", "layer1.0.bn1.IN.weight"], "a network with IBN-a", None, []),
        (
            ["module.conv1.weight", "module.classifier.bias"],
            "a network",
            ["backbone.conv1.weight"],
            ["classifier.bias"],
        ),
        (["head.norm.weight", "head.fc.weight"], "a network", ["backbone.head.norm.weight"], ["head.fc.weight"]),
        (["backbone.conv1.weight", "head.weight"], "a backbone", ["backbone.conv1.weight"], ["head.weight"]),
        (["backbone.conv1.weight", "heads.weight", "pixel_mean"], "a model of fast-reid", None, ["heads.weight"]),
        (["backbone.conv1.weight", "layer.weight", "mean", "deviation"], "a model of this toolkit", None, []),
        (["base.conv1.weight", "classifier.weight"], "a model of the strong baseline", None, ["classifier.weight"]),
    ],
)
def test_keys(keys: list[str], origin: str, names: list[str] | None, left_out: list[str]) -> None:
    """Whose they are is seen from them, and a classifier is never taken for a part of the backbone, nor the other way round."""
    found = renamed(dict.fromkeys(keys, TENSOR), WANTED)

    assert (found.origin, found.left_out) == (origin, left_out)
    assert "backbone.conv1.weight" in found.tensors or "backbone.head.norm.weight" in found.tensors
    assert names is None or sorted(found.tensors) == names


def test_words_that_belong_to_the_network_stay() -> None:
    """A network whose own names begin with "model." keeps them."""
    found = renamed({"model.conv.weight": TENSOR}, {"backbone.model.conv.weight"})

    assert list(found.tensors) == ["backbone.model.conv.weight"]


def test_unknown_keys_stay_to_be_refused() -> None:
    """What is no classifier's is not passed over: the report of unexpected keys needs it."""
    assert (
        "backbone.NL_2.0.g.weight"
        in renamed({"backbone.NL_2.0.g.weight": TENSOR, "heads.weight": TENSOR}, WANTED).tensors
    )
