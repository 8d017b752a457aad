"""One thread per test process: tests run beside each other, and threads that spin for a core held by another test stall."""

import os

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
pytest.register_assert_rewrite("gallery_contract")
