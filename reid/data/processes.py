"""Work on untrusted files in processes that may die of it: the file is known, and the next process goes on."""

import contextlib
import json
import os
import queue
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, NamedTuple, Self

from reid.errors import ArtefactError

READY = "ready"


class Died(NamedTuple):
    """Stands for the answer of a process that ended instead; `code` is its exit code, negative for a signal."""

    code: int


class Answerer:
    """A process that answers questions, started when first asked, and again after it died.

    It runs `code`, which must write `READY` as a line of JSON on standard output, and then, for every line of standard
    input, which is a JSON list of questions, one line of JSON per question.
    """

    def __init__(self, code: str) -> None:
        self._code = code
        self._process: subprocess.Popen[str] | None = None

    def ask(self, questions: Sequence[object]) -> list[Any]:
        """The answers, in order; `Died` where the process ended instead, after which a new one goes on.

        Raises:
            ArtefactError: the process cannot be started.
        """
        answers: list[Any] = []
        while len(answers) < len(questions):
            if self._process is None:
                self._process = self._start()
            try:
                _send(self._process, questions[len(answers) :])
                while len(answers) < len(questions):
                    answers.append(_receive(self._process))
            except (BrokenPipeError, EOFError):
                answers.append(Died(self.close()))
        return answers

    def close(self) -> int:
        """End the process, if there is one; returns its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        with contextlib.suppress(BrokenPipeError), process:  # closes its input, which ends it, and waits
            pass
        return process.returncode

    def _start(self) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", self._code],  # -P: whatever lies in the current folder is not imported
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # decoders write their remarks there
            encoding="ascii",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        try:
            ready = _receive(process)
        except EOFError:
            ready = None
        if ready != READY:
            with process:
                process.kill()
            raise ArtefactError(f"a process of {sys.executable} could not be started (exit code {process.returncode})")
        return process


class Crew:
    """Several answerers at work at once.

    Args:
        code: what they run, see `Answerer`.
        count: how many, 1 or larger.
    """

    def __init__(self, code: str, count: int) -> None:
        self._answerers = [Answerer(code) for _ in range(count)]
        self._idle: queue.SimpleQueue[Answerer] = queue.SimpleQueue()
        for answerer in self._answerers:
            self._idle.put(answerer)
        self._threads = ThreadPoolExecutor(count)

    def ask(self, chunks: Sequence[Sequence[object]]) -> Iterator[list[Any]]:
        """The answers to every chunk of questions, in order, as `Answerer.ask` gives them."""
        return self._threads.map(self._ask, chunks)

    def _ask(self, chunk: Sequence[object]) -> list[Any]:
        answerer = self._idle.get()
        try:
            return answerer.ask(chunk)
        finally:
            self._idle.put(answerer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(cancel_futures=True)
        for answerer in self._answerers:
            answerer.close()


def _send(process: "subprocess.Popen[str]", questions: Sequence[object]) -> None:
    if process.stdin is not None:
        process.stdin.write(json.dumps(questions) + "\n")
        process.stdin.flush()


def _receive(process: "subprocess.Popen[str]") -> Any:
    line = "" if process.stdout is None else process.stdout.readline()
    if not line.endswith("\n"):
        raise EOFError
    return json.loads(line)
