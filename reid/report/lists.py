"""The rank lists, worst identities and suspects of a test set: as PNG and CSV files, and as parts of its page."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from reid import files
from reid.evaluation.per_query import PerQuery, worst_identities
from reid.evaluation.suspects import Suspect, Suspects, find_suspects
from reid.records import JUNK, Embeddings
from reid.report.figures import RankRow, Tile, rank_lists
from reid.report.page import Block, Strip, Strips, Table, Thumb, Words, thumbnail
from reid.report.rankings import RankLists, read_tile
from reid.report.subject import Subject

QUERIES = {"ranks": 8, "best": 4, "median": 4, "hardest": 8}
"""Queries of each kind of rank list, by the beginning of its file's name."""
IDENTITIES, IMAGES = 8, 6
"""Worst identities, and images of each."""
SUSPECTS = 12
"""Of either kind."""

_TITLES = {
    "ranks": "queries drawn by chance",
    "best": "best queries",
    "median": "median queries",
    "hardest": "hardest queries",
}


def ranking_parts(subject: Subject, name: str, folder: Path) -> Iterator[tuple[list[Path], Block]]:
    """Rank lists of queries drawn by chance, and of the best, the median and the hardest by average precision.

    Raises:
        DataError: an image cannot be read.
    """
    results, protocol = subject.results[name], subject.listed(name)
    lists = subject.lists(name, protocol)
    values = results[protocol].per_query if protocol in results else None
    for kind, queries in _chosen(lists, values, subject.seed).items():
        rows = list(lists.rows(queries))
        title = f"{name}: {_TITLES[kind]} and what was found for them{subject.refined}"
        rank_lists(rows, folder / f"{kind}-{name}.png", title=title)
        paths = [folder / f"{kind}-{name}.png"]
        strips = [row_strip(row, label) for row, label in zip(rows, _labels(lists, values, queries), strict=True)]
        if subject.explain:
            coloured = [subject.explain(row) for row in rows]
            paths.append(folder / f"explained-{kind}-{name}.png")
            rank_lists(coloured, paths[-1], title=f"{name}: {_TITLES[kind]}, {subject.explain.words}")
            labels = [f"{lists.query.records.paths[query]}: {subject.explain.words}" for query in queries]
            below = map(row_strip, coloured, labels)
            strips = [strip for pair in zip(strips, below, strict=True) for strip in pair]
        yield paths, Strips(_TITLES[kind].capitalize(), tuple(strips))


def identity_parts(subject: Subject, name: str) -> Iterator[Block]:
    """The identities of lowest mean average precision, with some images of each."""
    values = next((r.per_query for r in subject.results[name].values() if r.per_query is not None), None)
    if values is None:
        return
    worst = worst_identities(values, IDENTITIES)
    rows = tuple((one.identity, str(one.queries), f"{100 * one.mAP:.1f}") for one in worst)
    yield Table(("identity", "queries", f"mAP by {values.protocol}"), rows)
    if subject.pictured(name):
        records = subject.embeddings[name].records
        names = np.array(records.names(), dtype=object)
        strips = []
        for one in worst:
            own = np.flatnonzero(names == one.identity)[:IMAGES]
            tiles = [_plain(subject, name, int(row)) for row in own]
            strips.append(Strip(tuple(tiles), f"{one.identity}: mAP {100 * one.mAP:.1f} %"))
        yield Strips("Images of them", tuple(strips), compact=True)


def suspect_parts(subject: Subject, name: str, folder: Path) -> Iterator[tuple[list[Path], Block]]:
    """Images whose label may be wrong, as a list to check."""
    embedded = subject.embeddings[name]
    found = find_suspects(embedded, number=SUSPECTS, judged=subject.judged(name), seed=subject.seed)
    path = folder / f"suspects-{name}.csv"
    files.write_bytes(path, _csv(found, embedded).encode("utf-8", "surrogateescape"))
    total = int(np.count_nonzero(embedded.records.identities != JUNK))
    words = (
        f"Lists to look at, not errors: a model that is wrong itself has them too. {found.compared:,} of {total:,} images "
        f"were compared with each other; the same lists are in {path.name}."
    )
    yield [path], Words(words)
    kinds = {
        "Same identity, far apart": (
            found.far,
            "More like the image of another identity (red) than like any of its own (green).",
        ),
        "Different identities, nearly identical": (found.near, "The most similar pairs of images of two identities."),
    }
    for title, (suspects, words) in kinds.items():
        if suspects and subject.pictured(name):
            strips = tuple(_suspect(subject, name, one, both=suspects is found.far) for one in suspects)
            yield [], Strips(title, strips, words, compact=True)
        elif suspects:
            yield (
                [],
                Table(
                    ("image", "its own", "similarity", "another", "similarity "),
                    tuple(_row(embedded, one) for one in suspects),
                ),
            )


