"""Map of the embedding in two dimensions: which images lie beside each other, by identity and by camera."""

import warnings
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid import files, rng
from reid.records import JUNK, NO_CAMERA, Embeddings, Floats, Integers
from reid.report.canvas import FAINT, INK, new_figure, to_png
from reid.text import printable

MOST = 1500
"""Images on a map; of more, whole identities are left out by chance."""

_FEWEST = 8
_DIMENSIONS = 50  # kept by the principal components
_PERPLEXITY = 30
_NEIGHBOURS = 15
_STEPS = 500  # half of the default: from principal components it is at rest by then
_COLOURED = 10  # identities with colours of their own
_MARKERS = "os^vD"


def embedding_map(embedded: Embeddings, out: Path, *, seed: int = 0, most: int = MOST) -> str | None:
    """Draw the map: principal components, then UMAP where it is installed, else t-SNE of scikit-learn.

    Ten identities, those with the most images, have colours; where cameras are known, a second panel shows them.

    Args:
        embedded: the images; junk is left out.
        out: the file; its folder must exist.
        seed: decides which images are drawn, and where the map starts.
        most: images at most.

    Returns:
        What was drawn, in words; None where there are too few images for a map.

    Raises:
        OutputError: the file cannot be written.
    """
    rows = chosen(embedded.records.identities, most, seed)
    if len(rows) < _FEWEST:
        return None
    points, method = place(embedded.vectors[rows], seed)
    identities, cameras = embedded.records.identities[rows], embedded.records.cameras
    several = cameras is not None and len(np.unique(cameras[rows])) > 1
    panels = 2 if several else 1
    figure = new_figure(4.8 * panels, 4.2)
    left = figure.add_axes((0.01 / panels, 0.02, 0.79 / panels, 0.9))
    codes, sizes = np.unique(identities, return_counts=True)
    largest = codes[np.lexsort((codes, -sizes))][:_COLOURED]
    _scatter(left, points, identities, largest, [printable(embedded.records.identity_names[code]) for code in largest])
    left.set_title("by identity (ten of them coloured)" if len(codes) > _COLOURED else "by identity", **_TITLE)
    if several and cameras is not None:
        right = figure.add_axes((0.515, 0.02, 0.395, 0.9))
        numbers = np.unique(cameras[rows])[:_COLOURED]
        _scatter(right, points, cameras[rows], numbers, ["?" if n == NO_CAMERA else str(n) for n in numbers])
        right.set_title("by camera", **_TITLE)
    files.write_bytes(out, to_png(figure))
    return f"{len(rows):,} images of {len(codes):,} identities, {method}"


def chosen(identities: Integers, most: int, seed: int) -> Integers:
    """Rows of whole identities drawn by chance, as many as fit; junk is left out."""
    known = identities[identities != JUNK]
    codes, sizes = np.unique(known, return_counts=True)
    order = rng.generator(seed, "embedding map").permutation(len(codes))
    kept = codes[order[np.cumsum(sizes[order]) <= most]]
    return np.flatnonzero(np.isin(identities, kept))


def place(vectors: Floats, seed: int) -> tuple[NDArray[np.float64], str]:
    """Points of the map, (N, 2), and how they were found, in words."""
    from sklearn.decomposition import PCA

    start = rng.number(seed, "embedding map")
    if not np.ptp(vectors, axis=0).any():  # without any spread t-SNE brings the interpreter down
        return np.zeros((len(vectors), 2)), "whose vectors are all the same"
    components = min(_DIMENSIONS, *vectors.shape)
    reduced = PCA(components, svd_solver="full").fit_transform(vectors.astype(np.float64))
    words = f"{components} principal components, then "
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # both libraries warn about their own defaults
        if (umap := _umap()) is not None:
            made = umap(random_state=start, n_neighbors=min(_NEIGHBOURS, len(vectors) - 1)).fit_transform(reduced)
            return np.asarray(made, dtype=np.float64), f"{words}UMAP"
        from sklearn.manifold import TSNE

        perplexity = min(_PERPLEXITY, (len(vectors) - 1) / 3)
        init = "pca" if components > 1 else "random"
        made = TSNE(perplexity=perplexity, init=init, max_iter=_STEPS, random_state=start).fit_transform(reduced)
    return np.asarray(made, dtype=np.float64), f"{words}t-SNE (perplexity {perplexity:.0f})"


def _umap() -> Any:
    """The class of umap-learn; None without it, also where something else goes by its name."""
    if find_spec("umap") is None:
        return None
    try:
        return getattr(import_module("umap"), "UMAP", None)
    except ImportError:  # it is there and lacks what it needs
        return None


_TITLE: dict[str, Any] = {"fontsize": 10, "color": INK, "loc": "left"}


def _scatter(axes: Any, points: NDArray[np.float64], groups: Integers, shown: Integers, names: list[str]) -> None:
    import matplotlib as mpl

    others = ~np.isin(groups, shown)
    axes.scatter(*points[others].T, s=5, color="#c9c9c9", linewidths=0)
    colours = mpl.colormaps["tab10"]
    for number, (group, name) in enumerate(zip(shown.tolist(), names, strict=True)):
        mine = points[groups == group]
        label = name if len(name) <= 9 else f"{name[:8]}…"
        marker = _MARKERS[number % len(_MARKERS)]
        axes.scatter(*mine.T, s=16, color=colours(number % 10), marker=marker, linewidths=0, label=label)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color("#d8d8d8")
    legend = axes.legend(
        loc="upper left", bbox_to_anchor=(1, 1), fontsize=8, labelcolor=FAINT, frameon=False, handletextpad=0
    )
    for words in legend.get_texts():
        words.set_parse_math(False)
