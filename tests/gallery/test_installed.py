"""What is installed."""

import importlib.metadata

import pytest

from reid.errors import ConfigError
from reid.gallery import installed


@pytest.fixture
def distributions(monkeypatch):
    """Versions of what is installed, to be filled."""
    there: dict[str, str] = {}

    def version(name: str) -> str:
        if name not in there:
            raise importlib.metadata.PackageNotFoundError(name)
        return there[name]

    monkeypatch.setattr(importlib.metadata, "version", version)
    return there


def test_two_faiss_are_told(distributions):
    """With their versions; one alone is fine."""
    distributions["faiss-gpu"] = "1.15"
    assert installed.faiss_conflict() is None
    distributions["faiss-cpu"] = "1.14"
    told = installed.faiss_conflict() or ""
    assert "faiss-cpu 1.14" in told
    assert "faiss-gpu 1.15" in told
    assert "uninstall" in told


def test_missing_parts_are_told(distributions):
    """With the extra to install, or another way."""
    with pytest.raises(ConfigError, match=r"pip install 'reid-toolkit\[milvus\]'"):
        installed.require_client()
    with pytest.raises(ConfigError, match=r"\[milvus\]"):
        installed.require_lite()
    distributions["pymilvus"] = "3.0.2"
    installed.require_client()
    with pytest.raises(ConfigError, match=r"milvus-lite.*milvus://127"):
        installed.require_lite()
    distributions["milvus-lite"] = "3.2.2"
    installed.require_lite()
