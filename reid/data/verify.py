"""Comparing a dataset with its card and with itself: statistics, expected counts, identities on both sides."""

from collections.abc import Iterable

import numpy as np

from reid.data.cards import Card
from reid.records import JUNK, Records, Splits


def parts(splits: Splits) -> dict[str, Records]:
    """Every list of images by name: "train", the name of a test set without queries, else "query" and "gallery".

    Queries and gallery of a test set that is not called "test" have its name before them, as in "val/query".
    """
    found = {"train": splits.train}
    for name, test in splits.tests.items():
        prefix = "" if name == "test" else f"{name}/"
        if test.query is None:
            found[name] = test.gallery
        else:
            found |= {f"{prefix}query": test.query, f"{prefix}gallery": test.gallery}
    return found


def statistics(splits: Splits, distractors: Iterable[str] = ()) -> dict[str, dict[str, int]]:
    """Numbers of every part of a dataset, in the order train, then test sets.

    Args:
        splits: the dataset.
        distractors: identity names that stand for many unknown identities at once.

    Returns:
        By part, as named by `parts`, and by test set where it has queries: `identities` (junk not counted), `images`,
        `cameras` (0: no such column), `single` (identities with one image), `junk` and `distractors` (images).
    """
    odd = set(distractors)
    lists = parts(splits) | {name: test.images() for name, test in splits.tests.items() if test.query is not None}
    return {name: _numbers(records, odd) for name, records in lists.items()}


def _numbers(records: Records, distractors: set[str]) -> dict[str, int]:
    known = records.identities[records.identities != JUNK]
    images = np.bincount(known, minlength=1)
    codes = [code for code, name in enumerate(records.identity_names) if name in distractors]
    return {
        **records.count(),
        "single": int((images == 1).sum()),
        "junk": len(records) - len(known),
        "distractors": int(np.isin(known, codes).sum()),
    }


def count_problems(card: Card, splits: Splits) -> list[str]:
    """One sentence per split whose numbers differ from the card's, with both numbers."""
    found, problems = statistics(splits), []
    for split, expected in card.counts.items():
        if split not in found:
            continue  # a list that is missing is a problem of its own
        wrong = [what for what, number in expected.items() if found[split][what] != number]
        if wrong:
            should = _enumerated([f"{expected[what]:,} {what}" for what in wrong])
            problems.append(
                f"split {split}: the card says {should}; found {_enumerated([f'{found[split][w]:,}' for w in wrong])}"
            )
    return problems


def overlap(splits: Splits) -> list[str]:
    """Names of the identities, sorted, that are in training and in a test set."""
    train = np.unique(splits.train.identities)
    shared: set[int] = set()
    for name, records in parts(splits).items():
        if name != "train":
            shared |= set(np.intersect1d(train, records.identities).tolist())
    return [splits.train.identity_names[code] for code in sorted(shared - {JUNK})]


def _enumerated(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
