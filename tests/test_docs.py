"""Pages that are written from the code must not drift from it."""

import runpy
from pathlib import Path

import reid.errors
from reid.errors import ReidError

CHECKOUT = Path(__file__).parents[1]


def test_the_settings_page_is_what_the_settings_say() -> None:
    """docs/settings.md is the output of its script on the present classes."""
    page = runpy.run_path(str(CHECKOUT / "tools" / "settings_page.py"))["page"]()

    assert page == (CHECKOUT / "docs" / "settings.md").read_text(encoding="utf-8")


def test_every_exit_code_is_on_its_page() -> None:
    """docs/exit-codes.md has a row for the code of every error class."""
    text = (CHECKOUT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    classes = [
        value for value in vars(reid.errors).values() if isinstance(value, type) and issubclass(value, ReidError)
    ]

    assert [kind.__name__ for kind in classes if f"| {kind.exit_code} |" not in text] == []


def test_links_between_pages_lead_somewhere() -> None:
    """Every relative link in the Markdown pages names a file that exists."""
    import re

    pages = [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/*.md"), *CHECKOUT.glob("datasets/*.md")]
    links = [
        (page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    ]

    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []
