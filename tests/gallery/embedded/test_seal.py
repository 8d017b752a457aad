"""Who is in a gallery, and the proof that nobody was."""

import subprocess
import sys

import pytest

from reid import files
from reid.errors import ArtefactError, InUseError
from reid.gallery.embedded.schema import CATALOGUE
from reid.gallery.embedded.seal import SEAL, Presence, alone


class Examiner:
    """Counts how often the rows were looked at."""

    def __init__(self, problem=None):
        self.times, self.problem = 0, problem

    def __call__(self):
        self.times += 1
        if self.problem:
            raise self.problem


@pytest.fixture
def folder(tmp_path):
    """With a catalogue of some kind."""
    (tmp_path / CATALOGUE).write_bytes(b"content")
    return tmp_path


def test_a_sealed_catalogue_is_not_examined(folder):
    """Once it was left by the last; any change to it is examined again."""
    examiner = Examiner()
    Presence(folder, examiner).leave(lambda: True)
    assert examiner.times == 1
    Presence(folder, examiner).leave(lambda: True)
    assert examiner.times == 1
    (folder / CATALOGUE).write_bytes(b"Content")
    Presence(folder, examiner).leave(lambda: True)
    assert examiner.times == 2


def test_a_log_that_was_left_is_examined(folder):
    """Its changes are not in the sealed file."""
    examiner = Examiner()
    Presence(folder, examiner).leave(lambda: True)
    (folder / f"{CATALOGUE}-wal").write_bytes(b"frames")
    Presence(folder, examiner).leave(lambda: True)

    assert examiner.times == 2


def test_a_writer_takes_the_seal_away(folder):
    """And puts a new one there when it leaves; none when not all is in the one file."""
    Presence(folder, Examiner()).leave(lambda: True)
    presence = Presence(folder, Examiner())
    presence.break_seal()
    assert not (folder / SEAL).exists()
    presence.leave(lambda: False)
    assert not (folder / SEAL).exists()
    presence = Presence(folder, Examiner())
    (folder / CATALOGUE).write_bytes(b"more")
    presence.leave(lambda: True)
    assert files.read_json(folder / SEAL) == {"sha256": files.sha256(folder / CATALOGUE)}


def test_only_the_last_one_seals_and_only_the_first_examines(folder):
    """Whoever comes while others are in trusts them."""
    first, second = Examiner(), Examiner()
    one = Presence(folder, first)
    one.break_seal()
    other = Presence(folder, second)
    one.leave(lambda: True)
    assert not (folder / SEAL).exists()
    other.leave(lambda: True)

    assert (folder / SEAL).exists()
    assert (first.times, second.times) == (1, 0)


def test_a_damaged_catalogue_is_not_entered(folder):
    """And not locked afterwards."""
    with pytest.raises(ArtefactError, match="rows"):
        Presence(folder, Examiner(ArtefactError("rows")))
    with alone(folder):
        pass


def test_alone(folder):
    """Nobody else may be in; a process that was killed is not."""
    presence = Presence(folder, Examiner())
    with pytest.raises(InUseError, match="open in another process"), alone(folder):
        pass
    presence.leave(lambda: True)
    code = (
        "import sys, os, signal, pathlib\nfrom reid.gallery.embedded.seal import Presence\n"
        "Presence(pathlib.Path(sys.argv[1]), lambda: None)\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=False)
    with alone(folder):
        pass
