"""Pages that are written from the code must not drift from it."""

import re
import runpy
import sys
from pathlib import Path

import torch

import reid.errors
from reid.errors import ReidError
from reid.model.divide import DivideAndConquer
from reid.model.losses import build_loss
from reid.strict_yaml import parse_yaml

CHECKOUT = Path(__file__).parents[1]


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


def test_links_between_pages_lead_somewhere() -> None:
    """Every relative link in the Markdown pages names a file that exists."""
    pages = [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/*.md"), *CHECKOUT.glob("datasets/*.md")]
    links = [
        (page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    ]

    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []
