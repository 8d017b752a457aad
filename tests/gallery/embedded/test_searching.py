"""Searches inside a transaction: what is found is told with its image, and conditions are remembered."""

import galleries
import numpy as np
import pytest

from reid.errors import ArtefactError
from reid.gallery.embedded import searching
from reid.gallery.embedded.catalogue import Sources
from reid.gallery.embedded.following import Following
from reid.gallery.embedded.searching import Searching
from reid.gallery.filters import Where

EVERY = Where()


@pytest.fixture
def gallery(tmp_path):
    """A gallery of 30 images, and searches of it as `ask(queries, count, where)`."""
    store = galleries.filled(tmp_path / "g")
    searches = Searching(Following(store.folder, store.about), Sources())

    def ask(queries, count, where=EVERY):
        return store._connections.read(lambda c, state: searches.nearest(c, state, queries, count, where))

    yield store, ask
    store.close()


def test_images_stand_with_their_scores(gallery):
    """Best first, of equal ones the first added; a score that rounding took beyond 1 is 1."""
    store, ask = gallery
    vectors = galleries.unit(30)
    longer = vectors[:4] * np.float32(1.000001)
    for query, found in zip(longer, ask(longer, 30), strict=True):
        scores = np.clip(vectors.astype(float) @ query, -1, 1)
        assert [image.id for image, _ in found] == (np.argsort(-scores, kind="stable") + 1).tolist()
        assert [score for _, score in found] == pytest.approx(np.sort(scores)[::-1].tolist(), abs=1e-12)
        assert found[0][1] == 1.0
    opposite = ask(-longer[:1], 30)[0]
    assert opposite[-1][1] == -1.0
    assert [image for image, _ in sorted(opposite, key=lambda hit: hit[0].id)] == list(store.entries(EVERY))


def test_conditions_are_remembered_until_something_changes(gallery, monkeypatch):
    """The catalogue is asked once for a condition, and again after a change; only the last sixteen are kept."""
    store, ask = gallery
    asked = []
    ours = searching.slots_where
    monkeypatch.setattr(searching, "slots_where", lambda where, c: asked.append(where) or ours(where, c))
    query, condition = galleries.unit(1), Where(cameras=(1,))

    first = ask(query, 30, condition)
    assert {image.camera for image, _ in first[0]} == {1}
    assert ask(query, 30, condition) == first
    assert asked == [condition]
    store.remove(Where(ids=(first[0][0][0].id,)))
    assert ask(query, 30, condition)[0] == first[0][1:]
    assert asked == [condition] * 2
    for camera in range(2, 18):
        ask(query, 1, Where(cameras=(camera,)))
    ask(query, 1, condition)
    assert asked[-1] == condition


def test_rows_that_are_not_there(gallery):
    """The index has images that the transaction does not see, as another process has just added them: nothing is told of any."""
    store, ask = gallery
    query = galleries.unit(1)
    assert ask(query, 30)
    store._connections.connection().execute("DELETE FROM images WHERE slot = 3")

    assert ask(query, 30) is None


def test_a_vector_of_another_image(gallery):
    """A row whose vector is not the one that was added with it is refused, and its image named."""
    store, ask = gallery
    row = store._connections.connection().execute("SELECT * FROM images WHERE slot = 3").fetchone()
    other = searching.Row(*row)._replace(vector=1).sealed()
    store._connections.connection().execute(
        "UPDATE images SET vector = ?, checksum = ? WHERE slot = 3", (other.vector, other.checksum)
    )

    with pytest.raises(ArtefactError, match="vector of image 4 is not the one"):
        ask(galleries.unit(1), 30)
