"""The few things that are asked of a Milvus server, with time limits and errors that people understand."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from reid.errors import ArtefactError
from reid.gallery.address import CONSISTENCY, MilvusAddress
from reid.gallery.installed import require_client, require_lite
from reid.gallery.milvus.errors import NotLoadedError, told
from reid.records import Floats
from reid.text import printable

_CONNECT = 5.0
_FLUSH = 600.0
_PAUSE = 0.2
Row = Mapping[str, Any]
Result = TypeVar("Result")


class Server:
    """A connection to one server, or to a file of Milvus Lite, that any number of threads may use.

    Attributes:
        address: what it is connected to.
        lite: whether it is Milvus Lite.
        version: of the server.

    Raises:
        ConfigError: the client, or Milvus Lite for a file, is not installed.
        GalleryError: the server refuses the user.
        ArtefactError: it cannot be reached.
    """

    def __init__(self, address: MilvusAddress) -> None:
        (require_client if address.file is None else require_lite)()
        import pymilvus

        for name in ("pymilvus", "pymilvus.milvus_client"):  # it writes every error to the terminal before raising it
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self.address = address
        with told(address, "connecting"):
            self._client = pymilvus.MilvusClient(
                address.uri,
                token=address.token,
                db_name=address.database,
                timeout=min(_CONNECT, address.timeout),
                dedicated=True,
            )
            self.version = str(self._client.get_server_version(timeout=min(_CONNECT, address.timeout)))
        self.lite = self.version.startswith("milvus_lite")

    def collections(self) -> list[str]:
        """The names of all collections, sorted."""
        with told(self.address, "listing collections"):
            return sorted(self._client.list_collections(timeout=self.address.timeout))

    def describe(self, name: str) -> dict[str, Any]:
        """Fields and description of a collection."""
        with told(self.address, "describing a collection"):
            return dict(self._client.describe_collection(name, timeout=self.address.timeout))

    def make(self, name: str, fields: Sequence[tuple[str, str, dict[str, Any]]], description: str) -> None:
        """A new collection of which every read is strongly consistent unless it says otherwise.

        Args:
            name: of the collection.
            fields: name, name of the type, and further properties of each.
            description: two creators at once differ in it, so that the server refuses the second.
        """
        from pymilvus import DataType

        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False, description=description)
        for field, kind, more in fields:
            schema.add_field(field, getattr(DataType, kind), **more)
        with told(self.address, "making a collection"):
            self._client.create_collection(
                name, schema=schema, consistency_level="Strong", num_shards=1, timeout=self.address.timeout
            )

    def drop(self, name: str) -> None:
        """Remove a collection with all that is in it."""
        with told(self.address, "removing a collection"):
            self._client.drop_collection(name, timeout=self.address.timeout)

    def index(self, name: str, field: str, kind: str, params: Mapping[str, Any], *, wait: bool = True) -> None:
        """Make the index of a field, and wait until it is made, however long that takes.

        Raises:
            ArtefactError: the server gave up, or is gone.
        """
        wanted = self._client.prepare_index_params()
        metric = {"metric_type": "IP"} if field == "vector" else {}
        wanted.add_index(field, index_type=kind, index_name=field, params=dict(params), **metric)
        with told(self.address, "making an index"):
            self._client.create_index(name, wanted, timeout=self.address.timeout, sync=False)
            while wait:
                found = self._client.describe_index(name, field, timeout=self.address.timeout) or {}
                if found.get("state") == "Failed":
                    raise ArtefactError(f"{self.address}: the server made no index: {printable(found)}")
                wait = found.get("state") != "Finished" or int(found.get("pending_index_rows", 0)) > 0
                time.sleep(_PAUSE if wait else 0)

    def indexed(self, name: str, field: str) -> str | None:
        """The kind of the index of a field; None where there is none."""
        with told(self.address, "looking at an index"):
            found = self._client.describe_index(name, field, timeout=self.address.timeout)
        return str(found["index_type"]) if found else None

    def drop_index(self, name: str, field: str) -> None:
        """Take a field's index away; the collection is released from memory, so nobody can search until it is loaded."""
        with told(self.address, "removing an index"):
            self._client.release_collection(name, timeout=self.address.timeout)
            self._client.drop_index(name, field, timeout=self.address.timeout)

    def load(self, name: str) -> None:
        """Have a collection in the server's memory, however long that takes."""
        with told(self.address, "loading the gallery"):
            self._client.load_collection(name, timeout=self.address.timeout, _async=True)
        while not self.loaded(name):
            time.sleep(_PAUSE)

    def loaded(self, name: str) -> bool:
        """Whether a collection is in the server's memory."""
        with told(self.address, "looking at the gallery"):
            state = self._client.get_load_state(name, timeout=self.address.timeout)["state"]
        return str(getattr(state, "name", state)) == "Loaded"

    def flush(self, name: str) -> None:
        """Have everything written in files of the server's storage, and not in its log alone."""
        with told(self.address, "flushing"):
            self._client.get_server_version(timeout=self.address.timeout)  # a server that is gone is told early
            self._client.flush(name, timeout=_FLUSH)

    def insert(self, name: str, rows: Sequence[Row]) -> None:
        """Add rows, all or none; their keys must be new."""
        with told(self.address, "adding rows"):
            self._client.insert(name, _quick(rows), timeout=self.address.timeout)

    def upsert(self, name: str, rows: Sequence[Row]) -> None:
        """Put rows in the place of those with their keys."""
        with told(self.address, "changing rows"):
            self._client.upsert(name, _quick(rows), timeout=self.address.timeout)

    def delete(self, name: str, condition: str) -> None:
        """Remove rows."""
        with told(self.address, "removing rows"):
            self._client.delete(name, filter=condition, timeout=self.address.timeout)

    def query(self, name: str, condition: str, fields: Sequence[str], limit: int | None = None) -> list[dict[str, Any]]:
        """The rows of a condition, those with the lowest keys where there are more than `limit`; strongly consistent.

        Args:
            name: of the collection.
            condition: an expression; "" is every row, and then `limit` or an aggregate must be given.
            fields: that are told.
            limit: rows at most, up to 16,384.
        """
        more = {} if limit is None else {"limit": limit}

        def ask() -> list[dict[str, Any]]:
            found = self._client.query(
                name,
                filter=condition,
                output_fields=list(fields),
                timeout=self.address.timeout,
                consistency_level="Strong",
                **more,
            )
            return [dict(row) for row in found]

        return self._patiently("reading", ask)

    def count(self, name: str, condition: str = "") -> int:
        """How many rows fulfil a condition."""
        return int(self.query(name, condition, ["count(*)"])[0]["count(*)"])

    def search(
        self, name: str, queries: Floats, limit: int, condition: str, fields: Sequence[str], params: Mapping[str, Any]
    ) -> list[list[tuple[dict[str, Any], float]]]:
        """The rows of the largest inner products with each query, with them, largest first; `limit` up to 16,384."""

        def ask() -> list[list[tuple[dict[str, Any], float]]]:
            found = self._client.search(
                name,
                data=list(queries),
                anns_field="vector",
                filter=condition,
                limit=limit,
                output_fields=list(fields),
                search_params={"metric_type": "IP", "params": dict(params)},
                timeout=self.address.timeout,
                consistency_level=CONSISTENCY[self.address.consistency],
            )
            return [[(dict(hit["entity"]), float(hit["distance"])) for hit in hits] for hits in found]

        return self._patiently("searching", ask)

    def close(self) -> None:
        """End the connection."""
        with suppress(Exception):  # of a server that is gone already
            self._client.close()

    def _patiently(self, doing: str, ask: Callable[[], Result]) -> Result:
        """Ask again while the gallery is not loaded, as when another process makes its index anew."""
        end = time.monotonic() + self.address.timeout
        while True:
            try:
                with told(self.address, doing):
                    return ask()
            except NotLoadedError:
                if time.monotonic() > end:
                    raise
            time.sleep(_PAUSE)


class _Whole(str):
    """A text whose only part is itself: the client looks at each part of every text, which takes it longer for a
    thumbnail's characters than sending them.
    """

    __slots__ = ()

    def __iter__(self) -> Iterator[str]:
        return iter((str(self),))


def _quick(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [{field: _Whole(value) if isinstance(value, str) else value for field, value in row.items()} for row in rows]
