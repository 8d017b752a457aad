"""Questions to a store."""

import galleries
import numpy as np
import pytest

from reid import rerank
from reid.errors import GalleryError
from reid.gallery.asking import Question, contents, vectors_of
from reid.gallery.entries import Entry
from reid.gallery.filters import Where


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Of 200 images of 40 identities, some without."""
    store = galleries.filled(tmp_path_factory.mktemp("asking") / "g", 0)
    images = [
        Entry(f"{n}.jpg", None if n % 9 == 0 else f"car-{n % 40}", n % 3, None, "", None, f"{n:064x}")
        for n in range(200)
    ]
    store.add(images, galleries.unit(200))
    yield store
    store.close()


def scored(store, query, holds=lambda image: True):
    """Every image for which something holds, with its score."""
    vectors = galleries.unit(200).astype(float)
    return [(i, float(vectors[i.id - 1] @ query.astype(float))) for i in store.entries(Where()) if holds(i)]


@pytest.mark.parametrize("k", [1, 7, 199])
@pytest.mark.parametrize("best_of", [1, 3])
def test_identities_are_those_of_a_plain_grouping(store, k, best_of):
    """However many images must be fetched for it; under a condition too."""
    for seed in range(3):
        query = galleries.unit(1, seed=50 + seed)[0]
        groups = {}
        for image, score in scored(store, query, lambda image: image.camera != 1):
            groups.setdefault(image.identity or image.id, []).append((score, image.id))
        means = {}
        for name, members in groups.items():
            best = sorted(members, key=lambda pair: (-pair[0], pair[1]))[:best_of]
            means[name] = (-np.mean([score for score, _ in best]), best[0][1])
        wanted = sorted(means, key=lambda name: means[name])[:k]
        answer = Question(k, Where(not_cameras=(1,)), "identity", best_of).ask(store, query)

        assert [hit.identity or hit.image.id for hit in answer.hits] == wanted
        assert [hit.score for hit in answer.hits] == pytest.approx([-means[name][0] for name in wanted], abs=1e-9)


def test_its_own_content_is_no_answer(store):
    """By sha256 or by id; as many hits as asked for come all the same."""
    query = galleries.unit(200)[4]
    plain = Question(5).ask(store, query)
    assert plain.hits[0].image.id == 5
    for own in (frozenset({plain.hits[0].image.sha256}), frozenset({5})):
        answer = Question(5).ask(store, query, own)
        assert [hit.image.id for hit in answer.hits][:4] == [hit.image.id for hit in plain.hits][1:]
        assert len(answer.hits) == 5


def test_reranking_orders_the_best_hundred(store):
    """As the method does on these vectors; scores stay similarities."""
    query = galleries.unit(1, seed=60)[0]
    top = sorted(scored(store, query), key=lambda pair: (-pair[1], pair[0].id))[:100]
    distances = rerank.k_reciprocal(query[None], galleries.unit(200)[[image.id - 1 for image, _ in top]])
    order = np.argsort(distances.exact(np.zeros(1, int), np.arange(100))[0], kind="stable")[:10].tolist()
    answer = Question(10, rerank=rerank.k_reciprocal).ask(store, query)

    assert [hit.image.id for hit in answer.hits] == [top[place][0].id for place in order]
    assert [hit.score for hit in answer.hits] == pytest.approx([top[place][1] for place in order])


def test_unknown(store):
    """Where no score reaches the threshold, and where nothing can be found."""
    query = galleries.unit(200)[4]

    assert not Question(threshold=0.999).ask(store, query).unknown
    assert Question(threshold=0.999).ask(store, -query).unknown
    assert Question(where=Where(cameras=(9,))).ask(store, query).unknown


def test_vectors_of_crops(tmp_path):
    """Vectors come to unit length; of another length, or pictures without a model, are refused."""
    np.testing.assert_allclose(vectors_of([np.full(4, 3.0)], None, 4), [[0.5, 0.5, 0.5, 0.5]])
    with pytest.raises(GalleryError, match="has 3 numbers, those of the gallery have 4"):
        vectors_of([np.ones(3)], None, 4)
    with pytest.raises(GalleryError, match="open it with an embedder"):
        vectors_of([tmp_path / "a.jpg"], None, 4)


def test_contents(tmp_path):
    """The sha256 of a file; of nothing else."""
    (tmp_path / "a").write_bytes(b"abc")

    assert contents(tmp_path / "a") == {"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}
    assert contents(tmp_path / "b") == contents(np.zeros(3)) == set()