def _chosen(lists: RankLists, values: PerQuery | None, seed: int) -> dict[str, list[int]]:
    chosen = {"ranks": lists.drawn(seed, QUERIES["ranks"])}
    if values is not None:
        chosen |= {kind: getattr(lists, kind)(values, QUERIES[kind]) for kind in ("best", "median", "hardest")}
    return {kind: queries for kind, queries in chosen.items() if queries}


def _labels(lists: RankLists, values: PerQuery | None, queries: list[int]) -> Iterator[str]:
    precisions = {} if values is None else dict(zip(values.paths.tolist(), values.figures["mAP"].tolist(), strict=True))
    for query in queries:
        path = lists.query.records.paths[query]
        words = f", average precision {100 * precisions[path]:.1f} %" if path in precisions else ", without a match"
        yield f"{path}{words}"


def row_strip(row: RankRow, label: str) -> Strip:
    """A rank list as small pictures under a line of words."""
    return Strip(tuple(_tiles(row)), label)


def _tiles(row: RankRow) -> Iterator[Thumb]:
    yield thumb(row.query, "query", "asked")
    for number, hit in enumerate(row.hits, start=1):
        if hit.identity is None or row.query.identity is None:
            verdict = "unknown"
        else:
            verdict = "right" if hit.identity == row.query.identity else "wrong"
        mark = {"right": " ✓", "wrong": " ✗"}.get(verdict, "")
        yield thumb(hit, f"{number}  {hit.score:.3f}{mark}", verdict)


def thumb(tile: Tile, head: str, verdict: str) -> Thumb:
    """A small picture of a tile."""
    words = [] if tile.identity is None else [tile.identity]
    words += [] if tile.camera is None else [f"cam {tile.camera}"]
    return Thumb(thumbnail(tile.image), head, " · ".join(words), verdict)


def _plain(subject: Subject, name: str, row: int) -> Thumb:
    return thumb(_tile(subject, name, row), "", "asked")


def _tile(subject: Subject, name: str, row: int) -> Tile:
    records = subject.embeddings[name].records
    return read_tile(records, row, max_megapixels=subject.max_megapixels)


def _suspect(subject: Subject, name: str, one: Suspect, *, both: bool) -> Strip:
    records = subject.embeddings[name].records
    tiles = [_plain(subject, name, one.image)]
    if both:
        tiles.append(thumb(_tile(subject, name, one.own), f"{one.own_similarity:.3f}", "right"))
    tiles.append(thumb(_tile(subject, name, one.other), f"{one.other_similarity:.3f}", "wrong"))
    return Strip(tuple(tiles), str(records.paths[one.image]))


def _row(embedded: Embeddings, one: Suspect) -> tuple[str, ...]:
    paths = embedded.records.paths
    own = (str(paths[one.own]), f"{one.own_similarity:.3f}") if one.own >= 0 else ("", "")
    return (str(paths[one.image]), *own, str(paths[one.other]), f"{one.other_similarity:.3f}")


def _csv(found: Suspects, embedded: Embeddings) -> str:
    names, text = embedded.records.names(), io.StringIO()
    writer = csv.writer(text)
    about = ("path", "identity")
    writer.writerow(["kind", *about, "own_path", "own_similarity", "other_path", "other_identity", "other_similarity"])
    for kind, suspects in (("same identity, far apart", found.far), ("different identities, alike", found.near)):
        for one in suspects:
            path, own, own_similarity, other, similarity = _row(embedded, one)
            writer.writerow([kind, path, names[one.image], own, own_similarity, other, names[one.other], similarity])
    return text.getvalue()
