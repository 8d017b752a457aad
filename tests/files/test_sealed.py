"""Large files that prove that nothing changed."""

import errno
import hashlib
import io
import os
from pathlib import Path

import pytest
import torch
from damage import mutants
from hypothesis import given, settings
from hypothesis import strategies as st

from reid import files
from reid.errors import ArtefactError


def seal(path: Path, *pieces: bytes) -> None:
    """Write a sealed file."""
    with files.sealing(path) as sink:
        for piece in pieces:
            assert sink.write(memoryview(piece)) == len(piece)


def unseal(path: Path) -> bytes:
    """Read a sealed file."""
    with files.unsealing(path) as file:
        return file.read()


@given(st.lists(st.binary()))
@settings(deadline=None, max_examples=20)
def test_content_comes_back(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]) -> None:
    """Any bytes in any pieces, also none, behind a header with the sha256 that `sha256sum` gives of them."""
    path = tmp_path_factory.mktemp("sealed") / "x"
    seal(path, *pieces)

    content = b"".join(pieces)
    assert unseal(path) == content
    assert path.read_bytes() == b"reid sealed file 1\n" + hashlib.sha256(content).hexdigest().encode() + b"\n" + content


@given(st.binary(min_size=1, max_size=300), st.data())
@settings(deadline=None, max_examples=30)
def test_reads_like_a_file_of_its_own(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, data: st.DataObject
) -> None:
    """Seeking from the beginning, the place or the end, and reading pieces, give what a file with the content gives."""
    path, plain = tmp_path_factory.mktemp("sealed") / "x", io.BytesIO(content)
    seal(path, content)
    with files.unsealing(path) as file:
        for _ in range(10):
            whence = data.draw(st.sampled_from([os.SEEK_SET, os.SEEK_CUR, os.SEEK_END]))
            base = {os.SEEK_SET: 0, os.SEEK_CUR: plain.tell(), os.SEEK_END: len(content)}[whence]
            offset = data.draw(st.integers(-base, len(content) - base))
            assert file.seek(offset, whence) == plain.seek(offset, whence)
            size = data.draw(st.integers(0, 100))
            assert file.read(size) == plain.read(size)
            assert file.tell() == plain.tell()


def test_torch_writes_and_reads_through_it(tmp_path: Path) -> None:
    """What torch saves into it comes back, read from behind the header."""
    saved = {"a": torch.arange(1000.0), "b": torch.ones(3, dtype=torch.bfloat16)}
    with files.sealing(tmp_path / "x") as sink:
        torch.save(saved, sink)
    with files.unsealing(tmp_path / "x") as file:
        loaded = torch.load(file, weights_only=True)

    assert all(torch.equal(saved[name], loaded[name]) for name in saved)


def test_no_damage_goes_unseen(tmp_path: Path) -> None:
    """D4: each of 400 damaged copies is refused with the file's name."""
    path = tmp_path / "x"
    seal(path, b"\x00content\xff\n" * 5)
    for mutant in mutants(path.read_bytes(), 400):
        path.write_bytes(mutant)
        with pytest.raises(ArtefactError, match=r"x is (corrupt: its sha256|not a file of this toolkit)"):
            unseal(path)


class Disk(io.BytesIO):
    """Fails after some writes."""

    def __init__(self, writes: int, failure: BaseException) -> None:
        super().__init__()
        self.left, self.failure = writes, failure

    def write(self, content: object) -> int:
        self.left -= 1
        if self.left < 0:
            raise self.failure
        return super().write(content)  # type: ignore[arg-type]


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_is_told_as_it_is(failure: BaseException) -> None:
    """D3: whichever write of torch's fails, the reason comes out, not what torch makes of it."""
    from reid.files.sealed import Sink

    writes = 0
    while True:
        sink = Sink(Disk(writes, failure))
        torch.save({"a": torch.arange(1000.0)}, sink)
        if sink._failure is None:
            break
        with pytest.raises(type(failure)) as told:
            sink.finish()
        assert told.value is failure
        writes += 1

    assert writes > 10
    assert len(sink.finish()) == 64


def write_half(path: Path) -> None:
    """Fail in the middle of a sealed file."""
    with files.sealing(path) as sink:
        sink.write(b"new")
        raise ZeroDivisionError


def test_a_block_that_fails_writes_nothing(tmp_path: Path) -> None:
    """An error in the block leaves what stood there, and nothing beside it."""
    seal(tmp_path / "x", b"old")
    with pytest.raises(ZeroDivisionError):
        write_half(tmp_path / "x")

    assert unseal(tmp_path / "x") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_errors_of_the_reader_are_its_own(tmp_path: Path) -> None:
    """What goes wrong in the block with good content is not taken for a damaged file."""
    seal(tmp_path / "x", b"content")
    with pytest.raises(ValueError, match="mine"), files.unsealing(tmp_path / "x"):
        raise ValueError("mine")
