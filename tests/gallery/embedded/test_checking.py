"""Checks find whatever was changed behind the gallery's back."""

import galleries
import pytest

from reid.errors import ArtefactError
from reid.gallery.embedded.checking import verify_catalogue

CHANGES = [
    ("UPDATE images SET identity = X'00' WHERE slot = 4", "the row of image 5 is corrupt"),
    ("DELETE FROM images WHERE slot = 4", "29 whole rows where 30"),
    ("UPDATE images SET slot = 99 WHERE slot = 4", "rows beyond its last slot"),
    ("UPDATE thumbnails SET picture = X'00' WHERE id = 3", "thumbnails: 3 is corrupt"),
    ("UPDATE settings SET value = '1'", "settings: threshold is corrupt"),
    ("UPDATE state SET images = 31", "state is corrupt"),
]


@pytest.mark.parametrize(("change", "problem"), CHANGES)
def test_every_change_is_found(tmp_path, change, problem):
    """Rows that were changed, taken away or moved; small pictures, settings and the state."""
    store = galleries.filled(tmp_path / "g")
    store.set("threshold", 0.5)
    assert store.check() == []
    connection = store._connections.connection()
    verify_catalogue(connection, store.folder)
    connection.execute(change)

    assert any(problem in line for line in store.check())
    with pytest.raises(ArtefactError, match=r"reid-gallery check with --repair"):
        verify_catalogue(connection, store.folder)
    store._connections._disconnect()
