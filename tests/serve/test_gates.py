"""So many work, so many wait, the rest is refused."""

import asyncio

import pytest

from reid.serve import gates
from reid.serve.gates import Budget, Turnstile
from reid.serve.limits import Gate
from reid.serve.problems import Problem


def test_never_more_than_so_many():
    """Of ten that come at once with two places and three seats, five get in, at most two at a time, and all leave."""

    async def main():
        turnstile, most, done, refused = Turnstile("searches", Gate(2, 3)), 0, 0, 0

        async def visit():
            nonlocal most, done, refused
            try:
                async with turnstile:
                    most = max(most, turnstile.working)
                    await asyncio.sleep(0.01)
                    done += 1
            except Problem as problem:
                refused += problem.status_code == 429

        await asyncio.gather(*(visit() for _ in range(10)))
        return most, done, refused, turnstile.refused, turnstile.working, turnstile.waiting

    assert asyncio.run(main()) == (2, 5, 5, 5, 0, 0)


def test_places_are_given_back_whatever_happens():
    """An error and a cancelled wait leave nothing behind."""

    async def main():
        turnstile = Turnstile("searches", Gate(1, 1))
        with pytest.raises(KeyError):
            async with turnstile:
                raise KeyError
        async with turnstile:
            waiting = asyncio.create_task(turnstile.__aenter__())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        async with turnstile:
            return turnstile.working, turnstile.waiting

    assert asyncio.run(main()) == (1, 0)


def test_patience_ends(monkeypatch):
    """Who waits too long is told to come again."""
    monkeypatch.setattr(gates, "_PATIENCE", 0.01)

    async def main():
        turnstile = Turnstile("searches", Gate(1, 1))
        async with turnstile, turnstile:
            pass

    with pytest.raises(Problem) as refused:
        asyncio.run(main())
    assert refused.value.status_code == 429


def test_budget():
    """Bytes are counted, and refused as a whole where they are too many."""
    budget = Budget(10)
    budget.take(6)
    with pytest.raises(Problem):
        budget.take(5)
    budget.take(4)
    budget.give_back(10)

    assert budget.used == 0
