"""A stand-in for a Milvus server, in memory: rows in dictionaries, and expressions that Python itself evaluates.

The expressions that the gallery writes are Python's as well, given `true` and `false`. It refuses what the real one
refuses: texts that are too long, vectors of another length, collections that are not loaded. It follows the same two
laws that the gallery relies on: a read sees every write that was acknowledged, and a limit takes the lowest keys.
"""

import copy
from types import SimpleNamespace
from typing import Any

import numpy as np

from reid.errors import ArtefactError

_NAMES = {"true": True, "false": False, "__builtins__": {}}


class FakeServer:
    """What `reid.gallery.milvus.server.Server` offers, over collections that outlive it in `state`."""

    def __init__(self, address, state: dict[str, SimpleNamespace], *, version="v2.6.0") -> None:
        self.address, self.state, self.version = address, state, version
        self.lite = version.startswith("milvus_lite")
        self.flushed: list[str] = []
        self.fail: dict[str, int] = {}

    def collections(self):
        return sorted(self.state)

    def describe(self, name):
        fields = [{"name": key, "params": copy.copy(more)} for key, _, more in self.state[name].fields]
        return {"fields": fields, "description": self.state[name].description}

    def make(self, name, fields, description):
        if name in self.state:
            if self.state[name].description != description:
                raise ArtefactError("create duplicate collection with different parameters")
            return
        (key,) = (field for field, _, more in fields if more.get("is_primary"))
        self.state[name] = SimpleNamespace(
            fields=list(fields), description=description, key=key, rows={}, indexes={}, loaded=False
        )

    def drop(self, name):
        self.state.pop(name, None)

    def index(self, name, field, kind, params, *, wait=True):
        self.state[name].indexes[field] = kind

    def indexed(self, name, field):
        return self.state[name].indexes.get(field)

    def drop_index(self, name, field):
        self.state[name].loaded = False
        del self.state[name].indexes[field]

    def load(self, name):
        if "vector" not in self.state[name].indexes:
            raise ArtefactError("there is no vector index")
        self.state[name].loaded = True

    def loaded(self, name):
        return self.state[name].loaded

    def flush(self, name):
        self.flushed.append(name)

    def insert(self, name, rows):
        self._trip("insert", name)
        there = self.state[name]
        for row in rows:
            if row[there.key] in there.rows:
                raise ArtefactError(f"{row[there.key]} is there twice, which no server would have noticed")
        self._put(there, rows)

    def upsert(self, name, rows):
        self._trip("upsert", name)
        self._put(self.state[name], rows)

    def delete(self, name, condition):
        self._trip("delete", name)
        there = self.state[name]
        for row in self._matching(there, condition):
            del there.rows[row[there.key]]

    def query(self, name, condition, fields, limit=None):
        there = self.state[name]
        if not there.loaded:
            raise ArtefactError(f"{name} is not loaded")
        found = self._matching(there, condition)
        if list(fields) == ["count(*)"]:
            return [{"count(*)": len(found)}]
        if not condition and limit is None:
            raise ArtefactError("empty expression should be used with limit")
        found = found[: 16384 if limit is None else limit]
        return [{field: copy.copy(row[field]) for field in {*fields, there.key}} for row in found]

    def count(self, name, condition=""):
        return int(self.query(name, condition, ["count(*)"])[0]["count(*)"])

    def search(self, name, queries, limit, condition, fields, params):
        if not 1 <= limit <= 16384:
            raise ArtefactError(f"topk {limit} is invalid")
        if params and params["ef"] < limit:
            raise ArtefactError("ef should be larger than k")
        rows = self._matching(self.state[name], condition)
        answers = []
        for query in queries:
            # A server adds up in single precision, and not in one order: noise, and equal scores the wrong way round.
            noise = [1e-7 * (int(row["id"]) * 7 % 3) for row in rows]
            scored = [(row, float(np.dot(row["vector"], query)) + more) for row, more in zip(rows, noise, strict=True)]
            scored.sort(key=lambda pair: (-pair[1], -int(pair[0]["id"])))
            answers.append([({field: row[field] for field in fields}, score) for row, score in scored[:limit]])
        return answers

    def close(self):
        pass

    def _put(self, there, rows):
        for row in rows:
            assert set(row) == {field for field, _, _ in there.fields}
            kept = {}
            for field, kind, more in there.fields:
                value = row[field]
                if kind == "VARCHAR":
                    assert len(value.encode()) <= more["max_length"]
                elif kind == "FLOAT_VECTOR":
                    value = np.asarray(value, np.float32)
                    assert value.shape == (more["dim"],)
                else:
                    assert type(value) is {"INT64": int, "BOOL": bool, "DOUBLE": float}[kind]
                kept[field] = value
            there.rows[row[there.key]] = kept

    def _matching(self, there: SimpleNamespace, condition: str) -> list[dict[str, Any]]:
        code = compile(condition or "true", "expression", "eval")
        return [row for _, row in sorted(there.rows.items()) if eval(code, _NAMES, row)]  # noqa: S307  our own expressions

    def _trip(self, what: str, name: str) -> None:
        """Fail at the n-th call of a kind, if a test asked for it."""
        for key in (what, f"{what} {name}"):
            if key in self.fail:
                self.fail[key] -= 1
                if self.fail[key] < 0:
                    del self.fail[key]
                    raise ArtefactError("the server failed")
