"""The page: nothing from outside, nothing that runs, and names that must not break it."""

import base64

import cv2
import numpy as np
import pytest
from report_subjects import Page

from reid.report.page import (
    Chart,
    Charts,
    Notes,
    Plain,
    Section,
    Strip,
    Strips,
    Table,
    Thumb,
    Words,
    png,
    thumbnail,
    write_page,
)

NAMES = [
    "<img src=x onerror=alert(1)>",
    "</style><script>",
    "\udcff\udcfe",
    "a\nb\x1b[0m",
    "{{ 7 * 7 }}",
    "'\"&",
    "data:x",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_shown_as_it_is_and_does_nothing(tmp_path, name):
    """Wherever it stands: in title, headings, cells, captions, alternative texts and plain text."""
    picture = thumbnail(np.zeros((4, 4, 3), np.uint8))
    blocks = (
        Words(name),
        Notes((name,)),
        Table((name,), ((name,),)),
        Charts((Chart(picture, name, name),)),
        Strips(name, (Strip((Thumb(picture, name, name, "right"), Thumb("", name)), name),), name),
        Plain(name, name),
    )
    write_page(tmp_path / "p.html", name, [name], [Section(name, blocks), Section("empty", ())])
    page = Page(tmp_path / "p.html")
    plain = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "nav", "a", "section", "ul", "li"}

    assert page.contained()
    assert {*page.tags} - plain == {
        *("div", "table", "thead", "tbody", "tr", "th", "td", "figure", "img", "figcaption", "b", "span"),
        *("details", "summary", "pre"),
    }
    shown = name.replace("\x1b", "\\x1b").replace("\n", "\\n").replace("\udcff\udcfe", "\\udcff\\udcfe")
    assert page.text.count(shown) >= 13
    assert "empty" not in page.text


def test_plain_text_keeps_its_lines_and_numbers_stand_right(tmp_path):
    """A table of text is what it was; columns of numbers are known."""
    write_page(tmp_path / "p.html", "t", [], [Section("s", (Plain("as text", "a\n  b"),))])

    assert "a\n  b" in (tmp_path / "p.html").read_text()
    assert Table(("a", "b", "c"), (("x", "1.5", ""), ("y", "-2", "+1"))).numbers == (1, 2)
    assert Table(("a",), ()).numbers == ()


def test_pictures_are_held_by_the_page():
    """A thumbnail has at most the asked size and the right colours; a PNG arrives byte by byte."""
    picture = np.full((300, 100, 3), (200, 30, 90), np.uint8)
    content = base64.b64decode(thumbnail(picture, side=60).partition(",")[2])
    small = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)

    assert small.shape == (60, 20, 3)
    assert abs(small.astype(int) - (200, 30, 90)).max() < 12
    assert base64.b64decode(png(b"\x89PNG").partition(",")[2]) == b"\x89PNG"
