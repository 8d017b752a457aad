"""Batches of pictures, prepared in order by several threads, with no more taken than is needed."""

import threading

import numpy as np
import pytest

from reid.data.boxes import cut
from reid.data.transforms import TestTransform
from reid.embed.batches import Preparer
from reid.embed.reading import BATCH
from reid.errors import DataError, ShapeError

PREPARER = Preparer(TestTransform((4, 4)))


def flat(number):
    """A picture of one colour."""
    return np.full((8, 8, 3), number % 256, np.uint8)


@pytest.mark.parametrize("threads", [1, 3])
def test_order_and_sizes(threads):
    """Pictures in order whoever prepares them; full batches but for the last; one picture for every image."""
    made = list(PREPARER.batches(map(flat, range(2 * BATCH + 5)), threads))

    assert [len(batch) for batch in made] == [BATCH, BATCH, 5]
    assert np.concatenate(made)[:, 0, 0, 0].tolist() == [n % 256 for n in range(2 * BATCH + 5)]


@pytest.mark.parametrize("threads", [1, 2])
def test_frames_give_a_picture_for_every_box(threads):
    """Frames without boxes give none, one with more than a batch several batches; images may stand between."""
    frame = np.arange(40 * 60 * 3, dtype=np.uint8).reshape(40, 60, 3)
    boxes = [(n % 50, n % 30, n % 50 + 10, n % 30 + 9) for n in range(BATCH + 10)]
    made = np.concatenate(list(PREPARER.batches([(frame, []), (frame, boxes), flat(7), (frame, boxes[:1])], threads)))

    wanted = [PREPARER.prepare(cut(frame, box)[0]) for box in boxes]
    assert np.array_equal(made[:-2], np.stack(wanted))
    assert (made[-2] == 7).all()
    assert np.array_equal(made[-1], wanted[0])


@pytest.mark.parametrize("threads", [1, 2])
def test_an_endless_iterator_is_taken_from_bit_by_bit(threads):
    """No more images are taken than a batch, and what waits for the threads."""
    taken = []

    def stream():
        number = 0
        while True:
            taken.append(threading.get_ident())
            yield flat(number)
            number += 1

    batches = PREPARER.batches(stream(), threads)
    assert next(batches)[-1, 0, 0, 0] == BATCH - 1
    assert BATCH <= len(taken) <= BATCH + 3 * threads
    assert set(taken) == {threading.get_ident()}  # an iterator need not know of threads
    batches.close()


@pytest.mark.parametrize("threads", [1, 2])
def test_mistakes_come_at_their_place(threads):
    """The batches before are made; then the first mistake ends it, whatever comes after."""
    images = [flat(n) for n in range(BATCH)] + [None, (flat(0), [(9, 9, 20, 20)])]
    batches = PREPARER.batches(images, threads)

    assert len(next(batches)) == BATCH
    with pytest.raises(ShapeError, match=f"image {BATCH} is a NoneType"):
        next(batches)
    with pytest.raises(DataError, match=r"frame 0, box 0: box \(9, 9, 20, 20\) lies outside the frame"):
        next(PREPARER.batches(images[-1:], threads))
    with pytest.raises(ShapeError, match="frame 0 is a tuple of 3; wanted a pair: the frame, and its boxes"):
        next(PREPARER.batches([(flat(0), [], "more")], threads))
    with pytest.raises(ShapeError, match=r"the boxes of frame 0 have shape \(1, 2\)"):
        next(PREPARER.batches([(flat(0), [[1, 2]])], threads))
