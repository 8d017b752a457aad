"""Data without splits: a share of its identities is held out for testing."""

from collections.abc import Mapping
from typing import Any

from reid.data.layouts.listing import Rows, Test
from reid.errors import DataError
from reid.rng import generator

OPTIONS: Mapping[str, Any] = {"train_fraction": 0.5, "seed": 0}


def hold_out(rows: Rows, options: Mapping[str, Any], where: str) -> tuple[Rows, dict[str, Test]]:
    """Training images and the test set of the identities held out; no identity is in both.

    The draw depends on the identities' names and the seed alone, so that new images of known identities do not
    change it.

    Args:
        rows: all images.
        options: `train_fraction` of the identities that train, and `seed` of the draw.
        where: the dataset's place, for the message.

    Raises:
        DataError: there are fewer than two identities.
    """
    names = sorted(set(rows.identities))
    if len(names) < 2:
        raise DataError(
            f"{where} has {len(rows)} images of {len(names)} identities and no splits of its own; "
            "splitting it by identity takes at least two"
        )
    order = generator(options["seed"], "hold out identities").permutation(len(names))
    kept = min(max(round(options["train_fraction"] * len(names)), 1), len(names) - 1)
    training = {names[place] for place in order[:kept]}
    inner = [row for row, name in enumerate(rows.identities) if name in training]
    outer = [row for row, name in enumerate(rows.identities) if name not in training]
    return rows.select(inner), {"test": Test(rows.select(outer))}


def named_splits(parts: Mapping[str, Rows], where: str) -> tuple[Rows | None, dict[str, Test]]:
    """Training images, if any split is named so, and the test sets out of splits by name.

    `query` is searched for in `gallery`, or in `test` where there is no `gallery`; `test` alone and `val` are scored
    all against all.

    Args:
        parts: images by name of the split: train, query, gallery, test, val.
        where: the dataset's place, for the message.

    Raises:
        DataError: query without anything to search, or gallery without query, or all three of query, gallery and test.
    """
    tests = {}
    if "query" in parts or "gallery" in parts:
        rest = [name for name in ("gallery", "test") if name in parts]
        if "query" not in parts or len(rest) != 1:
            raise DataError(
                f"{where} has the splits {', '.join(sorted(parts))}; wanted query with gallery (or test instead of it)"
            )
        tests["test"] = Test(parts[rest[0]], parts["query"])
    elif "test" in parts:
        tests["test"] = Test(parts["test"])
    if "val" in parts:
        tests["val"] = Test(parts["val"])
    return parts.get("train"), tests
