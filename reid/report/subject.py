"""What an evaluation report is about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from reid.data.images import MAX_MEGAPIXELS
from reid.evaluation.refinement import PLAIN, Refinement
from reid.evaluation.reports import Report
from reid.records import JUNK, NO_CAMERA, Embeddings, Integers, Records, TestSet, identity_table
from reid.report.figures import RankRow
from reid.report.rankings import RankLists, lists_of


class Explain(Protocol):
    """Colours the pictures of a rank list by what made the match."""

    @property
    def words(self) -> str:
        """What is coloured, in words."""
        ...

    def __call__(self, row: RankRow) -> RankRow:
        """The same list with coloured pictures."""
        ...


@dataclass(frozen=True, eq=False)
class Subject:
    """Test sets, their vectors and what was found.

    Attributes:
        name: of the dataset or files.
        model: what made the vectors, in words.
        tests: the test sets by name.
        embeddings: of the images of each: the queries, if any, then the gallery.
        results: reports by test set and protocol.
        seed: of all that is drawn by chance.
        refinement: what stood between vectors and ranking; rank lists are those of its distances.
        refined: that in words, such as ", re-ranked by k-reciprocal"; "" for nothing.
        chosen: similarities from which on pairs are taken for one identity, by what they are called; such as those of a
            calibration.
        explain: colours rank lists by what made the match; None leaves that out.
        max_megapixels: larger images are refused.
    """

    name: str
    model: str
    tests: Mapping[str, TestSet]
    embeddings: Mapping[str, Embeddings]
    results: Mapping[str, Mapping[str, Report]]
    seed: int = 0
    refinement: Refinement = PLAIN
    refined: str = ""
    chosen: Mapping[str, float] = field(default_factory=dict)
    explain: Explain | None = None
    max_megapixels: float = MAX_MEGAPIXELS

    @property
    def largest(self) -> str:
        """The test set with the most images."""
        return max(self.embeddings, key=lambda name: len(self.embeddings[name].records))

    def judged(self, name: str) -> Integers | None:
        """Identity codes that are asked for, None where all are: others may be distractors, which share one name."""
        query = self.tests[name].query
        return None if query is None else np.unique(query.identities)

    def listed(self, name: str) -> str:
        """The protocol whose rank lists are shown of a test set: its own, or else the first that was asked for."""
        results = self.results[name]
        own = "all-vs-all" if self.tests[name].query is None else "query-gallery"
        return own if own in results or not results else next(iter(results))

    def lists(self, name: str, protocol: str) -> RankLists:
        """What is found for the queries of a test set, as a protocol has it."""
        test, embedded = self.tests[name], self.embeddings[name]
        return lists_of(test, embedded, protocol, self.refinement, seed=self.seed, max_megapixels=self.max_megapixels)

    def pictured(self, name: str) -> bool:
        """Whether the images of a test set are there to be shown, going by the first of them."""
        return any(path.is_file() for path in self.embeddings[name].records.files()[:1])


def together(query: Embeddings | None, gallery: Embeddings) -> tuple[TestSet, Embeddings]:
    """Vectors from elsewhere as a test set called "test" and its embeddings.

    Queries and gallery that were stored apart, with tables of names and roots of their own, get common ones.

    Args:
        query: the queries; None where all images are asked against all others.
        gallery: what they are asked against.
    """
    if query is None:
        return TestSet("test", gallery.records, None, ("all-vs-all",)), gallery
    sides = [query.records, gallery.records]
    names = identity_table([name for side in sides for name in side.identity_names])
    same = sides[0].root == sides[1].root
    code = {name: place for place, name in enumerate(names)}
    recoded = [
        Records(
            root=side.root if same else Path(),
            paths=side.paths if same else np.array([str(path) for path in side.files()], dtype=object),
            identities=np.array(
                [JUNK if c == JUNK else code[side.identity_names[c]] for c in side.identities.tolist()]
            ),
            identity_names=names,
            cameras=np.full(len(side), NO_CAMERA) if side.cameras is None else side.cameras,
        )
        for side in sides
    ]
    test = TestSet("test", recoded[1], recoded[0], ("query-gallery",))
    vectors = np.concatenate([query.vectors, gallery.vectors])
    return test, Embeddings(vectors, test.images(), gallery.model)
