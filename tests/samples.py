"""Small embeddings to score, made from plain lists."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from reid.records import Embeddings, Records, build

ROOT = Path("set")


def records(
    names: Sequence[object], cameras: Sequence[int] | None = None, *, prefix: str = "", table: Sequence[object] = ()
) -> Records:
    """One image per name; -1 is junk. `table` names identities that are not among them."""
    every = tuple(sorted({str(name) for name in (*names, *table)} - {"-1"}))
    paths = [f"{prefix}{row:04d}.jpg" for row in range(len(names))]
    return build(ROOT, paths, list(map(str, names)), table=every, junk=frozenset({"-1"}), cameras=cameras)


def embeddings(
    vectors: object, names: Sequence[object], cameras: Sequence[int] | None = None, **options: object
) -> Embeddings:
    """Embeddings of these vectors."""
    return Embeddings(np.array(vectors, dtype=np.float32), records(names, cameras, **options))


def drawn(number: int, identities: int, *, width: int = 8, spread: float = 0.7, seed: int = 0) -> Embeddings:
    """Images of random identities on three cameras, at random places around the identity's own."""
    generator = np.random.Generator(np.random.Philox(seed))
    names = generator.integers(0, identities, number)
    centres = generator.standard_normal((identities, width))
    vectors = centres[names] + spread * generator.standard_normal((number, width))
    return embeddings(
        vectors,
        [f"{n:03d}" for n in names],
        generator.integers(0, 3, number).tolist(),
        table=[f"{n:03d}" for n in range(identities)],
    )
