"""Two models side by side, as tables."""

import numpy as np
from samples import drawn

from reid.evaluation.all_vs_all import all_vs_all
from reid.evaluation.comparison import compare
from reid.records import Embeddings
from reid.report.comparison import comparison_tables


def test_a_table_for_each_protocol() -> None:
    """Every figure of both, the difference with sign, and who wins how often."""
    images = drawn(60, 7)
    noise = np.random.Generator(np.random.Philox(4)).standard_normal(images.vectors.shape)
    worse = Embeddings((images.vectors + 0.3 * noise).astype(np.float32), images.records)
    first, second = all_vs_all(worse), all_vs_all(images)
    found = compare(first.per_query, second.per_query)
    text = comparison_tables("set", ["old\x1b", "new"], {"test": {"all-vs-all": found}})

    assert "A: old\\x1b\nB: new" in text
    difference = 100 * (second.mAP - first.mAP)
    line = next(line for line in text.splitlines() if line.startswith("| mAP"))
    assert [cell.strip() for cell in line.split("|")][2:5] == [
        f"{100 * first.mAP:.1f}",
        f"{100 * second.mAP:.1f}",
        f"{difference:+.1f}",
    ]
    assert f"in {len(found.won):,}, A in {len(found.lost):,}" in text
    assert "= <" not in text
    assert "(McNemar p " in text
    assert max(map(len, text.splitlines())) < 180
    assert text.endswith("as large a difference.")
