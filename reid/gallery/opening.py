"""A store by its address: a folder, or a database."""

from os import PathLike
from pathlib import Path

from reid.errors import GalleryError
from reid.gallery.address import parse_address
from reid.gallery.embedded.repairing import Repaired, repair
from reid.gallery.embedded.schema import CATALOGUE
from reid.gallery.embedded.store import EmbeddedStore
from reid.gallery.store import About, Store

Place = str | PathLike[str]


def open_store(place: Place) -> Store:
    """The store at a place.

    Raises:
        MissingInputError: there is none.
        GalleryError: the address is none, or the gallery is of a newer version.
        ArtefactError: it is damaged, or the server does not answer.
    """
    address = parse_address(place)
    if isinstance(address, Path):
        return EmbeddedStore(address)
    from reid.gallery.milvus.store import MilvusStore

    return MilvusStore(address)


def create_store(place: Place, about: About) -> Store:
    """A new, empty store at a place.

    Raises:
        OutputError: there is something already.
        GalleryError: the address is none.
        ArtefactError: the server does not answer.
    """
    address = parse_address(place)
    if isinstance(address, Path):
        return EmbeddedStore.create(address, about)
    from reid.gallery.milvus.store import MilvusStore

    return MilvusStore.create(address, about)


def repair_store(place: Place) -> Repaired:
    """Save what can be saved of a gallery in a folder; see `reid.gallery.embedded.repairing`."""
    address = parse_address(place)
    if not isinstance(address, Path):
        raise GalleryError("only galleries in a folder can be repaired; a database looks after itself")
    return repair(address)


def is_gallery(place: Place) -> bool:
    """Whether a place names a gallery rather than a plain folder."""
    address = parse_address(place)
    return not isinstance(address, Path) or (address / CATALOGUE).is_file()
