"""Stores by their addresses."""

import galleries
import pytest

from reid.errors import GalleryError, MissingInputError
from reid.gallery.embedded.store import EmbeddedStore
from reid.gallery.opening import create_store, is_gallery, open_store, repair_store


def test_a_folder(tmp_path):
    """Is an embedded gallery, and a plain folder is none."""
    assert not is_gallery(tmp_path)
    create_store(tmp_path / "g", galleries.about()).close()
    store = open_store(str(tmp_path / "g"))

    assert isinstance(store, EmbeddedStore)
    assert is_gallery(str(tmp_path / "g"))
    store.close()
    with pytest.raises(MissingInputError, match="no gallery in"):
        open_store(tmp_path)


def test_a_database():
    """Is known by its address, without asking it; it is not repaired."""
    assert is_gallery("milvus://localhost/street")
    with pytest.raises(GalleryError, match="looks after itself"):
        repair_store("milvus://localhost/street")
