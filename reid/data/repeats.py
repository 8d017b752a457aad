"""Byte-identical images where there should be none: under two identities, or in training and test at once."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from reid.data.verify import parts
from reid.errors import MissingInputError
from reid.records import JUNK, Splits
from reid.text import printable

_SHOWN = 20
_AT_ONCE = 256


def repeated_images(splits: Splits, progress: Callable[[int], None] | None = None) -> list[str]:
    """Byte-identical images that have two identities, or are in training and test at once, a sentence each.

    Only files of equal size are read. Junk does not count, and neither do repetitions of one identity in one split,
    such as VeRi's queries, which are in its gallery as well.

    Args:
        splits: the dataset.
        progress: called with the number of images done since the last call.

    Returns:
        Up to 20 pairs of images, and how many more there are.

    Raises:
        MissingInputError: an image is gone or may not be read.
    """
    owners = _owners(splits)
    report = progress or _ignore
    by_size: dict[int, list[str]] = defaultdict(list)
    for path in owners:
        by_size[_size(path)].append(path)
    candidates = [(size, path) for size, paths in by_size.items() if len(paths) > 1 for path in paths]
    report(len(owners) - len(candidates))
    batches = [candidates[start : start + _AT_ONCE] for start in range(0, len(candidates), _AT_ONCE)]
    groups: dict[tuple[int, bytes], list[str]] = defaultdict(list)
    with ThreadPoolExecutor() as pool:  # several files on their way from the disk at once
        for batch, contents in zip(batches, pool.map(_contents, batches), strict=True):
            for (size, path), content in zip(batch, contents, strict=True):
                groups[size, content].append(path)
            report(len(batch))
    pairs = [pair for paths in groups.values() for pair in _conflicts(paths, owners)]
    shown = [f"byte-identical images: {first} and {second}" for first, second in pairs[:_SHOWN]]
    return shown + ([f"{len(pairs) - _SHOWN} more pairs of byte-identical images"] if len(pairs) > _SHOWN else [])


def _ignore(_done: int) -> None:
    pass


def _owners(splits: Splits) -> dict[str, tuple[str, str]]:
    """Full path -> identity name and side."""
    owners: dict[str, tuple[str, str]] = {}
    for name, records in parts(splits).items():
        side = "train" if name == "train" else "test"
        root = str(records.root)
        for path, identity, code in zip(records.paths, records.names(), records.identities.tolist(), strict=True):
            if code != JUNK:
                owners.setdefault(os.path.join(root, path), (identity, side))  # noqa: PTH118  a hundred thousand times
    return dict(sorted(owners.items()))


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116  a hundred thousand times
    except OSError as error:
        raise MissingInputError(f"cannot read {printable(path)}: {error.strerror}") from error


def _contents(batch: list[tuple[int, str]]) -> list[bytes]:
    """sha256 of every file of a batch."""
    totals = []
    for _, path in batch:
        try:
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123  a hundred thousand times
                totals.append(hashlib.sha256(file.read()).digest())
        except OSError as error:
            raise MissingInputError(f"cannot read {printable(path)}: {error.strerror}") from error
    return totals


def _conflicts(paths: list[str], owners: Mapping[str, tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Of equal images: the first of all beside the first of every further owner."""
    first: dict[tuple[str, str], str] = {}
    for path in paths:
        first.setdefault(owners[path], path)
    named = [f"{printable(path)} ({printable(identity)}, {side})" for (identity, side), path in first.items()]
    return ((named[0], other) for other in named[1:])
