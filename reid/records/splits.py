"""A dataset as it was read, and its test sets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from reid.records.columns import Records, concatenate


@dataclass(frozen=True, eq=False)
class TestSet:
    """A fixed test set.

    Attributes:
        name: name of the split, such as "large" or "test".
        gallery: the images that are searched.
        query: the images that are searched for; None where every image of `gallery` takes its turn as a query.
        protocols: how it is scored by default: "single-shot", "all-vs-all", "query-gallery".
    """

    __test__ = False  # not a test class of pytest's

    name: str
    gallery: Records
    query: Records | None
    protocols: tuple[str, ...]

    def images(self) -> Records:
        """All images of the set: the queries, if any, then the gallery."""
        return self.gallery if self.query is None else concatenate([self.query, self.gallery])


@dataclass(frozen=True, eq=False)
class Splits:
    """A dataset as it was read.

    Attributes:
        name: the card's name.
        kind: what the images show, from the card: "vehicle", "person", "clothes", "product", ...
        train: training images.
        tests: test sets by name, in the card's order.
        problems: what differs from the card or looks wrong, one sentence each; empty is good.
        skipped: number of files passed over, by reason.
    """

    name: str
    kind: str
    train: Records
    tests: Mapping[str, TestSet]
    problems: tuple[str, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
