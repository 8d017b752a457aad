"""The thread that embeds."""

import asyncio
import threading

import numpy as np
import pytest

from reid.serve.embedding import MOST, EmbeddingThread


def numbered(number):
    """A picture that says which it is."""
    return np.full((2, 2, 3), number, dtype=np.uint8)


def test_those_who_search_come_first():
    """While one is embedded, others come: searches go before additions, and together where several wait."""
    begun, go, batches = threading.Event(), threading.Event(), []

    def compute(pictures):
        batches.append(pictures[:, 0, 0, 0].tolist())
        begun.set()
        go.wait(10)
        return pictures[:, 0, 0].astype(np.float32)

    async def main(thread):
        first = asyncio.create_task(thread.vector(numbered(0), urgent=True))
        await asyncio.to_thread(begun.wait, 10)
        patient = [asyncio.create_task(thread.vector(numbered(n), urgent=False)) for n in (1, 2)]
        urgent = [asyncio.create_task(thread.vector(numbered(n), urgent=True)) for n in range(100, 100 + MOST + 1)]
        await asyncio.sleep(0)
        go.set()
        return [int(vector[0]) for vector in await asyncio.gather(first, *patient, *urgent)]

    with EmbeddingThread(compute) as thread:
        found = asyncio.run(main(thread))

    assert found == [0, 1, 2, *range(100, 100 + MOST + 1)]
    assert batches == [[0], [*range(100, 100 + MOST)], [100 + MOST], [1, 2]]
    assert (thread.batches, thread.pictures) == (4, MOST + 4)


def test_a_failure_is_told_to_all_who_wait_and_to_nobody_else():
    """The thread goes on with the next."""

    def compute(pictures):
        if pictures.max() == 13:
            raise ValueError("bad luck")
        return np.ones((len(pictures), 4), dtype=np.float32)

    async def main(thread):
        with pytest.raises(ValueError, match="bad luck"):
            await thread.vector(numbered(13), urgent=True)
        return await thread.vector(numbered(1), urgent=False)

    with EmbeddingThread(compute) as thread:
        assert asyncio.run(main(thread)).shape == (4,)


def test_nobody_waits_for_ever_when_it_ends():
    """What was not begun is cancelled."""
    hold = threading.Event()

    def compute(pictures):
        hold.wait(10)
        return np.ones((len(pictures), 4), dtype=np.float32)

    async def main():
        thread = EmbeddingThread(compute)
        thread.__enter__()
        tasks = [asyncio.create_task(thread.vector(numbered(n), urgent=n == 0)) for n in (0, 1)]
        await asyncio.sleep(0.05)
        threading.Timer(0.05, hold.set).start()
        await asyncio.to_thread(thread.__exit__, None, None, None)
        return await asyncio.gather(*tasks, return_exceptions=True)

    done, cancelled = asyncio.run(main())
    assert done.shape == (4,)
    assert isinstance(cancelled, asyncio.CancelledError)
