"""Files of arrays from elsewhere, MATLAB's among them; `.npz` files are tested with what is made of them."""

import numpy as np
import pytest
from scipy.io import savemat

from reid.errors import DataError, MissingInputError, ShapeError
from reid.evaluation.feature_files import NAMES, read_feature_file
from reid.evaluation.features import load_features
from reid.evaluation.protocols import evaluate

BASELINE = {
    "query_f": np.eye(3, dtype=np.float32),
    "query_label": [5, 7, -1],
    "query_cam": [1, 2, 1],
    "gallery_f": np.eye(3, dtype=np.float32)[[0, 1]],
    "gallery_label": [5, 0],
    "gallery_cam": [2, 2],
}


def saved(folder, content=None, name="pytorch_result.mat", **options):
    path = folder / name
    savemat(path, BASELINE if content is None else content, **options)
    return path


@pytest.mark.parametrize("options", [{}, {"do_compression": True}])
def test_files_of_market_baselines(tmp_path, options):
    """Lists become rows in MATLAB; identities, junk and cameras are read all the same."""
    query, gallery = load_features(saved(tmp_path, **options))

    assert query.records.names() == ["5", "7", "-1"]
    assert gallery.records.names() == ["5", "0"]
    assert query.records.cameras.tolist() == [1, 2, 1]
    assert gallery.records.cameras.tolist() == [2, 2]
    assert (query.vectors == np.eye(3)).all()
    assert query.records.paths.tolist() == ["query_f[0]", "query_f[1]", "query_f[2]"]
    report = evaluate((query, gallery), "query-gallery")
    assert (report.cmc[1], report.counts.junk_queries, report.counts.queries_without_match) == (1, 1, 1)


def test_our_own_names_and_columns(tmp_path):
    """The names of `.npz` files serve as well, columns as well as rows, and numbers of any type."""
    content = {
        "query_vectors": np.eye(2),
        "query_identities": np.array([[1.0], [2.0]]),
        "gallery_vectors": np.eye(2),
        "gallery_identities": np.array([1, 2], dtype=np.uint8),
    }
    query, gallery = load_features(saved(tmp_path, content))

    assert query.records.names() == gallery.records.names() == ["1", "2"]
    assert query.records.cameras is gallery.records.cameras is None


@pytest.mark.parametrize("words", [np.array(["ann", "bo"]), np.array(["ann", "bo"], dtype=object)])
def test_words_are_identities(tmp_path, words):
    """Padded rows of letters, and cells."""
    _, gallery = load_features(saved(tmp_path, {"query_vectors": np.eye(2), "query_identities": words}))

    assert gallery.records.names() == ["ann", "bo"]


def test_a_single_image(tmp_path):
    """One row stays a row, and a single number is a list of one."""
    content = {"query_f": np.eye(3)[:1], "query_label": [4], "gallery_f": np.eye(3)[:1], "gallery_label": [4]}
    query, gallery = load_features(saved(tmp_path, content))

    assert query.vectors.shape == gallery.vectors.shape == (1, 3)
    assert query.records.names() == ["4"]


def test_queries_of_several_images_are_left_aside(tmp_path):
    """What baselines store besides for their multi-query figures."""
    found = read_feature_file(saved(tmp_path, {**BASELINE, "mquery_f": np.eye(3), "mquery_label": [1, 2, 3]}))

    assert found.arrays.keys() == set(NAMES)
    assert found.name("query_identities") == "query_label"
    assert found.name("query_cameras") == "query_cam"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"query_label": [5, 7]}, r"query_label has shape \(2,\), but query_f has 3 rows"),
        (
            {"query_f": np.zeros((4, 3))},
            r"query_label has shape \(3,\), but query_f has 4 rows; images must be its rows",
        ),
        ({"gallery_cam": []}, r"gallery_cam has shape \(0,\), but gallery_f has 2 rows"),
        ({"gallery_cam": [1, 2.5]}, "gallery_cam must be whole numbers.* row 1 is 2.5"),
        ({"gallery_cam": np.array(["a", "b"])}, "gallery_cam must be whole numbers.* row 0 is a"),
        ({"query_label": [[5, 7], [1, 2]]}, r"query_label has shape \(2, 2\)"),
        ({"query_f": np.array([1 + 2j])}, "query_f must be .* it is complex numbers"),
        ({"query_f": {"a": 1}}, "query_f must be an array of numbers or words; it is a struct"),
        (
            {"query_label": np.array(["a", 3, "c"], dtype=object)},
            "query_label must be .* it is cells that hold more than words",
        ),
        ({"query_lable": [5]}, r"'query_lable' is not known; did you mean 'query_label'\?"),
        ({"query_identities": [5, 7, -1]}, "holds both query_label and query_identities"),
    ],
)
def test_odd_arrays_are_named(tmp_path, changes, message):
    """By the name that they have in the file."""
    with pytest.raises(DataError, match=message) as caught:
        load_features(saved(tmp_path, {**BASELINE, **changes}))
    assert "pytorch_result.mat" in str(caught.value)


def test_sparse_matrices_are_refused(tmp_path):
    """They are no plain arrays."""
    from scipy.sparse import csc_array

    with pytest.raises(DataError, match="query_f must be an array of numbers or words; it is a sparse matrix"):
        load_features(saved(tmp_path, {**BASELINE, "query_f": csc_array(np.eye(3))}))


def test_what_is_missing(tmp_path):
    """Arrays, or the file."""
    with pytest.raises(DataError, match="lacks gallery_identities"):
        load_features(saved(tmp_path, {name: BASELINE[name] for name in BASELINE if name != "gallery_label"}))
    with pytest.raises(MissingInputError):
        read_feature_file(tmp_path / "nothing.mat")


def test_numbers_that_are_none(tmp_path):
    """NaN is refused, naming the row."""
    vectors = np.eye(3)
    vectors[1, 1] = np.nan
    with pytest.raises(ShapeError, match=r"query_f\[1\]"):
        load_features(saved(tmp_path, {**BASELINE, "query_f": vectors}))


def test_new_matlab_files_are_explained(tmp_path):
    """They are of another format, HDF5; the message says how to write the one that can be read."""
    path = tmp_path / "features.mat"
    path.write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124, b" ") + b"\x00\x02IM" + b"\x89HDF\r\n\x1a\n")
    with pytest.raises(DataError, match=r"is a MATLAB 7\.3 file.*'-v7'"):
        read_feature_file(path)


def test_the_first_bytes_tell_as_well(tmp_path):
    """A MATLAB file of any name; and what is called .mat but is none."""
    assert read_feature_file(saved(tmp_path, name="result", appendmat=False)).arrays.keys() == set(NAMES)
    (tmp_path / "other.mat").write_bytes(b"<html>" * 50)
    with pytest.raises(DataError, match=r"not a \.mat file, or damaged"):
        read_feature_file(tmp_path / "other.mat")


@pytest.mark.parametrize("compressed", [False, True])
def test_damaged_files_are_refused(tmp_path, compressed):
    """Whatever byte is changed, and wherever the file ends: an error of ours, or a file that holds what it says."""
    path = saved(tmp_path, do_compression=compressed)
    good = path.read_bytes()
    generator = np.random.Generator(np.random.Philox(7))
    damaged = [good[: len(good) * part // 40] for part in range(40)]
    places = zip(*generator.integers(0, (len(good), 256), (300, 2)).T.tolist(), strict=True)
    damaged += [good[:place] + bytes([value]) + good[place + 1 :] for place, value in places]
    refused = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            load_features(path)
        except (DataError, ShapeError):
            refused += 1
    assert refused > (200 if compressed else 40)
