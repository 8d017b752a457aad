"""Repairing where nothing, or everything, can be saved; damage is the matter of tests/faults/test_gallery.py."""

import galleries
import pytest

from reid.errors import ArtefactError, InUseError
from reid.gallery.embedded.repairing import repair
from reid.gallery.embedded.schema import CATALOGUE
from reid.gallery.embedded.store import EmbeddedStore


def test_a_whole_gallery_stays_as_it_is(tmp_path):
    """With its settings; nothing is lost."""
    store = galleries.filled(tmp_path / "g")
    store.set("threshold", 0.5)
    before, about = galleries.content(store), store.about
    with pytest.raises(InUseError, match="open in another process"):
        repair(tmp_path / "g")
    store.close()
    repaired = repair(tmp_path / "g")
    again = EmbeddedStore(tmp_path / "g")

    assert (repaired.images, repaired.lost, repaired.old.name) == (30, 0, "g.damaged-1")
    assert galleries.content(again) == before
    assert (again.about, again.setting("threshold")) == (about, 0.5)
    again.close()


@pytest.mark.parametrize(("gone", "problem"), [(CATALOGUE, "is gone"), ("vectors-000001.bin", "no vectors of")])
def test_without_catalogue_or_vectors_nothing_can_be_saved(tmp_path, gone, problem):
    """It is said, and everything stays where it was."""
    galleries.filled(tmp_path / "g").close()
    (tmp_path / "g" / gone).unlink()
    with pytest.raises(ArtefactError, match=problem):
        repair(tmp_path / "g")

    assert [path.name for path in tmp_path.iterdir()] == ["g"]
