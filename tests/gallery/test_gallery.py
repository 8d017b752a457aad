"""The gallery as Python users have it."""

import galleries
import numpy as np
import pytest
import small_runs
import torch

import reid
from reid.data.images import read_image
from reid.embed import load_embedder
from reid.errors import GalleryError, OutputError
from reid.evaluation.calibration import calibrate, save_calibration
from reid.gallery.embedded.store import EmbeddedStore
from reid.gallery.filters import Where
from reid.gallery.sources import Told
from reid.model.store import save_model


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A model with images of ten identities, and what its scores mean."""
    folder, network = tmp_path_factory.mktemp("gallery"), small_runs.network()
    save_model(folder, network, small_runs.description(network.architecture))
    small_runs.patches(folder / "images", identities=10, each=3)
    validation = load_embedder(folder).embed_records(small_runs.patches(folder / "held-out", seed=5), workers=0)
    save_calibration(folder, calibrate(validation, seed=0))
    return folder


@pytest.fixture
def gallery(run, tmp_path):
    """With these images, of camera 4."""
    with reid.Gallery.create(tmp_path / "g", load_embedder(run), run=run) as gallery:
        gallery.add(run / "images", told=Told(camera=4), workers=0)
        yield gallery


def test_any_kind_of_crop(gallery, run):
    """A path, its pixels and its vector find the same; a list gives a list."""
    path = run / "images" / "003_1.png"
    pixels = read_image(path)
    vector = gallery.embedder.embed([pixels])[0]
    answers = gallery.search([path, str(path), pixels, vector, 7 * vector], 4, itself=True)
    first = [hit.image.id for hit in answers[0].hits]

    assert [[hit.image.id for hit in answer.hits] for answer in answers] == [first] * 5
    assert answers[0].hits[0].score == pytest.approx(1, abs=1e-6)
    assert [hit.image.id for hit in gallery.search(path, 4, itself=True).hits] == first
    assert path.name not in {hit.path.name for hit in gallery.search(path, 4).hits}


def test_one_object(gallery, run):
    """Several crops are one query, weighted if wished."""
    paths = sorted((run / "images").glob("003_*"))
    one = gallery.search(paths, 3, one_object=True)
    mean = gallery.embedder.embed(paths).mean(axis=0)

    assert [h.path for h in one.hits] == [h.path for h in gallery.search(mean, 6).hits if h.path not in paths][:3]
    single = gallery.search(paths, 1, one_object=True, weights=[0, 1, 0], itself=True)
    assert single.hits[0].path == paths[1]


def test_conditions_and_changes(gallery):
    """Found, relabelled, merged and removed by the same conditions."""
    vector = galleries.unit(1, 16)[0]
    ids = [image.id for image in gallery.images(limit=6)]
    assert gallery.label({"id": ids[:4]}, "a") == 4
    assert gallery.label({"id": ids[4:]}, "b") == 2
    assert {hit.identity for hit in gallery.search(vector, 50, where={"identity": ["a", "b"]}).hits} == {"a", "b"}
    assert gallery.merge(["a", "b"], "c") == 6
    assert gallery.search(vector, 5, where={"camera": {"not": 4}}).hits == ()
    assert len(gallery.search(vector, 50, where=Where(identities=("c",)), by="identity", best_of=2).hits) == 1
    assert gallery.remove({"identity": "c"}) == 6
    assert len(list(gallery.images())) == gallery.info()["images"] == 24


def test_what_scores_mean(gallery, run):
    """The threshold and the probabilities are those of the model for a gallery of this size; neither is, if not wanted."""
    path = run / "images" / "003_1.png"
    answer = gallery.search(path)

    assert answer.threshold == gallery.meaning.level() == gallery.info()["unknown_below"]
    assert answer.hits[0].probability == gallery.meaning.probability()([answer.hits[0].score])[0]
    assert gallery.search(path, threshold=None).threshold is None
    assert gallery.search(path, threshold=-1.0).unknown is False
    assert gallery.search(path, threshold=1.0).unknown is True


def test_a_gallery_without_calibration(run, tmp_path):
    """Never says that something is unknown, and tells no probability."""
    with reid.Gallery.create(tmp_path / "g", load_embedder(run)) as gallery:
        gallery.add(run / "images", workers=0)
        answer = gallery.search(run / "images" / "003_1.png")

    assert (answer.unknown, answer.threshold, answer.hits[0].probability) == (False, None, None)


def test_only_its_own_model(gallery, run, tmp_path):
    """Another is refused when the gallery is opened; without any, vectors can be searched for."""
    network = small_runs.network(seed=3)
    save_model(tmp_path, network, small_runs.description(network.architecture))
    with pytest.raises(GalleryError, match="cannot be compared"):
        reid.Gallery.open(tmp_path / "g", embedder=load_embedder(tmp_path))
    with reid.Gallery.open(tmp_path / "g") as bare:
        assert len(bare.search(galleries.unit(1, 16)[0], 3).hits) == 3
        with pytest.raises(GalleryError, match="embedder"):
            bare.search(run / "images" / "003_1.png")
    with pytest.raises(OutputError, match="exists already"):
        reid.Gallery.create(tmp_path / "g", load_embedder(run))


def test_hits_are_limited(gallery):
    """Between one and ten thousand."""
    for k in (0, 10_001):
        with pytest.raises(GalleryError, match="number"):
            gallery.search(galleries.unit(1, 16)[0], k)
    assert len(gallery.search(np.ones(16), 10_000).hits) == 30


def test_searches_where_the_model_is(run, tmp_path, monkeypatch):
    """On its GPU if it is on one, else where vectors are."""
    asked = []
    monkeypatch.setattr(EmbeddedStore, "search_on", lambda _self, device: asked.append(device))
    embedder = load_embedder(run)
    with reid.Gallery.create(tmp_path / "g", embedder):
        assert asked == []
    monkeypatch.setattr(type(embedder), "device", property(lambda _self: torch.device("cuda:1")))
    with reid.Gallery.open(tmp_path / "g", embedder=embedder):
        assert asked == ["cuda:1"]
