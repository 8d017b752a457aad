"""Vehicle and person re-identification with divide-and-conquer metric learning.

    splits   = reid.read_dataset("vehicleid", root="data/vehicleid")
    embedder = reid.load_embedder("runs/latest")
    vectors  = embedder.embed(images)
    report   = reid.evaluate(embeddings, protocol="single-shot")
    distances = reid.rerank.k_reciprocal(query, gallery, k1=20, k2=6, weight=0.3)
    gallery  = reid.Gallery.open("gallery", embedder=embedder)
    answer   = gallery.search("crop.jpg", k=10, where={"camera": {"not": 3}})
    loss     = reid.divide_and_conquer(loss, dimension=128, learners=8)

Names are imported when they are used first, so that `import reid` is quick and torch is loaded only by what needs it.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reid import rerank
    from reid.data.dataset import read_dataset
    from reid.embed import Embedder, load_embedder
    from reid.errors import ReidError
    from reid.evaluation.protocols import evaluate
    from reid.gallery.gallery import Gallery
    from reid.model.divide import DivideAndConquer as divide_and_conquer  # noqa: N813  called like a function
    from reid.records import Embeddings, Records, Splits, TestSet
    from reid.train.batches import BatchSource
    from reid.train.divider import Divider

__all__ = [
    "BatchSource",
    "Divider",
    "Embedder",
    "Embeddings",
    "Gallery",
    "Records",
    "ReidError",
    "Splits",
    "TestSet",
    "divide_and_conquer",
    "evaluate",
    "load_embedder",
    "read_dataset",
    "rerank",
]

_PLACES = {
    "BatchSource": ("reid.train.batches", "BatchSource"),
    "Divider": ("reid.train.divider", "Divider"),
    "Embedder": ("reid.embed", "Embedder"),
    "Embeddings": ("reid.records", "Embeddings"),
    "Gallery": ("reid.gallery.gallery", "Gallery"),
    "Records": ("reid.records", "Records"),
    "ReidError": ("reid.errors", "ReidError"),
    "Splits": ("reid.records", "Splits"),
    "TestSet": ("reid.records", "TestSet"),
    "divide_and_conquer": ("reid.model.divide", "DivideAndConquer"),
    "evaluate": ("reid.evaluation.protocols", "evaluate"),
    "load_embedder": ("reid.embed", "load_embedder"),
    "read_dataset": ("reid.data.dataset", "read_dataset"),
}
_PACKAGES = {"rerank"}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("reid-toolkit")
    if name in _PACKAGES:
        return importlib.import_module(f"reid.{name}")
    if name not in _PLACES:
        raise AttributeError(f"module 'reid' has no attribute {name!r}")
    module, attribute = _PLACES[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
