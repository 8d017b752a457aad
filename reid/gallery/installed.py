"""Distributions that must not be installed together, or must be there: read from their metadata, imported by nobody."""

import importlib.metadata

from reid.errors import ConfigError


def faiss_conflict() -> str | None:
    """What is wrong if both faiss-cpu and faiss-gpu are installed; None where they are not.

    They write the same files, so whichever was installed last is the one that runs, in parts. Milvus Lite requires
    faiss-cpu, which is how they come to meet.
    """
    found = {name: version(name) for name in ("faiss-cpu", "faiss-gpu")}
    if None in found.values():
        return None
    return (
        f"both faiss-cpu {found['faiss-cpu']} and faiss-gpu {found['faiss-gpu']} are installed, and they overwrite each "
        "other's files; uninstall both and install the one you need again. Milvus Lite, which requires faiss-cpu, can "
        "be served from an environment of its own"
    )


def version(name: str) -> str | None:
    """The version of an installed distribution; None where it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def require_client() -> None:
    """Refuse to go on without the client of Milvus.

    Raises:
        ConfigError: it is not installed; the extra is named.
    """
    if version("pymilvus") is None:
        raise ConfigError("a gallery on Milvus needs its client pymilvus: pip install 'reid-toolkit[milvus]'")


def require_lite() -> None:
    """Refuse to go on without Milvus Lite.

    Raises:
        ConfigError: it is not installed.
    """
    require_client()
    if version("milvus-lite") is None:
        raise ConfigError(
            "a gallery in a .db file needs milvus-lite in the same environment, which brings faiss-cpu along and must not "
            "meet faiss-gpu; rather serve it from an environment of its own (see docs/gallery-on-milvus.md) and write "
            "milvus://127.0.0.1:19530/NAME, or take a folder as the gallery"
        )
