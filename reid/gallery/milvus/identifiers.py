"""Numbers for new images that no other writer gives, on a server that has no transactions."""

import secrets
import time
from collections.abc import Callable, Iterator

from reid.errors import ArtefactError, InUseError
from reid.gallery.milvus.extras import Extras

_PREFIX = "ids/"
_GROWTH = 8
_LARGEST_BLOCK = 100_000
_TRIES = 12


class Identifiers:
    """Takes ids in blocks, each for one writer alone.

    A claim is a row that says up to where ids are given. A writer claims what follows the highest claim that it sees,
    looks again, and may use the block if no other claim reaches beyond its beginning. Reads are strongly consistent:
    of two writers that claim the same ids, at least the one that looks last sees the other, and gives way; both may.
    Claims below a block that was won are removed; the highest one stays for ever, so an id is never given twice, even
    if its image is removed.
    """

    def __init__(self, extras: Extras, sleep: Callable[[float], None] = time.sleep) -> None:
        self._extras = extras
        self._sleep = sleep
        self._block = iter(range(0))
        self._left = 0
        self._size = 0

    def take(self, count: int) -> list[int]:
        """`count` new ids, ascending.

        Raises:
            InUseError: others claimed the same ones all the time.
        """
        if self._left < count:
            self._size = max(count, min(self._size * _GROWTH, _LARGEST_BLOCK))
            start = self._claim(self._size)
            self._block, self._left = iter(range(start, start + self._size)), self._size
        self._left -= count
        return [next(self._block) for _ in range(count)]

    def _claim(self, size: int) -> int:
        own = f"{_PREFIX}{secrets.token_hex(16)}"
        for attempt in range(_TRIES):
            start = max((end for _, end in self._claims()), default=1)
            self._extras.put({own: str(start + size)})
            claims = list(self._claims())
            if not any(end > start for key, end in claims if key != own):
                self._extras.remove([key for key, end in claims if end <= start])
                return start
            own = f"{_PREFIX}{secrets.token_hex(16)}"  # the lost claim stays until a later block is won
            self._sleep(secrets.randbelow(2**attempt + 1) * 0.05)
        raise InUseError("too many others are adding images at this moment; try again")

    def _claims(self) -> Iterator[tuple[str, int]]:
        for key, end in self._extras.below(_PREFIX).items():
            if not end.isdecimal():
                raise ArtefactError(f"the gallery's record of ids reads {end[:50]!r}, which this toolkit did not write")
            yield key, int(end)
