"""One thread per test process: tests run beside each other, and threads that spin for a core held by another test stall.

Ctrl-C is heard, as a terminal's programs hear it: shells start what they run in the background with it ignored, and
every program that a test starts would be deaf to it too.
"""

import gc
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
signal.signal(signal.SIGINT, signal.default_int_handler)
pytest.register_assert_rewrite("gallery_contract")
settings.register_profile("any machine", deadline=None)  # a shared one may stop for a second
settings.load_profile("any machine")


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    """An exception that a signal raises in the middle of a collection is lost: other libraries are called back there."""
    gc.disable()
    yield
    gc.enable()
