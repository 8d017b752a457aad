"""Files of weights: ours come back exactly or not at all, those of others are read without executing anything."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from weights_here import read_here

from reid.errors import ArtefactError, MissingInputError
from reid.model.state import differences, not_finite, pack, read_state, unpack


@pytest.fixture(autouse=True)
def weights_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch files are read here by what reads them elsewhere, which starts in seconds."""
    read_here(monkeypatch)


def _tensors() -> dict[str, torch.Tensor]:
    return {
        "weight": torch.randn(3, 2, generator=torch.Generator().manual_seed(0)),
        "scalar": torch.tensor(2.5),
        "half": torch.ones(2, 2, dtype=torch.bfloat16),
        "count": torch.tensor(7),
        "empty": torch.zeros(0, 3),
    }


def test_what_is_packed_is_unpacked() -> None:
    """Description and tensors of any shape and type come back as they were, with the same fingerprint."""
    content, fingerprint = pack({"name": "ä\n", "size": [1, 2]}, _tensors())
    about, tensors, again = unpack(content, Path("model"))

    assert about == {"format": 1, "name": "ä\n", "size": [1, 2]}
    assert {name: (tensor.dtype, tensor.tolist()) for name, tensor in tensors.items()} == {
        name: (tensor.dtype, tensor.tolist()) for name, tensor in _tensors().items()
    }
    assert fingerprint == again


def test_equal_models_make_equal_files() -> None:
    """The bytes depend on description and tensors alone, so that two runs can be compared by their files."""
    assert len({pack({"name": "a", "size": 1}, _tensors()) for _ in range(20)}) == 1


def test_the_fingerprint_is_of_everything() -> None:
    """Another value, shape, type, name or description is another fingerprint."""
    one = {"a": torch.zeros(4)}
    variants = [
        pack({}, one)[1],
        pack({"x": 1}, one)[1],
        pack({}, {"b": torch.zeros(4)})[1],
        pack({}, {"a": torch.zeros(2, 2)})[1],
        pack({}, {"a": torch.zeros(4, dtype=torch.int32)})[1],
        pack({}, {"a": torch.tensor([0.0, 0.0, 0.0, -0.0])})[1],
    ]

    assert len(set(variants)) == len(variants)


def test_state_dicts_are_found_wherever_frameworks_put_them(tmp_path: Path) -> None:
    """Plain, under "state_dict" or "model", in .pth, .pt or .safetensors."""
    state = {"weight": torch.arange(6.0).reshape(2, 3)}
    torch.save(state, tmp_path / "plain.pth")
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "nested.pt")
    torch.save({"model": state}, tmp_path / "model.pth")
    save_file(state, tmp_path / "other.safetensors")
    (tmp_path / "ours.safetensors").write_bytes(pack({}, state)[0])

    for path in sorted(tmp_path.iterdir()):
        assert torch.equal(read_state(path)["weight"], state["weight"]), path.name


@pytest.mark.parametrize("value", [[1, 2], {}, {"a": 1.0}, {"state_dict": {"a": "text"}}, torch.zeros(3)])
def test_what_is_no_state_dict_is_refused(tmp_path: Path, value: object) -> None:
    """A torch file with something else in it is refused by name."""
    path = tmp_path / "weights.pth"
    torch.save(value, path)
    with pytest.raises(ArtefactError, match=r"weights\.pth holds something else than a mapping of names to tensors"):
        read_state(path)


def test_a_missing_file_is_missing_input(tmp_path: Path) -> None:
    """Exit code 66 with the path, not the code of a corrupt file."""
    with pytest.raises(MissingInputError, match=r"none\.pth"):
        read_state(tmp_path / "none.pth")


def test_differences_are_listed() -> None:
    """Missing, unexpected and misshapen keys, at most five of each, and what may differ is passed over."""
    wanted = {name: torch.zeros(2) for name in ("same", "gone", "shape", "n.counter")}
    found = {"same": torch.zeros(2), "shape": torch.zeros(3), "new": torch.zeros(1), "fc.weight": torch.zeros(1)}

    assert differences(wanted, wanted) == ""
    assert (
        differences(wanted, found, may_lack=(".counter",), may_have=("fc.",))
        == "missing: gone; unexpected: new; shapes: shape is (3,), wanted (2,)"
    )
    assert "and 15 more" in differences({str(number): torch.zeros(1) for number in range(20)}, {})


def test_not_finite_names_tensors() -> None:
    """NaN and infinity are found; integers are never asked."""
    tensors = {
        "a": torch.tensor([1.0, torch.nan]),
        "b": torch.tensor(torch.inf),
        "c": torch.tensor([1]),
        "d": torch.ones(2),
    }

    assert not_finite(tensors) == ["a", "b"]
