"""`reid-data`: which datasets are known, how to get them, whether a folder holds what it should, and a drawn one."""

import contextlib
import os
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reid.cli.command import emit, run, shared_options
from reid.errors import DataError, MissingInputError
from reid.text import listed, printable

if TYPE_CHECKING:
    from reid.data.cards import Card
    from reid.records import Splits

_WIDTH = 100
_SHOWN = 20


@click.group()
def command() -> None:
    """Datasets: which are known, how to get one, whether a folder holds what it should."""


@command.command("list")
@shared_options
def list_datasets(json: str | None) -> None:
    """List the known datasets."""
    from reid.data.cards import list_cards
    from reid.report.tables import text_table

    cards = list_cards()
    header = ("name", "kind", "layout", "train ids/images", "largest test ids/images", "protocols")
    rows = [(card.name, card.kind, card.layout, *_sizes(card), _protocols(card)) for card in cards]
    emit([_about(card) for card in cards], json, lambda: click.echo(text_table(header, rows)))


@command.command()
@click.argument("name")
@click.option("--figure", type=click.Path(path_type=Path), help="Draw identities by cameras into this PNG file.")
@click.option("--root", type=click.Path(path_type=Path), help="The dataset's folder, for --figure.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Which identities are drawn.")
@shared_options
def show(name: str, figure: Path | None, root: Path | None, seed: int, json: str | None) -> None:
    """Show how to get a dataset and what its folder holds, or some of its images."""
    from reid.data.cards import load_card
    from reid.data.dataset import find_root

    if figure is not None:
        from reid.data.dataset import read_dataset
        from reid.report.contact_sheet import training_sheet

        training_sheet(read_dataset(name, root), figure, seed=seed)
        emit({"name": name, "figure": str(figure)}, json, lambda: click.echo(printable(figure)))
        return
    card, here = load_card(name), None
    with contextlib.suppress(MissingInputError):
        place = find_root(card, None, os.environ)
        here = str(place) if place.exists() else None
    emit({**_about(card), "here": here}, json, lambda: _print_card(card, here))


@command.command()
@click.argument("name")
@click.option("--root", type=click.Path(path_type=Path), help="The dataset's folder.")
@click.option("--images", is_flag=True, help="Decode every image and name those that cannot be used.")
@click.option("--strict", is_flag=True, help="Exit with 65 if anything differs from the card or looks wrong.")
@click.option("--allow-overlap", is_flag=True, help="Accept identities that are in training and test at once.")
@shared_options
def check(name: str, root: Path | None, images: bool, strict: bool, allow_overlap: bool, json: str | None) -> None:
    """Compare a dataset's folder with its card."""
    from reid.data.cards import load_card
    from reid.data.dataset import read_dataset
    from reid.data.repeats import repeated_images
    from reid.data.verify import statistics

    card = load_card(name)
    splits = read_dataset(name, root, allow_overlap=allow_overlap)
    numbers = statistics(splits, card.options.get("distractors", ()))
    with _progress(len(_paths(splits)), "comparing") as done:
        problems = [*splits.problems, *repeated_images(splits, done)]
    bad = _bad_images(splits) if images else None
    found: dict[str, Any] = {
        "name": splits.name,
        "root": str(splits.train.root),
        "splits": numbers,
        "problems": problems,
        "skipped": dict(splits.skipped),
    }
    if bad is not None:
        found["bad_images"] = bad
    emit(found, json, lambda: _print_check(found))
    if bad:
        raise DataError(
            f"{len(bad)} images cannot be used: {listed(bad)}; replace them, or take them out of the dataset"
        )
    if strict and problems:
        raise DataError(
            f"{len(problems)} problems with {printable(splits.train.root)}, listed above; an error with --strict"
        )


