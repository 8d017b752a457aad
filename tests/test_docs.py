"""Pages that are written from the code must not drift from it."""

import ast
import importlib
import re
import runpy
import shlex
import sys
from pathlib import Path

import click
import cv2
import numpy as np
import pytest
import small_runs
import torch
from whole_runs import call

import reid.errors
from reid.cli import gallery
from reid.cli.command import run
from reid.cli.filtering import filters, where
from reid.errors import ReidError
from reid.gallery.entries import Stored
from reid.gallery.filters import parse_where
from reid.model.divide import DivideAndConquer
from reid.model.losses import build_loss
from reid.model.store import save_model
from reid.strict_yaml import parse_yaml

CHECKOUT = Path(__file__).parents[1]
GALLERY = (CHECKOUT / "docs" / "gallery.md").read_text(encoding="utf-8")
NAMES = ast.literal_eval(
    re.search(r"^COMMANDS = (\[.*?\])", (CHECKOUT / "setup.py").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[
        1
    ]
)
MODULES = {f"reid-{name}": importlib.import_module(f"reid.cli.{name}") for name in NAMES}
PARSED = {"reid-train", "reid-serve"}  # which take a while, or do not end


def test_the_settings_page_is_what_the_settings_say() -> None:
    """docs/settings.md is the output of its script on the present classes."""
    page = runpy.run_path(str(CHECKOUT / "tools" / "settings_page.py"))["page"]()

    assert page == (CHECKOUT / "docs" / "settings.md").read_text(encoding="utf-8")


def test_the_losses_page_is_what_the_losses_say() -> None:
    """docs/losses.md is the output of its script on the present losses."""
    page = runpy.run_path(str(CHECKOUT / "tools" / "losses_page.py"))["page"]()

    assert page == (CHECKOUT / "docs" / "losses.md").read_text(encoding="utf-8")


def test_the_losses_of_ones_own_on_the_page_train_learners(tmp_path, monkeypatch) -> None:
    """The page's own module and settings, written out as a reader would, learn in every learner's slice."""
    page = (CHECKOUT / "docs" / "losses.md").read_text(encoding="utf-8")
    _, _, own = page.partition("## Your own")
    module, settings = (re.search(rf"```{kind}\n(.*?)```", own, re.DOTALL) for kind in ("python", "yaml"))
    assert module is not None
    assert settings is not None
    (tmp_path / "my_losses.py").write_text(module[1])
    monkeypatch.syspath_prepend(str(tmp_path))
    torch.manual_seed(0)
    loss = build_loss(parse_yaml(settings[1], "the page")["loss"], classes=6, dimension=16)
    sys.modules.pop("my_losses")
    divided = DivideAndConquer(loss, dimension=16, learners=4)
    raw, labels = torch.randn(24, 16, requires_grad=True), torch.arange(24) % 6
    optimiser = torch.optim.Adam([raw, *divided.parameters()], lr=0.05)
    values = []
    for step in range(40):
        optimiser.zero_grad()
        value = divided(raw, labels, step % 4 if step % 5 else None)
        value.backward()
        optimiser.step()
        values.append(value.item())

    assert sum(values[-10:]) < 0.5 * sum(values[:10])


def test_every_exit_code_is_on_its_page() -> None:
    """docs/exit-codes.md has a row for the code of every error class."""
    text = (CHECKOUT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    classes = [
        value for value in vars(reid.errors).values() if isinstance(value, type) and issubclass(value, ReidError)
    ]

    assert [kind.__name__ for kind in classes if f"| {kind.exit_code} |" not in text] == []


def test_every_command_is_shown() -> None:
    """Each that is installed has a page with a block in which it is typed."""
    pages = [page.read_text(encoding="utf-8") for page in CHECKOUT.glob("docs/*.md")]
    blocks = "".join(block for page in pages for block in re.findall(r"```sh\n(.*?)```", page, flags=re.DOTALL))

    assert [name for name in MODULES if not re.search(rf"^{name} ", blocks, re.MULTILINE)] == []


def test_links_between_pages_lead_somewhere() -> None:
    """Every relative link in the Markdown pages names a file that exists."""
    pages = [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/*.md"), *CHECKOUT.glob("datasets/*.md")]
    links = [
        (page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    ]

    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """A folder like that of a reader of docs/gallery.md: two runs, the demo set in a few small pictures, the tools."""
    for seed in (1, 2):
        network = small_runs.network(seed=seed)
        (tmp_path / "runs" / f"demo-demo-{seed}").mkdir(parents=True)
        save_model(tmp_path / "runs" / f"demo-demo-{seed}", network, small_runs.description(network.architecture))
    (tmp_path / "runs" / "latest").symlink_to("demo-demo-1")
    (tmp_path / "tools").symlink_to(CHECKOUT / "tools")
    names = {f"data/demo/bounding_box_test/015{n}_c{n % 3 + 1}s1_00000{n}_00.jpg" for n in range(8)}
    draw = np.random.default_rng(0)
    for name in sorted(names | set(re.findall(r"data/demo/query/\w+\.jpg", GALLERY))):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / name), draw.integers(0, 255, (78, 109, 3), dtype=np.uint8))
    monkeypatch.setattr("reid.gallery.adding.default_workers", lambda *_: 0)
    monkeypatch.setattr("reid.gallery.embedding.default_workers", lambda *_: 0)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_the_gallery_page_shows_works(reader):
    """From top to bottom: every command, the table of boxes, and the Python; what needs a server or a while is parsed."""
    for kind, block in re.findall(r"```(sh|csv|python)\n(.*?)```", GALLERY, flags=re.DOTALL):
        if kind == "csv":
            (reader / "boxes.csv").write_text(block)
        elif kind == "python":
            (reader / "page.py").write_text(block)
            runpy.run_path(str(reader / "page.py"))
        else:
            for line in block.splitlines():
                _do(reader, *shlex.split(line))


def test_both_forms_of_a_condition_on_the_gallery_page_mean_the_same():
    """The options and the Python of every row of the table hold for the same images."""
    rows = re.findall(r"^\|[^|]*\| `(--[^|]*)` \| `(\{[^|]*\})` \|$", GALLERY, flags=re.MULTILINE)
    images = [
        Stored(f"/crops/{day}/{n}.jpg", identity, camera, time, source, id=n)
        for n, (day, identity, camera, time, source) in enumerate(
            (day, identity, camera, time, source)
            for day in ("monday", "mondays")
            for identity in (None, "track-7", "7")
            for camera in (None, 1, 2, 3)
            for time in (None, 1772351999.0, 1772352000.0, 1772355599.0, 1772355600.0)
            for source in ("gate-1", "gate-12")
        )
    ]

    assert len(rows) == 10
    for options, python in rows:
        context = gallery.search.make_context("search", ["street", "crop.jpg", *shlex.split(options)])
        wanted, other = parse_where(ast.literal_eval(python)), where(filters(context.params))
        held = [wanted.holds(image) for image in images]
        assert [other.holds(image) for image in images] == held, options
        assert any(held) != all(held), options


def _do(folder, program, *words):
    """A command of a page."""
    if program == "python":
        command = runpy.run_path(str(folder / words[0]))["command"]
        done = call(lambda: run(command), folder, *words[1:])
    elif program in PARSED or any("milvus://" in word for word in words):
        command = MODULES[program].command
        if isinstance(command, click.Group):
            command, words = command.commands[words[0]], words[1:]
        command.make_context(program, list(words))
        return
    else:
        done = call(MODULES[program].main, folder, *words)
    assert done.code == 0, (program, words, done.err)
