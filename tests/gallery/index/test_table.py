"""Shortlists before anything is listed."""

from reid.gallery.index.table import shortlist


def test_room():
    """There is room for more than is looked for, and nothing is in it."""
    listed = shortlist(10)

    assert len(listed.best) == 10
    assert len(listed.slots) == len(listed.upper) > 100
    assert listed.sizes.tolist() == [0, 0]
