"""Processes that may die of a question."""

import signal
import time

import pytest

from reid.data.processes import Answerer, Crew, Died

CODE = """if True:
    import json, os, sys
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        for question in json.loads(line):
            if question == "die":
                os.kill(os.getpid(), 9)
            if question == "leave":
                sys.exit(3)
            print(json.dumps([question, os.getpid()]), flush=True)
"""


def test_the_question_it_died_of_is_known():
    """Every death stands exactly where its question stood; all others are answered, by the next process."""
    answerer = Answerer(CODE)
    questions = ["a", "die", "b", "c", "leave", "die", "d"]
    answers = answerer.ask(questions)
    assert [a if isinstance(a, Died) else a[0] for a in answers] == [
        "a", Died(-signal.SIGKILL), "b", "c", Died(3), Died(-signal.SIGKILL), "d",
    ]  # fmt: skip
    assert len({a[1] for a in answers if not isinstance(a, Died)}) == 3
    assert answerer.ask(["e"])[0][1] == answers[-1][1]  # it stays
    assert answerer.close() == 0


def test_a_crew_answers_in_order():
    """Many chunks to few processes come back in their order, and nothing is left running."""
    chunks = [[f"{i}.{j}" for j in range(i % 5)] for i in range(40)]
    with Crew(CODE, 3) as crew:
        answers = list(crew.ask(chunks))
    assert [[a[0] for a in chunk] for chunk in answers] == chunks
    assert 1 <= len({a[1] for chunk in answers for a in chunk}) <= 3


def test_leaving_early_ends_the_processes():
    """An error in the middle does not wait for the rest of the work."""

    def interrupted():
        with Crew(CODE, 2) as crew:
            for _ in crew.ask([[str(number)] for number in range(3000)]):
                raise KeyboardInterrupt

    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert time.monotonic() - begin < 5


def test_a_process_that_never_listens():
    """Questions that nobody reads are deaths, one by one, and not an error of the pipe."""
    answerer = Answerer("print('\"ready\"', flush=True)")
    assert answerer.ask(["x" * 1_000_000, "y"]) == [Died(0), Died(0)]
    assert answerer.close() == 0
