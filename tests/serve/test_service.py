"""What endpoints do with a gallery: the same as its Python interface, without paths."""

import threading

import numpy as np
import pytest
import served as servers
from pictures import encode, photo

from reid.evaluation.calibration import calibrate
from reid.gallery.filters import Where
from reid.gallery.meaning import CALIBRATION
from reid.records import Embeddings, build
from reid.serve.decoding import Decoded
from reid.serve.problems import Problem
from reid.serve.schemas import Change, Options, Told
from reid.serve.service import Service
from reid.serve.uploads import Uploads


@pytest.fixture
def service(tmp_path):
    """Of a gallery of 24 images, on its own."""
    with servers.fill(tmp_path / "g") as gallery:
        yield Service(gallery, Uploads(tmp_path / "uploads"))


def decoded(content=b"content", digest="d" * 64):
    """An uploaded picture."""
    return Decoded(content, digest, np.zeros((16, 16, 3), np.uint8), encode(photo(8, 8), "JPEG"), ".png")


@pytest.mark.parametrize(
    "options", [Options(), Options(k=3, by="identity", best_of=2, camera=[0, 1]), Options(rerank=True)]
)
def test_searches_agree_with_the_gallery(service, options):
    """Hits, order, scores and unknown."""
    from reid.rerank import k_reciprocal

    vector = service.gallery.store.vectors([5])[0]
    found = service.search(vector, options)
    expected = service.gallery.search(
        vector,
        options.k,
        where=options.where(),
        by=options.by,
        best_of=options.best_of,
        rerank=k_reciprocal if options.rerank else None,
    )

    assert [(hit["id"], hit["score"]) for hit in found["hits"]] == [(hit.image.id, hit.score) for hit in expected.hits]
    assert [len(hit["images"]) for hit in found["hits"]] == [len(getattr(hit, "images", [0])) for hit in expected.hits]
    assert (found["unknown"], found["identity"]) == (expected.unknown, expected.identity)


def test_calibrated_answers(service):
    """With a calibration there are probabilities, as many say unknown as in the gallery's own answers."""
    rows = service.gallery.store.vectors(list(range(1, 25)))
    names = [str(n // 4) for n in range(24)]
    from pathlib import Path

    found = calibrate(Embeddings(rows, build(Path(), [f"{n}.png" for n in range(24)], names)), seed=0)
    service.gallery.store.set(CALIBRATION, found.to_dict())
    answer = service.search(rows[0], Options())
    expected = service.gallery.search(rows[0])

    assert [hit["probability"] for hit in answer["hits"]] == [hit.probability for hit in expected.hits]
    assert answer["threshold"] == expected.threshold


def test_adding_twice_and_at_once(service):
    """Of many that add the same content, one does; all are told its id."""
    vector = service.gallery.store.vectors([1])[0]
    got = []

    def add():
        got.append(service.add(decoded(), vector, Told(identity="new", camera=3, time=5.0)))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(one["added"] for one in got) == [False, False, False, True]
    assert {one["id"] for one in got} == {25}
    image = service.image(25)
    assert (image.identity, image.camera, image.time, image.source) == ("new", 3, 5.0, "upload")
    assert service.remove(25) == {"removed": 1}
    assert list(service.uploads.folder.iterdir()) == []


def test_what_other_processes_add_counts_after_a_minute(service, monkeypatch):
    """The number of identities, on which the probability rests, is counted anew."""
    import time

    service.search(service.gallery.store.vectors([1])[0], Options())
    before = service._meaning
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 61)
    service.statistics()

    assert service._meaning is not before


def test_changes(service):
    """Merging takes all images of the identities, labelling takes the ones that are named; unknown takes names away."""
    merged = service.change(Change(merge=["car-0", "car-1"], identity="car-9"))
    labelled = service.change(Change(ids=[1, 1, 2], identity="unknown"))

    assert merged == {"changed": 6}
    assert labelled == {"changed": 2}
    assert len(list(service.gallery.images(Where(identities=("car-9",))))) == 4
    assert len(service.timeline("unknown")["images"]) == 8
    with pytest.raises(Problem, match="car-0"):
        service.change(Change(merge=["car-0", "car-9"], identity="x"))


def test_what_is_not_there(service):
    """404 each time."""
    for ask in (service.image, service.thumbnail, service.remove, lambda n: service.search_image(n, Options())):
        with pytest.raises(Problem) as refused:
            ask(999)
        assert refused.value.status_code == 404
