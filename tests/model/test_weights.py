"""What a network starts from: files of others, of ours, and runs."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import small_runs
import timm
import torch
from safetensors.torch import save_file
from weights_here import read_here

from reid.errors import ArtefactError, MissingInputError
from reid.model.embedder import Architecture, EmbeddingNetwork
from reid.model.store import Description, save_model

RESNET = "test_resnet"  # ResNet's names and layout, and small
WIDTH = 96
State = dict[str, torch.Tensor]


@pytest.fixture(autouse=True)
def weights_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch files are read here by what reads them elsewhere, which starts in seconds."""
    read_here(monkeypatch)


@pytest.fixture(scope="module")
def classifier() -> State:
    """A network with a classifier, as its weights are published."""
    torch.manual_seed(3)
    state: State = timm.create_model(RESNET, num_classes=10).state_dict()
    for key, value in state.items():
        if "running_mean" in key:
            value.normal_()
    return state


def _backbone(state: State) -> State:
    return {key: value for key, value in state.items() if not key.startswith("fc.")}


def _neck(words: str) -> State:
    statistics = torch.linspace(0.5, 2, WIDTH)
    parts = {"weight": statistics, "bias": 0 * statistics, "running_mean": -statistics, "running_var": statistics}
    return {f"{words}{key}": value.clone() for key, value in parts.items()}


def _fast_reid(state: State) -> State:
    return {
        **{f"backbone.{key}": value for key, value in _backbone(state).items()},
        **_neck("heads.bottleneck.0."),
        "heads.pool_layer.p": torch.full((1,), 4.5),
        "heads.weight": torch.zeros(10, WIDTH),
        "pixel_mean": torch.zeros(1, 3, 1, 1),
        "pixel_std": torch.ones(1, 3, 1, 1),
    }


def _strong_baseline(state: State) -> State:
    named = {f"base.{key}": value for key, value in _backbone(state).items()}
    return {**named, **_neck("bottleneck."), "classifier.weight": torch.zeros(10, WIDTH)}


FORMS: dict[str, tuple[Callable[[State], object], str, str]] = {
    "torchvision": (lambda state: state, "the backbone", "fc.weight, fc.bias"),
    "without counters": (
        lambda state: {key: value for key, value in state.items() if "num_batches" not in key},
        "the backbone",
        "fc.",
    ),
    "data parallel": (
        lambda state: {"state_dict": {f"module.{key}": value for key, value in state.items()}},
        "the backbone",
        "fc.",
    ),
    "compiled": (
        lambda state: {f"_orig_mod.module.{key}": value for key, value in state.items()},
        "the backbone",
        "fc.",
    ),
    "torchreid": (
        lambda state: {
            "state_dict": {
                **_backbone(state),
                "classifier.weight": torch.zeros(7, WIDTH),
                "classifier.bias": torch.zeros(7),
            },
            "epoch": 60,
            "rank1": 0.9,
            "optimizer": {"state": {}, "param_groups": [{"lr": 1e-3}]},
        },
        "the backbone",
        "classifier.weight, classifier.bias",
    ),
    "fast-reid": (lambda state: {"model": _fast_reid(state)}, "the backbone, pooling, neck", "heads.weight"),
    "strong baseline": (_strong_baseline, "the backbone, neck", "classifier.weight"),
    "both words": (
        lambda state: {f"module.backbone.{key}": value for key, value in state.items()},
        "the backbone",
        "backbone.fc.weight",
    ),
}


def _network(**changes: object) -> EmbeddingNetwork:
    settings = {"pooling": "generalised-mean", "layer": "none", "neck": "batchnorm", **changes}
    return EmbeddingNetwork(Architecture(RESNET, WIDTH, 2, **settings))


def _started(path: Path, **changes: object) -> EmbeddingNetwork:
    partial = bool(changes.pop("partial", False))
    settings = {"pooling": "generalised-mean", "layer": "none", "neck": "batchnorm", **changes}
    return EmbeddingNetwork(Architecture(RESNET, WIDTH, 2, **settings), str(path), partial=partial)


@pytest.mark.parametrize("form", FORMS)
def test_whoever_saved_it(form: str, classifier: State, tmp_path: Path) -> None:
    """Every tensor of the backbone is the file's, and it is said what else was taken and what was left."""
    make, taken, left = FORMS[form]
    torch.save(make(classifier), tmp_path / "weights.pth")
    network = _started(tmp_path / "weights.pth")

    for key, value in network.backbone.state_dict().items():
        assert torch.equal(value, classifier[key]) or key.endswith("num_batches_tracked"), key
    assert re.search(rf"weights\.pth, a (network|backbone|model of [a-z -]+): taken are {taken}$", network.notes[0])
    assert network.notes[1].startswith("weights left out: classifier and the like (")
    assert left in network.notes[1]
    assert (network.pool.exponent.item() == 4.5) == ("pooling" in taken)
    assert torch.equal(network.neck.running_mean, -torch.linspace(0.5, 2, WIDTH)) == ("neck" in taken)


def test_safetensors_of_others(classifier: State, tmp_path: Path) -> None:
    """The same from a .safetensors file."""
    save_file(classifier, tmp_path / "weights.safetensors")

    assert torch.equal(
        _started(tmp_path / "weights.safetensors").backbone.conv1[0].weight, classifier["conv1.0.weight"]
    )


