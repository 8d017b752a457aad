import shutil

import pytest
import trees

from reid.data.dataset import read_dataset
from reid.data.repeats import repeated_images
from reid.errors import MissingInputError


@pytest.fixture
def root(tmp_path):
    trees.market(tmp_path)
    return tmp_path


def repeats(root, **more):
    return repeated_images(read_dataset("market1501", root), **more)


def test_images_that_differ_are_no_repeats(root):
    """Also where sizes are equal."""
    for number, path in enumerate(sorted(root.rglob("*.jpg"))):
        path.write_bytes(b"%04d" % number)

    assert repeats(root) == []


def test_an_image_under_two_identities_is_told(root):
    """Both files, both identities, both sides."""
    shutil.copy(
        root / "bounding_box_train" / "0002_c1s1_000451_03.jpg", root / "bounding_box_train" / "0007_c1s1_000009_00.jpg"
    )

    (line,) = repeats(root)

    assert line.startswith("byte-identical images: ")
    assert "0002_c1s1_000451_03.jpg (0002, train)" in line
    assert "0007_c1s1_000009_00.jpg (0007, train)" in line


def test_an_image_in_training_and_test_is_told(root):
    """A test image that was trained on proves nothing."""
    shutil.copy(root / "query" / "0003_c1s6_015971_00.jpg", root / "bounding_box_train" / "0009_c1s6_015971_00.jpg")

    (line,) = repeats(root)

    assert "(0003, test)" in line
    assert "(0009, train)" in line


def test_repeats_of_one_identity_and_of_junk_are_fine(root):
    """VeRi's queries are in its gallery; junk has no identity."""
    shutil.copy(root / "query" / "0003_c1s6_015971_00.jpg", root / "bounding_box_test" / "0003_c2s6_015971_00.jpg")
    shutil.copy(root / "query" / "0012_c12s1_000001_00.jpg", root / "bounding_box_test" / "-1_c2s6_000007_00.jpg")

    assert repeats(root) == []


def test_many_pairs_are_counted_and_the_first_shown(root):
    """Twenty pairs, then a number."""
    for number in range(30):
        (root / "bounding_box_train" / f"{100 + number:04d}_c1s1_000001_00.jpg").write_bytes(b"same")

    lines = repeats(root)

    assert len(lines) == 21
    assert lines[-1] == "9 more pairs of byte-identical images"


def test_progress_adds_up_to_all_images(root):
    """What is told of being done is what there is to do; junk is not looked at."""
    done = []

    repeats(root, progress=done.append)

    assert sum(done) == len(list(root.rglob("*.jpg"))) - 1


def test_an_image_that_went_is_named(root):
    """Exit code 66."""
    splits = read_dataset("market1501", root)
    (root / "query" / "0003_c1s6_015971_00.jpg").unlink()

    with pytest.raises(MissingInputError, match=r"0003_c1s6_015971_00.jpg"):
        repeated_images(splits)
