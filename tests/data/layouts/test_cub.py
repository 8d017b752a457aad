import pytest
import trees

from reid.data.dataset import read_dataset
from reid.errors import DataError, MissingInputError


@pytest.fixture
def root(tmp_path):
    trees.cub(tmp_path)
    return tmp_path


def test_the_first_half_of_the_classes_trains(root):
    """Species 1 and 2 train, 10 and 11 test."""
    splits = read_dataset("cub200", root)

    assert set(splits.train.names()) == {"1", "2"}
    assert set(splits.tests["test"].gallery.names()) == {"10", "11"}


def test_class_folders_alone_are_enough(root):
    """Without the two lists the folders' names are the classes."""
    (root / "images.txt").unlink()
    (root / "image_class_labels.txt").unlink()

    splits = read_dataset("cub200", root)

    assert set(splits.train.names()) == {"001.Bird_1", "002.Bird_2"}


def test_lists_that_do_not_fit_together_are_an_error(root):
    """An image without class, or a class without image, is named."""
    path = root / "image_class_labels.txt"
    path.write_text(path.read_text().replace("12 2\n", "13 2\n"))

    with pytest.raises(DataError, match=r"images.txt and image_class_labels.txt name different images, 2 .* '12'"):
        read_dataset("cub200", root)


def test_a_missing_list_of_classes_and_a_wrong_line_are_named(root):
    """Exit code 66 and 65."""
    path = root / "images.txt"
    path.write_text("7\n")
    with pytest.raises(DataError, match=r"images.txt:1: wanted '<image id> <path>'"):
        read_dataset("cub200", root)
    (root / "image_class_labels.txt").unlink()
    path.write_text("7 a.jpg\n")
    with pytest.raises(MissingInputError, match=r"image_class_labels.txt"):
        read_dataset("cub200", root)
