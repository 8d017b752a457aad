"""Pairs of divisions for the tests of what is drawn of them."""

import numpy as np
from hypothesis import strategies as st

from reid.report.division import Round

PAIRS = st.integers(1, 4).flatmap(
    lambda k: st.tuples(
        st.just(k),
        st.sampled_from([k, 2 * k]),
        st.lists(st.tuples(st.integers(-1, k - 1), st.integers(-1, k - 1)), min_size=1, max_size=40),
    )
)
"""Learners of two rounds, the second as many or twice as many, and the clusters of each image in both."""


def rounds(pairs) -> tuple[Round, Round]:
    """Both rounds of one of `PAIRS`."""
    before, after, images = pairs
    left, right = np.array(images, dtype=np.int64).T
    return Round(0, left, before), Round(2, right, after)
