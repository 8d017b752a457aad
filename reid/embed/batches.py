"""Images of any kind, and crops of frames -> batches of pictures of one size, prepared by several threads."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from reid.data.images import MAX_MEGAPIXELS
from reid.embed.inputs import crops, pixels, to_boxes
from reid.embed.reading import BATCH, Pixels
from reid.errors import ShapeError

_AHEAD = 2  # images of every thread that wait: enough to keep it busy, few enough for frames of a video


@dataclass(frozen=True)
class Preparer:
    """Makes pictures of images, or of crops.

    Attributes:
        prepare: (H, W, 3) uint8 -> (height, width, 3) uint8.
        max_megapixels: larger pictures are refused.
    """

    prepare: Callable[[Pixels], Pixels]
    max_megapixels: float = MAX_MEGAPIXELS

    def pictures(self, image: object, place: int) -> list[Pixels]:
        """The picture of an image, or, of a pair (frame, boxes), those of its crops.

        Raises:
            MissingInputError: there is no such file.
            DataError: it is no readable image, or a box lies outside the frame.
            ShapeError: it is no image; its place is named.
        """
        if not isinstance(image, tuple):
            return [self.prepare(pixels(image, f"image {place}", max_megapixels=self.max_megapixels))]
        name = f"frame {place}"
        frame, boxes = self._pair(image, name)
        found = pixels(frame, name, max_megapixels=self.max_megapixels)
        return [self.prepare(crop) for crop in crops(found, to_boxes(boxes, f"the boxes of {name}"), name)]

    def batches(self, images: Iterable[object], threads: int) -> Iterator[Pixels]:
        """(B, height, width, 3) uint8, B = 128 but for the last, of images in order; no more are taken than needed."""
        waiting: list[Pixels] = []
        for made in _in_order(self.pictures, images, threads):
            waiting += made
            while len(waiting) >= BATCH:
                yield np.stack(waiting[:BATCH])
                del waiting[:BATCH]
        if waiting:
            yield np.stack(waiting)

    def _pair(self, image: tuple[object, ...], name: str) -> tuple[object, object]:
        if len(image) != 2:
            raise ShapeError(f"{name} is a tuple of {len(image)}; wanted a pair: the frame, and its boxes")
        return image


def _in_order(
    work: Callable[[object, int], list[Pixels]], images: Iterable[object], threads: int
) -> Iterator[list[Pixels]]:
    if threads <= 1:
        yield from (work(image, place) for place, image in enumerate(images))
        return
    coming: deque[Future[list[Pixels]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for place, image in enumerate(images):
                coming.append(pool.submit(work, image, place))
                if len(coming) > _AHEAD * threads:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        finally:
            for one in coming:
                one.cancel()
