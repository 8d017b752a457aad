"""Milvus for tests: servers from environments of their own, on a free port of this machine, stopped at the end.

An environment is named by a variable, or stands in the checkout:

    REID_MILVUS_LITE_PYTHON    or .milvus-lite/bin/python     python -m venv .milvus-lite
                                                              .milvus-lite/bin/pip install milvus-lite pymilvus
    REID_MILVUS_SERVER_PYTHON  or .milvus-server/bin/python   python -m venv .milvus-server
                                                              .milvus-server/bin/pip install milvus==2.3.5
"""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from reid.errors import ReidError
from reid.gallery.address import MilvusAddress
from reid.gallery.milvus.server import Server

_ROOT = Path(__file__).resolve().parents[1]
_STARTS = 60.0
# If the tests are killed, nobody is left to stop the server, and the next one would find its ports in use.
_WATCH = """
import os, threading, time

def watch(parent):
    while os.getppid() == parent:
        time.sleep(0.5)
    os.killpg(0, 9)

threading.Thread(target=watch, args=(os.getppid(),), daemon=True).start()
"""
_LITE = "from milvus_lite.cmdline import main; main(['server', '--data-dir', {data!r}, '--host', '127.0.0.1', '--port', '{port}'])"
_SERVER = (
    "import sys; from milvus import main; "
    "sys.argv = ['milvus-server', '--data', {data!r}, '--proxy-port', '{port}']; main()"
)


class Running:
    """A server of Milvus that keeps its data in `folder`."""

    def __init__(self, python: Path, script: str, folder: Path) -> None:
        self.folder = folder
        self._python, self._script = python, script
        self.start()

    def start(self) -> None:
        """Start on a free port, which another one than before may be, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        script = _WATCH + self._script.format(data=str(self.folder / "data"), port=self.port)
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [self._python, "-c", script], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        end = time.monotonic() + _STARTS
        while True:
            try:
                Server(self.address("any")).close()
            except ReidError as error:
                if time.monotonic() > end or self.process.poll() is not None:
                    self.stop()
                    pytest.fail(f"the server did not start: {error}\n{(self.folder / 'log').read_text()[-2000:]}")
                time.sleep(0.2)
            else:
                return

    def address(self, name: str, **more: object) -> MilvusAddress:
        """Of a gallery on it."""
        return MilvusAddress(name, host="127.0.0.1", port=self.port, **more)

    def kill(self) -> None:
        """As if the power had failed for its processes."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """As an administrator would."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        try:
            os.killpg(self.process.pid, how)
            self.process.wait(timeout=10)
            os.killpg(self.process.pid, signal.SIGKILL)  # what its first process left behind
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass


def lite(folder: Path) -> Running:
    """Milvus Lite; skips the test where its environment is not there."""
    return Running(_environment("LITE", "lite"), _LITE, folder)


def server(folder: Path) -> Running:
    """A standalone server with its own etcd, of which a machine runs one at a time, because the ports of the etcd are
    fixed; skips the test where its environment is not there.
    """
    return Running(_environment("SERVER", "server"), _SERVER, folder)


def _environment(word: str, name: str) -> Path:
    variable, local = f"REID_MILVUS_{word}_PYTHON", _ROOT / f".milvus-{name}" / "bin" / "python"
    told = os.environ.get(variable)
    if told is None and not local.is_file():
        pytest.skip(
            f"NOT TESTED AGAINST MILVUS: neither ${variable} nor .milvus-{name}/ is there; see {Path(__file__).name}"
        )
    return Path(told or local)
