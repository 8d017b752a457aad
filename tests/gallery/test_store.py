"""What a store promises, of brute force (which shows that the promises can be kept) and of the gallery in a folder."""

import pytest
from gallery_contract import StoreContract
from memory_store import MemoryStore

from reid.gallery.embedded.store import EmbeddedStore


class InMemory:
    """Galleries that last as long as their object."""

    def create(self, about):
        return MemoryStore(about.dimension, about.model, precision=about.precision)

    def reopen(self, store):
        return store


class InFolders:
    """Galleries below a folder."""

    def __init__(self, folder):
        self.folder, self.made = folder, 0

    def create(self, about):
        self.made += 1
        return EmbeddedStore.create(self.folder / str(self.made), about)

    def reopen(self, store):
        store.close()
        return EmbeddedStore(store.folder)


class TestMemory(StoreContract):
    """Brute force."""

    @pytest.fixture
    def place(self):
        """In memory."""
        return InMemory()


class TestEmbedded(StoreContract):
    """A folder."""

    @pytest.fixture
    def place(self, tmp_path):
        """Folders."""
        return InFolders(tmp_path)
