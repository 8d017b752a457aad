"""Vectors as means over views, against the views made one by one."""

import numpy as np
import pytest
import small_runs

from reid.data.resizing import resize
from reid.embed import Embedder, TorchModel, choose_device
from reid.embed.averaging import averaged, averaging
from reid.errors import ConfigError
from reid.model.store import Description


def model(crop="resize", normalise="slices", size=(32, 24)):
    """A small network."""
    network = small_runs.network()
    network.architecture.__dict__["normalise"] = normalise  # frozen for everybody else
    about = Description(network.architecture, size, crop, "area", "vehicle", "patches")
    return TorchModel(network, about, "a" * 64, choose_device("cpu"))


def unit(vectors, slices):
    """Each slice of every row at its length."""
    parts = vectors.reshape(len(vectors), slices, -1)
    return (parts / np.linalg.norm(parts, axis=2, keepdims=True)).reshape(len(vectors), -1) / np.sqrt(slices)


@pytest.mark.parametrize(("normalise", "slices"), [("slices", 2), ("whole", 1)])
@pytest.mark.parametrize("flip", [False, True])
def test_five_crops(normalise, slices, flip):
    """The mean over corners and middle of a larger picture, and their mirror images, scaled by the model's rule."""
    plain = model(normalise=normalise)
    images = [*small_runs.pictures(3, size=(60, 50)).numpy()]
    made = Embedder(plain).averaged(flip=flip, crops=5).embed(images)

    larger = np.stack([resize(image, (37, 27)) for image in images])
    views = [larger[:, y : y + 32, x : x + 24] for y, x in ((0, 0), (0, 3), (5, 0), (5, 3), (2, 1))]
    views += [view[:, :, ::-1] for view in views] if flip else []
    wanted = unit(np.mean([plain.pictures(view.copy()) for view in views], axis=0), slices)
    assert made == pytest.approx(wanted, abs=1e-6)
    assert np.linalg.norm(made, axis=1) == pytest.approx(np.ones(3), abs=1e-6)


def test_mirror_images_have_the_same_vector():
    """Law of the flip: a picture and its mirror image cannot be told apart, as they can without."""
    image = small_runs.pictures(1, size=(32, 24)).numpy()[0]
    both = [image, image[:, ::-1]]
    one, other = Embedder(model()).averaged(flip=True).embed(both)
    first, second = Embedder(model()).embed(both)

    assert one == pytest.approx(other, abs=1e-6)
    assert first != pytest.approx(second, abs=1e-3)


def test_a_model_that_crops_the_centre_keeps_its_scale():
    """The middle one of five crops is then the very picture that the model has otherwise."""
    image = small_runs.pictures(1, size=(61, 47)).numpy()[0]
    plain = Embedder(model(crop="centre", size=(32, 28)))
    larger = plain.averaged(crops=5)
    seen = []

    class Watched:
        description, fingerprint, dimension, device = plain.description, "", 16, None

        def pictures(self, batch):
            seen.append(batch)
            return plain.model.pictures(batch)

    Embedder(averaged(Watched(), crops=5)).embed([image])
    alone = Embedder(Watched())
    alone.embed([image])
    assert len(seen) == 6
    assert np.array_equal(seen[4], seen[5])
    assert larger.description.image_size == (37, 32)


def test_every_way_has_its_fingerprint():
    """Vectors made differently are never taken for the same model's; one view is no averaging."""
    plain = Embedder(model())
    ways = [plain, plain.averaged(flip=True), plain.averaged(crops=5), plain.averaged(flip=True, crops=5)]

    assert len({way.fingerprint for way in ways}) == 4
    assert all(len(way.fingerprint) == 64 for way in ways)
    assert plain.averaged().model is plain.model
    assert ways[3].averaged(flip=True).fingerprint == ways[1].fingerprint
    assert [averaging(way.model) for way in ways[:2]] == [{}, {"flip": True, "crops": 1}]
    assert ways[3].averaging == {"flip": True, "crops": 5}
    assert ways[3].network is plain.network
    assert (ways[3].dimension, ways[3].device) == (plain.dimension, plain.device)
    with pytest.raises(ConfigError, match="crops must be 1 or 5, got 3"):
        plain.averaged(crops=3)
