"""What documents tell people to type exists: commands with their options, settings, links, and what a newcomer does first."""

import functools
import importlib
import re
import runpy
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import cv2
import numpy as np
import pytest
import small_runs
from whole_runs import call

import reid
from reid.cli.command import run
from reid.config import Config, to_settings
from reid.model.store import save_model

CHECKOUT = Path(__file__).parents[1]
PAGES = [CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
NEWCOMERS = ("README.md", "docs/quick-start.md")
NO_SETTINGS = {"division.merged", "model.safetensors", "model.json", "model.onnx"}  # an attribute in Python, and files
OTHERS = ("sh", "git", "cd", "pip", "python3", ".", "torchrun", "pre-commit", "npm")


def text_of(page: Path) -> str:
    """A page's text."""
    return page.read_text(encoding="utf-8")


def ours(page: Path) -> str:
    """A page's text without the columns of tables that are about other people's projects."""
    text = text_of(page)
    if page.name == "migration.md":
        text = "\n".join(line.rsplit("|", 2)[-2] if line.startswith("|") else line for line in text.splitlines())
    return text


def typed(page: Path) -> Iterator[list[str]]:
    """The words of every command of ours in a page, in blocks and in lines; after `...` nothing is certain."""
    text = ours(page)
    blocks = re.findall(r"^```(?:sh|bash)?\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    without_blocks = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    lines += re.findall(r"`((?:reid-|make |python |torchrun )[^`]*)`", without_blocks)
    for line in (re.split(r"\s\.\.\.|\s&&\s", line)[0] for line in lines):
        if re.match(r"(?:reid-[a-z]+|make|python|torchrun) ", line):
            yield shlex.split(line, comments=True)


@functools.cache
def command_of(*words: str) -> click.Command | None:
    """The click command behind the first words of a line."""
    if words[0].startswith("reid-"):
        return importlib.import_module(f"reid.cli.{words[0].removeprefix('reid-')}").command
    return runpy.run_path(str(CHECKOUT / words[1]))["command"]


def behind(words: list[str]) -> tuple[click.Command, list[str]] | None:
    """The command that a line calls, the subcommand of a group, and what follows; None for what is not made of click."""
    if "-m" in words and words[words.index("-m") + 1].startswith("reid.cli."):
        place = words.index("-m") + 1
        words = [words[place].replace("reid.cli.", "reid-"), *words[place + 1 :]]
    if words[0].startswith("reid-"):
        command, rest = command_of(words[0]), words[1:]
    elif words[0] == "python" and words[1].startswith("tools/") and not words[1].endswith("_page.py"):
        command, rest = command_of(*words[:2]), words[2:]
    else:
        return None
    if isinstance(command, click.Group):
        assert rest, words
        assert rest[0] in command.commands or rest[0].isupper(), words
        return (command.commands[rest[0]], rest[1:]) if rest[0] in command.commands else None
    return command, rest


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_exist(page: Path) -> None:
    """Every command in a page exists and has the options that it is given there; scripts and make's targets exist."""
    targets = set(re.findall(r"^([a-z]+):", text_of(CHECKOUT / "Makefile"), flags=re.MULTILINE))
    for words in typed(page):
        if words[0] == "make":
            assert words[1] in targets or "=" in words[1], words
        elif words[0] == "python" and words[1].endswith(".py"):
            assert (CHECKOUT / words[1]).exists() or "/" not in words[1], words
        if (found := behind(words)) is not None:
            command, rest = found
            options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
            given = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
            assert given - options - {"--help"} == set(), words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_is_shown_to_be_run_is_understood(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands in blocks that are called sh are complete: click takes them as they stand."""
    monkeypatch.setattr(
        click.Path, "convert", lambda _self, value, *_: value
    )  # whether files exist is not the question
    for block in re.findall(r"^```sh\n(.*?)^```", text_of(page), flags=re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            if (words := shlex.split(line, comments=True)) and (found := behind(words)) is not None:
                found[0].make_context(words[0], list(found[1]))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_exist(page: Path) -> None:
    """Every `section.key` that a page calls a setting is one."""
    settings = to_settings(Config())
    named = re.findall(r"(?:`|--set )((?:data|model|division|train|evaluate)\.\w+)(?=[=`: ])", ours(page))
    keys = {f"{section}.{key}" for section, values in settings.items() if isinstance(values, dict) for key in values}

    assert set(named) - keys - NO_SETTINGS == set()


def test_the_python_page_has_every_public_name() -> None:
    """What `import reid` offers stands in docs/python.md, which is made from the docstrings."""
    page = text_of(CHECKOUT / "docs" / "python.md")

    assert [name for name in reid.__all__ if not re.search(rf"reid\.{name}\b", page)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_headings_lead_somewhere(page: Path) -> None:
    """The part of a link behind # is a heading of the page that it leads to."""
    for target, anchor in re.findall(r"\]\(([^)#:\s]*)#([^)\s]+)\)", text_of(page)):
        other = text_of((page.parent / target) if target else page)
        assert anchor in {slug(line) for line in re.findall(r"^#+ (.*)$", other, flags=re.MULTILINE)}, anchor


def slug(heading: str) -> str:
    """What a heading is called in links: as on the usual hosts, and in the site."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("name", NEWCOMERS)
def test_what_a_newcomer_types_works(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every line of every sh block, in order, in a folder with a finished small run; training itself is `make demo`'s."""
    monkeypatch.setattr("reid.gallery.adding.default_workers", lambda *_: 0)
    monkeypatch.setattr("reid.gallery.embedding.default_workers", lambda *_: 0)
    monkeypatch.chdir(tmp_path)
    text = text_of(CHECKOUT / name)
    newcomers_folder(tmp_path, text)
    done = []
    for block in re.findall(r"^```sh\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            found = behind(words)
            if found is None:
                assert words[0] in OTHERS, words
                continue
            if words[0] not in {"reid-train", "reid-eval"}:
                own = 2 if words[0] == "python" else 1
                outcome = call(functools.partial(run, command_of(*words[:own])), tmp_path, *words[own:])
                assert outcome.code == 0, (words, outcome.err)
            done.append(words[0])

    assert {"reid-train", "python", "reid-gallery"} <= set(done)
    assert (tmp_path / "ranks.png").stat().st_size > 1000


def newcomers_folder(folder: Path, text: str) -> None:
    """A run, crops of two identities, and the images that a page names."""
    network = small_runs.network()
    (folder / "runs" / "first").mkdir(parents=True)
    save_model(folder / "runs" / "first", network, small_runs.description(network.architecture))
    (folder / "runs" / "latest").symlink_to("first")
    draw = np.random.default_rng(0)
    names = {f"crops/van-{van}/{image}.jpg" for van in (1, 2) for image in "abc"}
    names |= {f"data/demo/bounding_box_test/015{n}_c{n % 3 + 1}s1_00000{n}_00.jpg" for n in range(4)}
    for name in sorted(names | set(re.findall(r"data/demo/query/\w+\.jpg", text))):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name), draw.integers(0, 255, (60, 80, 3), dtype=np.uint8))