@command.command()
@click.argument("dest", type=click.Path(path_type=Path))
@click.option("--layout", default="market", show_default=True, help="How the files lie on the disk.")
@click.option("--identities", type=click.IntRange(2), default=100, show_default=True)
@click.option("--images-per-identity", type=click.IntRange(1), default=12, show_default=True)
@click.option("--cameras", type=click.IntRange(1), default=6, show_default=True)
@click.option("--kind", type=click.Choice(["vehicle", "person"]), default="vehicle", show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@shared_options
def synth(
    dest: Path,
    layout: str,
    identities: int,
    images_per_identity: int,
    cameras: int,
    kind: str,
    seed: int,
    json: str | None,
) -> None:
    """Draw a set of vehicles or persons into the folder DEST."""
    from reid.data.synthetic import draw_dataset

    total = identities * images_per_identity
    with _progress(total, "drawing") as done:
        draw_dataset(
            dest,
            layout=layout,
            kind=kind,
            identities=identities,
            images_per_identity=images_per_identity,
            seed=seed,
            cameras=cameras,
            progress=done,
        )
    about = {"path": str(dest), "layout": layout, "kind": kind, "identities": identities, "images": total}
    emit(about, json, lambda: click.echo(f"drew {total:,} images of {identities:,} identities into {printable(dest)}"))


def main() -> None:
    """Entry point of `reid-data`."""
    run(command)


def _bad_images(splits: "Splits") -> dict[str, str]:
    from reid.data.images import check_images

    paths = _paths(splits)
    with _progress(len(paths), "decoding") as done:
        return {str(path): reason for path, reason in check_images(paths, progress=done).items()}


def _paths(splits: "Splits") -> list[Path]:
    """Every image once, sorted."""
    from reid.data.verify import parts

    return sorted({path for records in parts(splits).values() for path in records.files()})


@contextlib.contextmanager
def _progress(total: int, label: str) -> Iterator[Callable[[int], None]]:
    """A function that is told how many more are done: a bar on standard error if somebody watches, else silence."""
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    with click.progressbar(length=total, label=label, file=sys.stderr) as bar:
        yield bar.update


def _about(card: "Card") -> dict[str, Any]:
    import dataclasses

    return {name: value for name, value in dataclasses.asdict(card).items() if value not in ({}, (), "", None)}


def _sizes(card: "Card") -> tuple[str, str]:
    """Training set and largest part of a test set, as far as the card knows them."""
    numbers = [(count["images"], f"{count['identities']:,}/{count['images']:,}") for count in card.counts.values()]
    return (numbers[0][1], max(numbers[1:])[1]) if numbers else ("-", "-")


def _protocols(card: "Card") -> str:
    return ", ".join(dict.fromkeys(protocol for some in card.protocols.values() for protocol in some)) or "by splits"


def _print_card(card: "Card", here: str | None) -> None:
    from reid.data.dataset import how_to_get
    from reid.report.tables import text_table

    click.echo(f"{card.name}: {card.title}\n")
    facts = {
        "kind": card.kind,
        "layout": card.layout,
        "also called": ", ".join(card.aliases),
        "test sets": "; ".join(f"{name}: {', '.join(protocols)}" for name, protocols in card.protocols.items()),
        "also as --split": ", ".join(f"{alias} = {name}" for alias, name in card.split_aliases.items()),
        "licence": card.licence,
        "on this machine": printable(here) if here else "not drawn yet" if card.draw else "not found",
    }
    for fact, text in facts.items():
        if text:
            click.echo(_wrapped(text, f"{fact + ':':<17}"))
    click.echo(f"\n{how_to_get(card)}")
    if counts := _about(card).get("counts"):
        columns = ("identities", "images", "cameras")
        rows = [(split, *(numbers.get(c, "-") for c in columns)) for split, numbers in counts.items()]
        click.echo("\n" + text_table(("expected", *columns), rows))
    if card.notes:
        click.echo("\n" + _wrapped(card.notes))


def _wrapped(paragraph: str, first: str = "") -> str:
    return textwrap.fill(
        paragraph, _WIDTH, initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False
    )


def _print_check(found: Mapping[str, Any]) -> None:
    from reid.report.tables import text_table

    click.echo(f"{found['name']} in {printable(found['root'])}\n")
    columns = ["identities", "images", "cameras"]
    columns += [c for c in ("junk", "distractors") if any(numbers[c] for numbers in found["splits"].values())]
    rows = [
        (split, *("-" if c == "cameras" and not numbers[c] else numbers[c] for c in columns))
        for split, numbers in found["splits"].items()
    ]
    click.echo(text_table(("split", *columns), rows))
    if alone := found["splits"]["train"]["single"]:
        click.echo(f"\ntraining identities with a single image, which have no positive: {alone:,}")
    skipped = "; ".join(f"{number} {printable(reason)}" for reason, number in found["skipped"].items())
    click.echo(f"\nfiles passed over: {skipped or 'none'}")
    for title, lines in (("problems", found["problems"]), ("bad images", found.get("bad_images"))):
        if lines is not None:
            click.echo(f"{title}: {len(lines) or 'none'}")
            pairs = lines.items() if isinstance(lines, Mapping) else ((line, None) for line in lines)
            for line, reason in pairs:
                click.echo(f"  {printable(line)}" + (f": {printable(reason)}" if reason else ""))


if __name__ == "__main__":
    main()
