"""The files of the web page, read once: what a request names is looked up among them, and never on disk."""

from dataclasses import dataclass
from importlib.resources import files as package_files

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
INDEX = "index.html"


@dataclass(frozen=True)
class PageFile:
    """One file of the page.

    Attributes:
        content: its bytes.
        content_type: of the answer that holds it.
    """

    content: bytes
    content_type: str


def page_files() -> dict[str, PageFile]:
    """The files of the page by name."""
    folder = package_files("reid.serve") / "page"
    return {
        file.name: PageFile(file.read_bytes(), TYPES[suffix])
        for file in folder.iterdir()
        if (suffix := "." + file.name.rpartition(".")[2]) in TYPES
    }
