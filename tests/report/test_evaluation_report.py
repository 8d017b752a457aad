"""The report of an evaluation: every file it names, and a page that holds all of it."""

import dataclasses

import cv2
import numpy as np
import pytest
from report_subjects import Page, subject

from reid.report.evaluation_report import PAGE, write_report

OTHERS = ("notes.txt", "best.png", "map.svg")


class Uncoloured:
    """Stands for what colours rank lists."""

    words = "what drove the match in the slice of learner 7"

    def __call__(self, row):
        return row


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A report with explained rank lists and a picture of training, its subject, folder and what was written."""
    folder = tmp_path_factory.mktemp("report")
    about = dataclasses.replace(subject(tmp_path_factory.mktemp("pictures")), explain=Uncoloured())
    cv2.imwrite(str(folder / "division-flow.png"), np.zeros((9, 9, 3)))
    for name in ("explained-ranks-other.png", "similarities-other-all-vs-all.png", "suspects-other.csv"):
        (folder / name).write_bytes(b"of an earlier report")
    for name in OTHERS:
        (folder / name).write_bytes(b"of somebody else")
    return about, folder, write_report(about, folder)


def test_files(made):
    """Those that are named are there and can be read; of an earlier report nothing is left, of others everything."""
    _, folder, written = made
    kinds = ["ranks", "best", "median", "hardest"]
    pictures = ["cmc", "precision-recall", "roc", "similarities-test-query-gallery", "cameras-test", "map-test"]
    pictures += [f"{prefix}{kind}-test" for kind in kinds for prefix in ("", "explained-")]
    names = {*(f"{name}.png" for name in pictures), "suspects-test.csv", "tables.md", PAGE}

    assert {path.name for path in written} == names
    assert {path.name for path in folder.iterdir()} == {*names, *OTHERS, "division-flow.png"}
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in written if path.suffix == ".png")
    assert all(cv2.imread(str(folder / f"{name}.png")).std() > 1 for name in ("cmc", "roc", "cameras-test", "map-test"))


def test_page(made):
    """Nothing from outside; all parts, the figures of the report, and what training drew are there."""
    about, folder, _ = made
    page = Page(folder / PAGE)
    report = about.results["test"]["query-gallery"]

    assert page.contained()
    for words in (
        "Evaluation on drawn",
        "model <1>",
        "CMC",
        "ROC",
        "Cameras, test",
        "Hardest queries",
        "Worst identities",
    ):
        assert words in page.text
    for words in (
        "Labels to check",
        "Map of the embedding",
        "Division.",
        f"{100 * report.mAP:.1f}",
        Uncoloured.words,
    ):
        assert words in page.text
    assert "<b>&\"'\\n\\udcff" in page.text
    assert f"| {100 * report.mAP:.1f} |" in (folder / "tables.md").read_text()


def test_without_images_there_are_no_pictures_of_them(tmp_path):
    """As of vectors from elsewhere: curves, tables and lists in words."""
    about = subject(tmp_path / "p", apart=False)
    for path in (tmp_path / "p").iterdir():
        path.unlink()
    written = write_report(about, tmp_path)
    page = Page(tmp_path / PAGE)

    assert not [path.name for path in written if path.name.startswith(("ranks", "best", "hardest"))]
    assert page.contained()
    assert "001_2.png" in page.text or "003_1.png" in page.text or ".png" in page.text
    assert "Rank lists" not in page.text
