"""One thread per test process: tests run beside each other, and threads that spin for a core held by another test stall."""

import gc
import os
from collections.abc import Iterator

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
pytest.register_assert_rewrite("gallery_contract")


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    """An exception that a signal raises in the middle of a collection is lost: other libraries are called back there."""
    gc.disable()
    yield
    gc.enable()
