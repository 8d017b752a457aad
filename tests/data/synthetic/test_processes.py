import hashlib
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reid import files
from reid.data.synthetic import draw_dataset


def digests(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_number_of_processes_never_changes_a_byte(tmp_path):
    """One process, two and a second call with one write the same files; 144 pictures make two tasks."""
    arguments = {"layout": "market", "identities": 12, "images_per_identity": 12, "cameras": 2}
    for name, processes in (("one", 1), ("again", 1), ("two", 2)):
        draw_dataset(tmp_path / name, **arguments, processes=processes)

    drawn = digests(tmp_path / "one")
    assert len(drawn) == 144 + 8
    assert digests(tmp_path / "again") == drawn
    assert digests(tmp_path / "two") == drawn


def script(folder, body):
    """A process that runs `body` with `draw` at hand, which draws with two processes."""
    path = folder / "script.py"
    head = f"""
import multiprocessing, sys, time
from pathlib import Path
from reid.data.synthetic import draw_dataset

def draw(progress=None):
    draw_dataset(Path({str(folder / "set")!r}), layout="folder", identities=40, images_per_identity=12, cameras=1,
                 processes=2, progress=progress)

"""
    path.write_text(head + body)
    return subprocess.Popen([sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_script_without_a_guard_is_told_what_it_lacks(tmp_path):
    """Its workers would run it again; they end instead, and the error says what to do."""
    _, told = script(tmp_path, "draw()").communicate(timeout=60)

    assert "reid.errors.ArtefactError" in told
    assert "`if __name__ == '__main__':`; try processes=1" in told
    files.sweep(tmp_path)  # a worker that is ended while it runs the script again may leave what the next writer sweeps
    assert [path.name for path in tmp_path.iterdir()] == ["script.py"]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks the kernel which processes live")
def test_workers_end_when_the_calling_process_is_killed(tmp_path):
    """Within seconds, although nobody can tell them."""
    body = """
def tell(done):
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    time.sleep(60)

if __name__ == "__main__":
    draw(tell)
"""
    caller = script(tmp_path, body)
    with caller:
        workers = [int(word) for word in caller.stdout.readline().split()]
        caller.kill()

    assert len(workers) == 2
    deadline = time.monotonic() + 15
    while any(map(lives, workers)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def lives(process):
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
