"""What reports are about, in tests: a small test set of pictures with cameras, and vectors that half know it."""

import dataclasses
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import small_runs

from reid.evaluation.protocols import Options, evaluate_test_set
from reid.records import Embeddings, TestSet
from reid.report.subject import Subject


def subject(folder: Path, *, noise: float = 0.6, seed: int = 0, apart: bool = True) -> Subject:
    """Ten identities of five pictures on three cameras; the first picture of each is a query, unless all are asked."""
    records = small_runs.patches(folder, identities=10, each=5)
    names = (*records.identity_names[:-1], "<b>&\"'\n\udcff")
    records = dataclasses.replace(records, cameras=np.arange(50) % 3, identity_names=names)
    draw = np.random.default_rng(seed)
    vectors = draw.normal(size=(10, 16))[records.identities] + noise * draw.normal(size=(50, 16))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    asked = np.arange(50) % 5 == 0
    if apart:
        order = np.r_[np.flatnonzero(asked), np.flatnonzero(~asked)]
        test = TestSet("test", records.select(~asked), records.select(asked), ("query-gallery",))
        embedded = Embeddings(vectors[order], records.select(order), "m")
    else:
        test, embedded = (
            TestSet("test", records, None, ("single-shot", "all-vs-all")),
            Embeddings(vectors, records, "m"),
        )
    results = {"test": evaluate_test_set(test, embedded, options=Options(trials=2, camera_pairs=True))}
    return Subject("drawn", "model <1>", {"test": test}, {"test": embedded}, results)


class Page(HTMLParser):
    """What a page of HTML is made of.

    Attributes:
        tags: names of all elements, in order.
        sources: every address that something is loaded from or leads to.
        handlers: attributes that run scripts.
        text: all words, joined by spaces.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.handlers: list[str] = []
        self._words: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    @property
    def text(self) -> str:
        """All words."""
        return " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attributes if name in {"src", "href", "srcset", "data"}]
        self.handlers += [name for name, _ in attributes if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        """See `HTMLParser`."""
        self._words.append(data)

    def contained(self) -> bool:
        """Whether it loads nothing and runs nothing."""
        inside = all(source.startswith(("data:image/", "#")) for source in self.sources)
        return inside and not self.handlers and not {"script", "iframe", "object", "link"} & {*self.tags}
