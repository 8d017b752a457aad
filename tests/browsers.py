"""A real browser for tests: Debian's chromium, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


def browser_path() -> str | None:
    """The program; None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def browser() -> Iterator[Any]:
    """A headless browser, or a test that is skipped; the gate says so loudly."""
    path = browser_path()
    if path is None:
        pytest.skip("no chromium: the page is NOT tested in a browser (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    # Its sandbox cannot be had by root, as whom containers run.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=path, args=options)
        try:
            yield made
        finally:
            made.close()
