"""A model on disk comes back as it was."""

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest
import small_runs
import torch

from reid.errors import ArtefactError, MissingInputError
from reid.model.embedder import Architecture, EmbeddingNetwork
from reid.model.store import Description, describe, load_model, save_model

ARCHITECTURE = Architecture(
    "small-cnn", 24, 3, pooling="generalised-mean", normalise="whole", dropout=0.1, mean=(0.5, 0.4, 0.3)
)
DESCRIPTION = Description(ARCHITECTURE, (64, 32), "centre", "area", "person", "market1501")


def test_round_trip(tmp_path: Path) -> None:
    """Description, fingerprint and every tensor come back, in evaluation mode, and so do the vectors."""
    network = EmbeddingNetwork(ARCHITECTURE).train()
    fingerprint = save_model(tmp_path, network, DESCRIPTION)
    again, description, found = load_model(tmp_path)
    pictures = small_runs.pictures(3, size=(64, 32))

    assert description == DESCRIPTION
    assert found == fingerprint
    assert not again.training
    assert {key: value.tolist() for key, value in again.state_dict().items()} == {
        key: value.tolist() for key, value in network.state_dict().items()
    }
    with torch.no_grad():
        assert torch.equal(again(pictures), network.eval()(pictures))


def test_a_model_is_found_by_folder_or_file(tmp_path: Path) -> None:
    """The run's folder and the file in it name the same model."""
    save_model(tmp_path, EmbeddingNetwork(ARCHITECTURE), DESCRIPTION)

    assert load_model(tmp_path)[2] == load_model(tmp_path / "model.safetensors")[2]


def test_the_layout_in_memory_is_not_part_of_the_model(tmp_path: Path) -> None:
    """Channels-last or not: the same file, bit for bit."""
    sums = set()
    for layout in (torch.contiguous_format, torch.channels_last):
        network = small_runs.network().to(memory_format=layout)
        save_model(tmp_path, network, small_runs.description(network.architecture))
        sums.add(hashlib.sha256((tmp_path / "model.safetensors").read_bytes()).hexdigest())

    assert len(sums) == 1


def test_the_description_can_be_read_without_this_toolkit(tmp_path: Path) -> None:
    """model.json holds the architecture, the input, the fingerprint, and the sha256 of the file beside it."""
    fingerprint = save_model(tmp_path, EmbeddingNetwork(ARCHITECTURE), DESCRIPTION)
    about = json.loads((tmp_path / "model.json").read_text())

    assert about["architecture"]["backbone"] == "small-cnn"
    assert about["architecture"]["mean"] == [0.5, 0.4, 0.3]
    assert about["image_size"] == [64, 32]
    assert about["format"] == 1
    assert about["fingerprint"] == fingerprint
    assert about["sha256"] == hashlib.sha256((tmp_path / "model.safetensors").read_bytes()).hexdigest()


def test_no_model_is_missing_input(tmp_path: Path) -> None:
    """A folder without a model says how to get one."""
    with pytest.raises(MissingInputError, match=r"no model .*model\.safetensors; train one with reid-train"):
        load_model(tmp_path)


def test_loading_draws_no_random_numbers(tmp_path: Path) -> None:
    """The caller's stream of random numbers goes on as if nothing had been loaded."""
    save_model(tmp_path, EmbeddingNetwork(ARCHITECTURE), DESCRIPTION)
    torch.manual_seed(0)
    wanted = torch.rand(3)
    torch.manual_seed(0)
    load_model(tmp_path)

    assert torch.equal(torch.rand(3), wanted)


@pytest.mark.parametrize(
    ("change", "found"),
    [({"eyes": 2}, "eyes"), ({"neck": "giraffe"}, "neck 'giraffe'"), ({"pooling": "lake"}, "pooling 'lake'")],
)
def test_parts_of_later_versions_ask_for_an_update(change, found) -> None:
    """A description with a part that is not known here is no KeyError; what is missing in it has its default."""
    about = dataclasses.asdict(DESCRIPTION)
    for key in ("last_stride", "layer", "neck", "image_size"):
        del about["architecture"][key]
    assert describe(about) == DESCRIPTION
    with pytest.raises(ArtefactError, match=rf"does not know \({found}\); update reid-toolkit"):
        describe({**about, "architecture": {**about["architecture"], **change}})
