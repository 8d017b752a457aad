"""Work on untrusted files in processes that may die of it: the file is known, and the next process goes on."""

import json
import os
import queue
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from reid.errors import ArtefactError

READY = "ready"


class Died(Exception):  # noqa: N818  an answer, of a kind
    """The process ended instead of answering; `code` is its exit code, negative for a signal."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Answerer:
    """A process that answers questions, started when first asked, and again after it died.

    It runs `code`, which must write the JSON of `READY` as a line on standard output, and then, for every line of JSON
    on standard input, one line of JSON.
    """

    def __init__(self, code: str) -> None:
        self._code = code
        self._process: subprocess.Popen[str] | None = None

    def ask(self, question: object) -> Any:
        """The answer to `question`.

        Raises:
            Died: the process ended instead.
            ArtefactError: it cannot be started.
        """
        if self._process is None:
            self._process = self._start()
        try:
            return _exchange(self._process, question)
        except (BrokenPipeError, EOFError):
            raise Died(self.close()) from None

    def close(self) -> int:
        """End the process, if there is one; returns its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        with process:  # closes its standard input, which is what it waits for, and waits
            pass
        return process.returncode

    def _start(self) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", self._code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # decoders write their remarks there
            encoding="ascii",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        try:
            ready = _exchange(process, None)
        except (BrokenPipeError, EOFError):
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
        """The answers to every chunk of questions, in order; `Died` stands where there was none."""
        return self._threads.map(self._ask, chunks)

    def _ask(self, chunk: Sequence[object]) -> list[Any]:
        answerer = self._idle.get()
        try:
            return [_answer_or_death(answerer, question) for question in chunk]
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


def _answer_or_death(answerer: Answerer, question: object) -> Any:
    try:
        return answerer.ask(question)
    except Died as death:
        return death


def _exchange(process: "subprocess.Popen[str]", question: object) -> Any:
    if process.stdin is None or process.stdout is None:
        raise EOFError
    process.stdin.write(json.dumps(question) + "\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer.endswith("\n"):
        raise EOFError
    return json.loads(answer)
