"""Two states on disk: the newest whole one comes back, and the same state is the same file."""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reid import files
from reid.errors import ArtefactError, MissingInputError, TrainingDiverged
from reid.train import state_file
from reid.train.state_file import LAST, NEXT, PREVIOUS, has_state, read_state, remove_states, write_state

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=10,
)


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


@given(PLAIN)
@settings(deadline=None, max_examples=40)
def test_plain_values_come_back(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    """Numbers, texts and None in lists, tuples and dicts, with their types."""
    folder = tmp_path_factory.mktemp("state")
    write_state(folder, {"value": value})

    state, note = read_state(folder)
    assert repr(state) == repr({"value": value})
    assert note is None


@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(3, 4),
        torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        torch.randn(6).to(torch.bfloat16),
        torch.tensor(2**40),
        torch.zeros(0, 3),
        torch.randn(4, 6).T,
        torch.nn.Parameter(torch.randn(3)),
        torch.randn(1, 3).expand(4, 3),
        torch.tensor([True, False]),
    ],
)
def test_tensors_come_back(tmp_path: Path, tensor: torch.Tensor) -> None:
    """Values, type, shape and order in memory."""
    write_state(tmp_path, {"a": [{"b": tensor}]})
    again = read_state(tmp_path).state["a"][0]["b"]

    assert again.dtype == tensor.dtype
    assert again.stride() == tensor.stride()
    assert torch.equal(again, tensor.detach())


def test_numpy_scalars_become_numbers(tmp_path: Path) -> None:
    """A best score or an epoch that numpy computed can be read again."""
    write_state(tmp_path, {"best": np.float64(0.5), "epoch": np.int64(3), "flag": np.bool_(1)})

    assert {key: type(value) for key, value in read_state(tmp_path).state.items()} == {
        "best": float,
        "epoch": int,
        "flag": bool,
    }


@pytest.mark.parametrize("value", [Path("x"), {1, 2}, np.zeros(3), b"x", object()])
def test_what_could_not_be_read_again_is_not_written(tmp_path: Path, value: object) -> None:
    """A mistake of the program's shows when it saves, not when a user resumes; the key is named."""
    with pytest.raises(TypeError, match=r"state\.a\[1\]\.b is a \w+, which a state cannot hold"):
        write_state(tmp_path, {"a": [0, {"b": value}]})

    assert names(tmp_path) == []


def test_part_of_a_tensor_takes_the_room_of_the_part(tmp_path: Path) -> None:
    """A row of a large matrix is written without the matrix."""
    write_state(tmp_path, {"row": torch.randn(1000, 1000)[5]})

    assert (tmp_path / LAST).stat().st_size < 10_000


def _training() -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 2))
    optimiser = torch.optim.Adam(network.parameters())
    network(torch.randn(5, 4)).sum().backward()
    optimiser.step()
    return network, optimiser


def test_the_same_state_is_the_same_file(tmp_path: Path) -> None:
    """Also after it went through a file, and whatever objects equal texts are: runs can be compared by their states."""
    (network, optimiser), (other, fresh) = _training(), _training()
    for folder, text in (("a", "cpu"), ("b", str(b"cpu", "ascii"))):
        (tmp_path / folder).mkdir()
        parts = {
            "network": network.state_dict(),
            "optimiser": optimiser.state_dict(),
            text: [text, "10", "1", "exp_avg"],
        }
        write_state(tmp_path / folder, parts)
        state, _ = read_state(tmp_path / folder)
        other.load_state_dict(state["network"])
        fresh.load_state_dict(state["optimiser"])
        write_state(
            tmp_path / folder, {"network": other.state_dict(), "optimiser": fresh.state_dict(), text: state["cpu"]}
        )

    assert len({files.sha256(path) for path in tmp_path.rglob("*.ckpt")}) == 1
    write_state(tmp_path / "a", {"network": OrderedDict(reversed(other.state_dict().items()))})
    assert files.sha256(tmp_path / "a" / LAST) != files.sha256(tmp_path / "a" / PREVIOUS)


def test_the_newest_two_are_kept(tmp_path: Path) -> None:
    """Under the names last.ckpt and previous.ckpt, and nothing else."""
    for number in range(4):
        write_state(tmp_path, {"number": number})

    assert names(tmp_path) == [LAST, PREVIOUS]
    assert read_state(tmp_path).state == {"number": 3}
    (tmp_path / LAST).unlink()
    assert has_state(tmp_path)
    assert read_state(tmp_path).state == {"number": 2}
    remove_states(tmp_path)
    assert not has_state(tmp_path)
    with pytest.raises(
        MissingInputError, match="has no checkpoint to resume from; start the run again without --resume"
    ):
        read_state(tmp_path)


