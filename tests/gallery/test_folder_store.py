"""A plain folder's embeddings, searched like any store."""

from pathlib import Path

import galleries
import numpy as np
import pytest

from reid import records
from reid.errors import GalleryError
from reid.gallery.filters import Where
from reid.gallery.folder_store import FolderStore
from reid.records import Embeddings


def made(cameras=True):
    names = [f"car-{n % 4}" if n % 5 else "-1" for n in range(20)]
    columns = {"cameras": [n % 3 - 1 for n in range(20)], "times": [float("nan") if n % 2 else n for n in range(20)]}
    found = records.build(
        Path("/f"), [f"{n}.jpg" for n in range(20)], names, junk=frozenset({"-1"}), **(columns if cameras else {})
    )
    return FolderStore(Embeddings(galleries.unit(20), found, "f" * 64), {"a": 1})


def test_nearest_is_the_plain_ranking():
    """Of all, and of those that a condition holds for."""
    store, queries, vectors = made(), galleries.unit(3, seed=7), galleries.unit(20)
    for where in (Where(), Where(cameras=(1,)), Where(not_cameras=(0,)), Where(identities=(None,)), Where(since=3.0)):
        images = list(store.entries(where))
        for query, found in zip(queries, store.nearest(queries, 4, where), strict=True):
            scores = {i.id: float(vectors[i.id - 1].astype(float) @ query.astype(float)) for i in images}
            assert [i.id for i, _ in found] == sorted(scores, key=lambda i: (-scores[i], i))[:4]
            assert [score for _, score in found] == pytest.approx([scores[i.id] for i, _ in found])


def test_what_it_knows():
    """Names, cameras and times where they are known."""
    store = made()
    first, second = list(store.entries(Where(), limit=2))

    assert (first.path, first.identity, first.camera, first.time, first.id) == ("/f/0.jpg", None, None, 0.0, 1)
    assert (second.identity, second.camera, second.time) == ("car-1", 0, None)
    assert store.counts() == {"images": 20, "identities": 4, "unlabelled": 4, "cameras": 2, "bytes": 0}
    assert (store.setting("a"), store.setting("b"), store.thumbnail(1), store.known(["ab"])) == (1, None, None, set())
    np.testing.assert_array_equal(store.vectors([3, 1]), galleries.unit(20)[[2, 0]])
    store.settle()
    store.close()


def test_cameras_that_are_not_known():
    """Cannot be asked for."""
    with pytest.raises(GalleryError, match="no camera numbers"):
        made(cameras=False).nearest(galleries.unit(1), 1, Where(cameras=(1,)))


def test_it_is_not_changed():
    """Any change is refused, and images that are not there."""
    store = made()
    changes = [
        lambda: store.add([], galleries.unit(0), []),
        lambda: store.remove(Where()),
        lambda: store.label(Where(), "a"),
        lambda: store.set("a", 2),
    ]
    for change in changes:
        with pytest.raises(GalleryError, match="reid-gallery create"):
            change()
    for image in (0, 21):
        with pytest.raises(GalleryError, match=f"no image {image}"):
            store.vectors([image])


def test_the_same_file(tmp_path):
    """By another name, through a link, and one that is none of them."""
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "a.jpg").write_bytes(b"")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "f" / "a.jpg")
    found = records.build(tmp_path / "f", ["a.jpg", "b.jpg"], ["x", "y"])
    store = FolderStore(Embeddings(galleries.unit(2), found))

    assert store.same_file(tmp_path / "link.jpg") == {1}
    assert store.same_file(tmp_path / "f" / ".." / "f" / "a.jpg") == {1}
    assert store.same_file(tmp_path / "c.jpg") == set()
