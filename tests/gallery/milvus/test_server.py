"""What is asked of the client; what servers answer is tested with the store."""

import logging

import numpy as np
import pymilvus
import pytest

from reid.errors import ArtefactError
from reid.gallery import installed
from reid.gallery.address import MilvusAddress
from reid.gallery.milvus import server as module
from reid.gallery.milvus.server import Server


class Client:
    """Writes down what is asked of it."""

    def __init__(self, uri, **options):
        self.asked = [("connect", (uri,), options)]
        self.answers = {"get_server_version": "v2.3.5-lite", "list_collections": ["b", "a"]}

    def __getattr__(self, name):
        def ask(*arguments, **options):
            self.asked.append((name, arguments, options))
            answer = self.answers.get(name)
            if isinstance(answer, list) and answer and isinstance(answer[0], Exception):
                raise answer.pop(0)
            return answer

        return ask


@pytest.fixture
def server(monkeypatch):
    """Connected to a client that writes down what is asked."""
    monkeypatch.setattr(installed, "require_client", lambda: None)
    monkeypatch.setattr(pymilvus, "MilvusClient", Client)
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    return Server(MilvusAddress("s", host="host", user="u", password="p", tls=True, consistency="session", timeout=3.0))  # noqa: S106


def test_the_connection_is_its_own(server):
    """With a time limit, so that a server that is not there is told within seconds."""
    ((_, (uri,), options), version) = server._client.asked

    assert uri == "https://host:19530"
    assert options == {"token": "u:p", "db_name": "", "timeout": 3.0, "dedicated": True}
    assert version[2] == {"timeout": 3.0}
    assert not server.lite
    assert server.collections() == ["a", "b"]
    assert not logging.getLogger("pymilvus").isEnabledFor(logging.ERROR)


def test_everything_has_a_time_limit(server):
    """Whatever is asked."""
    server._client.answers |= {
        "query": [{"count(*)": 1}],
        "search": [],
        "describe_collection": {},
        "describe_index": {"index_type": "FLAT", "state": "Finished"},
        "get_load_state": {"state": "Loaded"},
        "prepare_index_params": pymilvus.MilvusClient,
    }
    server._client.answers["prepare_index_params"] = type("P", (), {"add_index": lambda *a, **k: None})()
    for work in (
        lambda: server.describe("c"),
        lambda: server.drop("c"),
        lambda: server.index("c", "f", "FLAT", {}),
        lambda: server.indexed("c", "f"),
        lambda: server.drop_index("c", "f"),
        lambda: server.load("c"),
        lambda: server.loaded("c"),
        lambda: server.flush("c"),
        lambda: server.insert("c", []),
        lambda: server.upsert("c", []),
        lambda: server.delete("c", "id > 0"),
        lambda: server.count("c"),
        lambda: server.search("c", np.zeros((1, 2), np.float32), 1, "", [], {}),
    ):
        before = len(server._client.asked)
        work()
        asked = [call for call in server._client.asked[before:] if call[0] != "prepare_index_params"]
        assert asked
        assert all(options.get("timeout", 0) > 0 for _, _, options in asked), asked


def test_it_waits_for_indexes_and_loading(server, monkeypatch):
    """As long as it takes, unless the server gives up."""
    states = iter([{"state": "InProgress"}, {"state": "Finished", "pending_index_rows": 5}, {"state": "Finished"}])
    server._client.answers["prepare_index_params"] = type("P", (), {"add_index": lambda *a, **k: None})()
    monkeypatch.setattr(server._client, "describe_index", lambda *_, **__: next(states), raising=False)
    server.index("c", "f", "FLAT", {})
    assert list(states) == []

    monkeypatch.setattr(server._client, "describe_index", lambda *_, **__: {"state": "Failed", "why": "memory"})
    with pytest.raises(ArtefactError, match=r"made no index.*memory"):
        server.index("c", "f", "FLAT", {})

    states = iter(["NotLoad", "Loading", "Loaded"])
    monkeypatch.setattr(server._client, "get_load_state", lambda *_, **__: {"state": next(states)}, raising=False)
    server.load("c")
    assert list(states) == []


def test_reads_are_strongly_consistent(server):
    """Searches are what the address says."""
    server._client.answers |= {"query": [], "search": [[{"distance": 0.5, "entity": {"id": 3}}]]}
    server.query("c", "id > 0", ["id"], 5)
    found = server.search("c", np.zeros((1, 2), np.float32), 7, "id > 1", ["id"], {"ef": 9})

    (_, _, query), (_, _, search) = server._client.asked[-2:]
    assert (query["consistency_level"], query["limit"]) == ("Strong", 5)
    assert search["consistency_level"] == "Session"
    assert (search["limit"], search["filter"]) == (7, "id > 1")
    assert search["search_params"] == {"metric_type": "IP", "params": {"ef": 9}}
    assert found == [[({"id": 3}, 0.5)]]


def test_texts_are_not_taken_to_pieces(server):
    """The client walks through whatever a text is made of; what it gets is equal to the text, and made of itself."""
    server.insert("c", [{"key": "a" * 1000, "number": 3}])
    (row,) = server._client.asked[-1][1][1]
    assert row == {"key": "a" * 1000, "number": 3}
    assert list(row["key"]) == ["a" * 1000]


def test_it_waits_while_the_gallery_is_not_loaded(server):
    """As while another process makes its index anew, but not for ever."""
    late = [pymilvus.MilvusException(101, "collection not loaded")] * 3
    server._client.answers["query"] = [*late]
    assert server.query("c", "id > 0", ["id"]) == []

    server._client.answers["query"] = [*late] * 10_000
    impatient = Server(MilvusAddress("s", host="host", timeout=0.01))
    impatient._client.answers["query"] = [*late] * 10_000
    with pytest.raises(ArtefactError, match="not loaded"):
        impatient.query("c", "id > 0", ["id"])
