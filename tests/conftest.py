"""One thread per test process: tests run beside each other, and threads that spin for a core held by another test stall."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
