"""From the plain columns of a layout to splits: sorted, each image once, one table of identities for all."""

from collections import Counter
from collections.abc import Mapping

from reid.data.cards import Card, Protocol
from reid.data.layouts.listing import Listing, Rows, Test
from reid.errors import DataError
from reid.records import Records, Splits, TestSet, build, identity_table
from reid.text import printable


def assemble(card: Card, listing: Listing) -> Splits:
    """The dataset in `listing`.

    Images are sorted by path and the table of identities by name, so that nothing depends on the order in which
    folders or lists were read.

    Raises:
        DataError: a split has no images or no identities, or an image stands under two identities.
    """
    skipped = Counter(listing.skipped)
    train = _ordered(listing.train or Rows(), "train", skipped)
    tests = {
        name: Test(
            _ordered(test.gallery, name, skipped),
            None if test.query is None else _ordered(test.query, name, skipped),
        )
        for name, test in sorted(listing.tests.items(), key=lambda item: _rank(card, item[0]))
    }
    named = dict(_named(train, tests))
    for name, rows in named.items():
        if name != "train" or listing.train is not None:
            _refuse_empty(card, listing, name, rows, skipped)
    _refuse_two_identities(named)
    table = identity_table([name for rows in named.values() for name in rows.identities], junk=listing.junk)
    records = {id(rows): _records(rows, listing, table) for rows in named.values()}
    return Splits(
        name=card.name,
        kind=card.kind,
        train=records[id(train)],
        tests={
            name: TestSet(
                name,
                records[id(test.gallery)],
                None if test.query is None else records[id(test.query)],
                card.protocols.get(name) or _usual(test),
            )
            for name, test in tests.items()
        },
        problems=(*listing.problems, *_lacking(listing)),
        skipped={reason: number for reason, number in sorted(skipped.items()) if number},
    )


def _named(train: Rows, tests: Mapping[str, Test]) -> list[tuple[str, Rows]]:
    pairs = [("train", train)]
    for name, test in tests.items():
        prefix = "" if name == "test" else f"{name}/"
        if test.query is None:
            pairs.append((name, test.gallery))
        else:
            pairs += [(f"{prefix}query", test.query), (f"{prefix}gallery", test.gallery)]
    return pairs


def _ordered(rows: Rows, split: str, skipped: Counter[str]) -> Rows:
    """`rows` by path, without repetitions."""
    order = sorted(range(len(rows)), key=rows.paths.__getitem__)
    kept = [
        row
        for before, row in zip([-1, *order], order, strict=False)
        if before < 0 or (rows.paths[before], rows.identities[before]) != (rows.paths[row], rows.identities[row])
    ]
    skipped[f"listed again in {split}"] += len(order) - len(kept)
    return rows.select(kept)


def _refuse_empty(card: Card, listing: Listing, split: str, rows: Rows, skipped: Counter[str]) -> None:
    known = [name for name in rows.identities if name not in listing.junk]
    if not known:
        reasons = ", ".join(f"{number} {reason}" for reason, number in sorted(skipped.items()) if number)
        raise DataError(
            f"split {split} of {card.name} in {printable(listing.root)} has {len(rows)} images and no identities; "
            f"passed over: {reasons or 'nothing'}"
        )


def _refuse_two_identities(parts: Mapping[str, Rows]) -> None:
    identity_of: dict[str, str] = {}
    conflicts = [
        f"{printable(path)} ({printable(identity_of[path])} and {printable(identity)})"
        for rows in parts.values()
        for path, identity in zip(rows.paths, rows.identities, strict=True)
        if identity_of.setdefault(path, identity) != identity
    ]
    if conflicts:
        raise DataError(f"{len(conflicts)} images stand under two identities: {', '.join(conflicts[:20])}")


def _records(rows: Rows, listing: Listing, table: tuple[str, ...]) -> Records:
    return build(
        listing.root,
        rows.paths,
        rows.identities,
        table=table,
        junk=listing.junk,
        cameras=rows.cameras,
        times=rows.times,
        attributes=rows.attributes,
    )


def _usual(test: Test) -> tuple[Protocol, ...]:
    return ("all-vs-all",) if test.query is None else ("query-gallery",)


def _lacking(listing: Listing) -> list[str]:
    problems = []
    if listing.train is None:
        problems.append("there is no training split: a model can be evaluated on this data but not trained")
    if not listing.tests:
        problems.append("there is no test split: a model can be trained on this data but not evaluated")
    return problems


def _rank(card: Card, name: str) -> tuple[int, str]:
    order = list(card.protocols)
    return (order.index(name), "") if name in order else (len(order), name)