def test_an_embedding_layer_that_is_a_convolution(classifier: State, tmp_path: Path) -> None:
    """fast-reid's reduction of dimensions is a convolution of one pixel without a bias: our layer with a bias of zero."""
    state = _fast_reid(classifier)
    weight = torch.randn(16, WIDTH, 1, 1)
    for key in [key for key in state if key.startswith("heads.bottleneck")]:
        state[key.replace("neck.0", "neck.1")] = state.pop(key)[:16].clone()
    state["heads.bottleneck.0.weight"] = weight
    torch.save(state, tmp_path / "weights.pth")
    architecture = Architecture(RESNET, 16, 2, neck="batchnorm")
    network = EmbeddingNetwork(architecture, str(tmp_path / "weights.pth"))

    assert torch.equal(network.layer.weight, weight.flatten(1))
    assert not network.layer.bias.any()
    assert "taken are the backbone, embedding layer, neck" in network.notes[0]
    assert "pooling (4.5, here none)" in network.notes[1]


def test_weights_of_a_run(tmp_path: Path) -> None:
    """A run or its model gives backbone, pooling and embedding layer, so that it computes the same; what does not fit is said."""
    network = small_runs.network(pooling="generalised-mean", seed=5).eval()
    save_model(tmp_path, network, small_runs.description(network.architecture))
    pictures = small_runs.pictures(3)
    for path in (tmp_path, tmp_path / "model.safetensors"):
        again = EmbeddingNetwork(network.architecture, str(path)).eval()
        assert torch.equal(again(pictures), network(pictures))
        assert "a model of this toolkit" in again.notes[0]
        assert again.notes[0].endswith("taken are the backbone, pooling, embedding layer")
    other = EmbeddingNetwork(Architecture("small-cnn", 8, 2), str(tmp_path))
    assert torch.equal(other.backbone.stages[0].weight, network.backbone.stages[0].weight)
    assert other.notes[1] == "weights left out: pooling (3, here none); embedding layer (16 x 256, here 8 x 256)"
    with pytest.raises(
        ArtefactError, match=r"is a model with the backbone small-cnn, and model.backbone is test_resnet; set"
    ):
        _started(tmp_path)
    with pytest.raises(MissingInputError, match=r"nowhere\.pth"):
        _started(tmp_path / "nowhere.pth")


def test_weights_of_another_network_are_refused_and_listed(classifier: State, tmp_path: Path) -> None:
    """D6: missing, unexpected and misshapen keys are listed; nothing is loaded in part."""
    first = next(iter(classifier))
    changed = {key: value for key, value in classifier.items() if key != first}
    changed["layer2.0.bn1.weight"], changed["new.weight"] = torch.zeros(3), torch.zeros(1)
    path = tmp_path / "weights.pth"
    torch.save(changed, path)

    with pytest.raises(ArtefactError) as caught:
        _started(path)
    message = str(caught.value)
    assert "weights.pth does not hold the weights of this backbone" in message
    assert f"missing: {first}" in message
    assert "unexpected: new.weight" in message
    assert "shapes: layer2.0.bn1.weight is (3,), wanted" in message


def test_partial_weights_are_asked_for_and_counted(classifier: State, tmp_path: Path) -> None:
    """D6: with `partial` what fits is taken, the rest keeps its beginnings, and the share is said; nothing at all is refused."""
    kept = {key: value for key, value in classifier.items() if key.startswith(("conv1", "bn1", "layer1"))}
    torch.save(kept, tmp_path / "weights.pth")
    torch.manual_seed(1)
    network = _started(tmp_path / "weights.pth", partial=True)
    torch.manual_seed(1)
    fresh = _network()
    share = sum(value.numel() for value in kept.values()) / sum(
        value.numel() for value in _backbone(classifier).values()
    )

    assert f" tensors, {share:.2%} of its numbers; the rest begins anew)" in network.notes[0]
    assert f"the backbone ({len(kept)} of {len(fresh.backbone.state_dict())}" in network.notes[0]
    for key, value in network.backbone.state_dict().items():
        assert torch.equal(value, kept.get(key, fresh.backbone.state_dict()[key])), key
    torch.save({"other": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(ArtefactError, match=r"other\.pth does not hold .*: not one of its tensors fits; it has other"):
        _started(tmp_path / "other.pth", partial=True)


def test_nan_in_weights_is_refused(classifier: State, tmp_path: Path) -> None:
    """D7: weights with NaN are refused by name; in a part that need not be taken it is left out."""
    state = {key: value.clone() for key, value in classifier.items()}
    state["conv1.0.weight"][0, 0] = torch.nan
    torch.save(state, tmp_path / "nan.pth")
    with pytest.raises(ArtefactError, match=r"nan\.pth holds NaN or infinity in conv1\.0\.weight"):
        _started(tmp_path / "nan.pth")
    state = _fast_reid(classifier)
    state["heads.bottleneck.0.running_var"][0] = torch.inf
    torch.save(state, tmp_path / "neck.pth")

    assert "neck (96, here 96)" in _started(tmp_path / "neck.pth").notes[1]


def test_a_position_embedding_fits_pictures_of_another_size(tmp_path: Path) -> None:
    """A transformer for 64 x 32 from one for 32 x 64: both directions of the grid are told apart, the class token stays."""
    wide = EmbeddingNetwork(Architecture("test_vit", 16, 2, image_size=(32, 64)))
    with torch.no_grad():
        wide.backbone.pos_embed[0, 1:] = torch.tensor([0.0, 1.0, 2.0, 3.0] * 2)[:, None]
    description = Description(wide.architecture, (32, 64), "resize", "area", "vehicle", "patches")
    save_model(tmp_path, wide, description)
    high = EmbeddingNetwork(Architecture("test_vit", 16, 2, image_size=(64, 32)), str(tmp_path))
    grid = high.backbone.pos_embed[0, 1:, 0].reshape(4, 2)

    assert torch.equal(high.backbone.pos_embed[0, 0], wide.backbone.pos_embed[0, 0])
    assert (grid[:, 1] - grid[:, 0]).min() > 1.5
    assert (grid[1:] - grid[:-1]).abs().max() < 1e-5