def test_a_complete_state_is_found_under_its_first_name(tmp_path: Path) -> None:
    """A run that was killed between the last write and the renames goes on from what it wrote."""
    for number in range(3):
        write_state(tmp_path, {"number": number})
    (tmp_path / LAST).rename(tmp_path / NEXT)

    assert read_state(tmp_path) == ({"number": 2}, None)
    write_state(tmp_path, {"number": 3})
    assert read_state(tmp_path) == ({"number": 3}, None)
    assert names(tmp_path) == [LAST, PREVIOUS]


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "said"),
    [(_flip, "is corrupt: its sha256 differs"), (lambda path: path.write_bytes(b"x"), "is not a file of this toolkit")],
)
def test_a_damaged_state_is_passed_over_and_told(tmp_path: Path, damage: Callable[[Path], None], said: str) -> None:
    """D9: the state before the damaged one is read, with a note that names both; without one before, exit code 74."""
    for number in range(2):
        write_state(tmp_path, {"number": number})
    damage(tmp_path / LAST)
    state, note = read_state(tmp_path)

    assert state == {"number": 0}
    assert f"{LAST} {said}" in (note or "")
    assert (note or "").endswith(f"going on from the state before it, {PREVIOUS}")
    damage(tmp_path / PREVIOUS)
    with pytest.raises(ArtefactError, match=rf"{LAST} {said}.*; .*{PREVIOUS} {said}"):
        read_state(tmp_path)


def test_going_on_after_damage_never_leaves_only_the_damaged(tmp_path: Path) -> None:
    """D12: the good state before a damaged one goes only when the next is complete."""
    for number in range(2):
        write_state(tmp_path, {"number": number})
    _flip(tmp_path / LAST)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "move_along", lambda *_paths: None)  # killed before the renames
        write_state(tmp_path, {"number": 2})
    assert read_state(tmp_path) == ({"number": 2}, None)
    files.move_along(tmp_path / LAST, tmp_path / PREVIOUS)  # killed between the renames
    assert read_state(tmp_path) == ({"number": 2}, None)


def test_what_is_no_number_is_not_saved(tmp_path: Path) -> None:
    """D7: a state with NaN or infinity does not replace a good one; exit code 76 with the tensors' names."""
    write_state(tmp_path, {"number": 0})
    for value in (torch.nan, torch.inf, -torch.inf):
        with pytest.raises(TrainingDiverged, match=r"not saved: NaN or infinity in network\.a, list\.1; go on from"):
            write_state(tmp_path, {"network": {"a": torch.tensor([0, value])}, "list": [0, torch.tensor(value)]})

    assert names(tmp_path) == [LAST]
    assert read_state(tmp_path) == ({"number": 0}, None)


def test_a_full_disk_is_known_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """D3: nothing is begun that does not fit; the message names what the state takes."""
    write_state(tmp_path, {"number": 0})
    monkeypatch.setattr("reid.files.space.free_space", lambda _path: 3_000_000)
    with pytest.raises(
        ArtefactError, match=r"could not be saved: .*last\.ckpt: it takes 5\.0 MB, and 3\.0 MB are free"
    ):
        write_state(tmp_path, {"weight": torch.zeros(1_000_000)})

    assert names(tmp_path) == [LAST]


def test_what_is_no_state_is_refused(tmp_path: Path) -> None:
    """A sealed file with something else in it is as bad as a damaged one, and is not executed."""
    for value in (b"", b"text"):
        with files.sealing(tmp_path / LAST) as sink:
            sink.write(value)
        with pytest.raises(ArtefactError, match=r"last\.ckpt does not hold the state of a run"):
            read_state(tmp_path)
    for content in ([1], {"state": {}}, {"format": 1}, {"format": "x", "state": {}}):
        with files.sealing(tmp_path / LAST) as sink:
            torch.save(content, sink)
        with pytest.raises(ArtefactError, match=r"last\.ckpt does not hold the state of a run"):
            read_state(tmp_path)


def test_a_newer_format_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """D8: the state of a later version asks for an update, and the one before it is not taken in its place."""
    write_state(tmp_path, {"number": 0})
    monkeypatch.setattr(state_file, "FORMAT", 2)
    write_state(tmp_path, {"number": 1})
    monkeypatch.undo()
    with pytest.raises(ArtefactError, match=r"last\.ckpt has format 2, newer than this version reads \(1\); update"):
        read_state(tmp_path)
