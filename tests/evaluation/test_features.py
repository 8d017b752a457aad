"""Vectors from elsewhere."""

import pickle

import numpy as np
import pytest
from samples import drawn

from reid.errors import ArtefactError, DataError, MissingInputError, ShapeError
from reid.evaluation.features import load_features
from reid.evaluation.protocols import evaluate

GOOD = {
    "query_vectors": np.eye(3, dtype=np.float32),
    "query_identities": np.array([5, 7, -1]),
    "query_cameras": np.array([0, 1, -1]),
    "gallery_vectors": np.eye(3, dtype=np.float32)[[0, 1]],
    "gallery_identities": np.array([5, 70]),
    "gallery_cameras": np.array([1, 1]),
}


def saved(folder, **changes):
    path = folder / "features.npz"
    np.savez(path, **{name: value for name, value in {**GOOD, **changes}.items() if value is not None})
    return path


def test_queries_and_gallery(tmp_path):
    """Identities share one table, -1 is junk, cameras are read."""
    query, gallery = load_features(saved(tmp_path))

    assert query.records.names() == ["5", "7", "-1"]
    assert gallery.records.names() == ["5", "70"]
    assert query.records.identity_names == gallery.records.identity_names
    assert query.records.cameras.tolist() == [0, 1, -1]
    assert evaluate((query, gallery), "query-gallery").to_dict()["queries_without_match"] == 1


def test_without_gallery_the_queries_are_all_there_is(tmp_path):
    """Then every image is asked against all others."""
    nothing = dict.fromkeys(("gallery_vectors", "gallery_identities", "gallery_cameras", "query_cameras"))
    query, gallery = load_features(saved(tmp_path, **nothing))

    assert query is None
    assert len(gallery.vectors) == 3
    assert gallery.records.cameras is None


@pytest.mark.parametrize("kind", [np.float16, np.float64, np.int8])
def test_other_number_types(tmp_path, kind):
    """Vectors become float32; whole numbers stored as floats, and words, serve as identities."""
    path = saved(
        tmp_path,
        query_vectors=GOOD["query_vectors"].astype(kind),
        query_identities=np.array([5.0, 7.0, -1.0]),
        gallery_identities=np.array(["5", "-1"]),
    )
    query, gallery = load_features(path)

    assert query.vectors.dtype == np.float32
    assert query.records.names() == ["5", "7", "-1"]
    assert gallery.records.names() == ["5", "-1"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"query_identities": None}, "it lacks query_identities"),
        ({"gallery_vectors": None}, "it lacks gallery_vectors"),
        ({"gallery_camera": np.zeros(2)}, r"'gallery_camera' is not known; did you mean 'gallery_cameras'\?"),
        ({"query_identities": np.zeros(4)}, r"query_identities has shape \(4,\), but query_vectors has 3 rows"),
        ({"query_identities": np.zeros((3, 1))}, r"query_identities has shape \(3, 1\)"),
        ({"query_identities": np.array([0, 1.5, 2])}, r"query_identities must be whole numbers.* row 1 is 1\.5"),
        ({"gallery_cameras": np.array([0, -2])}, "gallery_cameras must be whole numbers.* row 1 is -2"),
        ({"gallery_cameras": np.array(["a", "b"])}, "gallery_cameras must be whole numbers.* row 0 is a"),
        ({"gallery_cameras": np.array([np.nan, 0])}, "gallery_cameras must be whole numbers.* row 0 is nan"),
        ({"query_vectors": np.zeros(3)}, "query_vectors must be a matrix of numbers"),
        ({"query_vectors": np.array([["a"], ["b"], ["c"]])}, "query_vectors must be a matrix of numbers"),
        ({"query_vectors": np.array([[{}], [1], [2]], dtype=object)}, "not a .npz file of plain arrays"),
    ],
)
def test_odd_arrays_are_named(tmp_path, changes, message):
    """The message names the file and the array, and says what was found."""
    with pytest.raises(DataError, match=message) as caught:
        load_features(saved(tmp_path, **changes))
    assert "features.npz" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", pickle.dumps({"a": 1}), b"<html>"])
def test_other_files_are_refused(tmp_path, content):
    """Empty, torn, pickled and foreign files are data errors, and nothing in them is run."""
    path = tmp_path / "features.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"not a \.npz file"):
        load_features(path)


def test_a_single_array_is_refused(tmp_path):
    """A .npy file says nothing about identities."""
    path = tmp_path / "vectors.npy"
    np.save(path, np.eye(3))
    with pytest.raises(DataError, match="holds a single array"):
        load_features(path)


def test_damaged_archives_are_refused(tmp_path):
    """Whatever byte is flipped, the file is read as it was or refused."""
    path = saved(tmp_path)
    good = path.read_bytes()
    for position in range(0, len(good), 29):
        damaged = bytearray(good)
        damaged[position] ^= 0x41
        path.write_bytes(damaged)
        try:
            query, gallery = load_features(path)
        except DataError:
            continue
        assert (query.vectors == GOOD["query_vectors"]).all()
        assert (gallery.vectors == GOOD["gallery_vectors"]).all()


def test_non_finite_vectors_are_refused(tmp_path):
    """Also numbers too large for float32; the row is named."""
    for value in (np.nan, 1e300):
        vectors = np.eye(3)
        vectors[2, 2] = value
        with pytest.raises(ShapeError, match=r"query_vectors\[2\]"):
            load_features(saved(tmp_path, query_vectors=vectors))


def test_folders_of_embeddings(tmp_path):
    """One folder is one set; two named query and gallery are a pair."""
    images = drawn(30, 4)
    images.save(tmp_path / "one")
    images.select(slice(10)).save(tmp_path / "two" / "query")
    images.select(slice(10, None)).save(tmp_path / "two" / "gallery")

    query, gallery = load_features(tmp_path / "one")
    assert query is None
    assert len(gallery.vectors) == 30
    query, gallery = load_features(tmp_path / "two")
    assert (len(query.vectors), len(gallery.vectors)) == (10, 20)


def test_what_is_missing_or_damaged(tmp_path):
    """A missing file, an empty folder and a damaged folder are told apart."""
    with pytest.raises(MissingInputError, match="no such file"):
        load_features(tmp_path / "nowhere.npz")
    with pytest.raises(MissingInputError):
        load_features(tmp_path)
    drawn(5, 2).save(tmp_path / "one")
    (tmp_path / "one" / "vectors.npy").write_bytes(b"")
    with pytest.raises(ArtefactError, match=r"vectors\.npy"):
        load_features(tmp_path / "one")
