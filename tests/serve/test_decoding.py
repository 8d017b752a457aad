"""A few processes that open pictures, and outlive what kills one of them."""

import asyncio
import hashlib
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
from pictures import encode, photo
from served import Colours

from reid.errors import ArtefactError, DataError
from reid.serve.decoding import Decoders
from reid.serve.limits import MIB, Limits

GOOD = encode(photo(60, 50), "PNG")


def run(work, limits=None, count=1):
    """What `work` makes of some decoders."""

    async def main():
        async with Decoders(Colours().description, limits or Limits(), count) as decoders:
            return await work(decoders)

    return asyncio.run(main())


def test_death_costs_one_picture():
    """Killed from outside while idle or at work: the next picture is opened by a new process, and none is left over."""

    async def work(decoders):
        (child,) = decoders._children
        first = child._process
        os.kill(first.pid, signal.SIGKILL)
        with pytest.raises(DataError):
            await decoders.decode(GOOD)
        good = await decoders.decode(GOOD)
        waiting = asyncio.create_task(decoders.decode(GOOD))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        again = await decoders.decode(GOOD)
        return good, again, child._process

    good, again, last = run(work)
    assert good.sha256 == again.sha256 == hashlib.sha256(GOOD).hexdigest()
    assert (good.picture == again.picture).all()
    assert last.returncode is not None


def test_memory_and_time_of_a_picture_are_limited():
    """A bomb of 9 megapixels in 30 KB is refused, and what would take too long ends the process, not the server."""
    bomb = encode(np.full((3000, 3000, 3), 7, dtype=np.uint8), "PNG")

    async def fails(decoders):
        with pytest.raises(DataError) as told:
            await decoders.decode(bomb)
        return str(told.value)

    small = run(fails, replace(Limits(), decoding_memory=8 * MIB))
    quick = run(fails, replace(Limits(), decoding_seconds=0.001))
    large = run(fails, replace(Limits(), megapixels=8.0))

    assert small.startswith("cannot read image upload")
    assert "too long" in quick
    assert "megapixels" in large


def test_processes_that_cannot_start_are_an_error_at_once():
    """A description that nobody can prepare pictures for."""
    with pytest.raises(ArtefactError, match="could not be started"):
        asyncio.run(_start(replace(Colours().description, interpolation="nonsense")))


async def _start(description):
    async with Decoders(description, Limits(), 1):
        pass
