"""Embedding in bulk."""

import json

import numpy as np
import pytest
import small_runs
from whole_runs import call

from reid.cli import embedding
from reid.cli.embed import main
from reid.embed import load_embedder
from reid.gallery.gallery import Gallery
from reid.model.store import save_model
from reid.records import Embeddings


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a model and twelve images, embedded five at a time."""
    network = small_runs.network()
    (tmp_path / "run").mkdir()
    save_model(tmp_path / "run", network, small_runs.description(network.architecture))
    small_runs.patches(tmp_path / "images", identities=4, each=3)
    monkeypatch.setattr(embedding, "PIECE", 5)
    return tmp_path


def embed(place, *arguments):
    """The command, its processes being this one."""
    return call(main, place, "images", "--run", "run", "--workers", 0, *arguments)


def test_one_folder_of_vectors(place):
    """Those of the model, in the order of the names; nothing else is left."""
    done = embed(place, "--out", "e")
    assert (done.code, done.out) == (0, "12 vectors in e\n"), done.err
    made = Embeddings.load(place / "e")
    names = sorted((place / "images").iterdir())

    assert made.records.files() == names
    np.testing.assert_allclose(made.vectors, load_embedder(place / "run").embed(names), atol=1e-6)
    assert not (place / "e.pieces").exists()
    assert embed(place, "--out", "e").code == 73


def test_shards_fill_a_gallery_in_any_order(place):
    """Together they are all images, each once."""
    for number in (1, 2, 3):
        assert embed(place, "--out", f"e{number}", "--shard", f"{number}/3").code == 0
    embedder = load_embedder(place / "run")
    with Gallery.create(place / "g", embedder) as gallery:
        for number in (3, 1, 2):
            gallery.add(place / f"e{number}", workers=0)
        whole = sorted((i.path, i.identity) for i in gallery.images())
    with Gallery.create(place / "h", embedder) as gallery:
        gallery.add(place / "images", workers=0)
        assert whole == sorted((i.path, i.identity) for i in gallery.images())


def test_goes_on_where_it_was_broken_off(place, monkeypatch):
    """Pieces that were done are not embedded again; those of other images or another model are."""
    calls, plain = [], embedding.embed_entries

    def counted(embedder, entries, **options):
        calls.append(len(entries))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return plain(embedder, entries, **options)

    monkeypatch.setattr(embedding, "embed_entries", counted)
    assert embed(place, "--out", "e").code == 130
    assert embed(place, "--out", "e").code == 0
    assert calls == [5, 5, 5, 2]
    assert len(Embeddings.load(place / "e").vectors) == 12


def test_images_that_cannot_be_used(place):
    """End it with their name, or are left out and told."""
    (place / "images" / "001_1.png").write_bytes(b"no image")
    failed = embed(place, "--out", "e")
    assert (failed.code, "001_1.png" in failed.err) == (65, True)
    told = json.loads(embed(place, "--out", "e", "--on-bad-image", "skip", "--json", "-").out)
    assert (told["images"], told["skipped"]) == (11, 1)
    assert "001_1.png" in told["problems"][0]
