import pytest
import trees

from reid.data.dataset import read_dataset
from reid.errors import DataError, MissingInputError


def test_person_0_of_training_is_not_person_0_of_the_test(tmp_path):
    """Both trees count from 0; the names say which is which, so nothing overlaps."""
    trees.msmt(tmp_path)

    splits = read_dataset("msmt17", tmp_path)

    assert splits.train.identity_names == ("test/0", "test/1", "train/0", "train/1")
    assert set(splits.train.cameras) == {9, 10}
    assert splits.train.paths[0].startswith("train/0000/0000_001_09_")


def test_the_validation_list_trains(tmp_path):
    """As in the published figures."""
    trees.msmt(tmp_path)
    val = len((tmp_path / "list_val.txt").read_text().splitlines())
    train = len((tmp_path / "list_train.txt").read_text().splitlines())

    assert len(read_dataset("msmt17", tmp_path).train) == train + val


def test_the_second_version_names_its_folders_otherwise(tmp_path):
    """mask_train_v2 and mask_test_v2."""
    trees.msmt(tmp_path)
    (tmp_path / "train").rename(tmp_path / "mask_train_v2")
    (tmp_path / "test").rename(tmp_path / "mask_test_v2")

    splits = read_dataset("msmt17", tmp_path)

    assert splits.tests["test"].query.paths[0].startswith("mask_test_v2/0000/")


def test_a_copy_in_market_style_is_read_too(tmp_path):
    """Folders and names of Market-1501; 0000 is a person here, and numbering restarts in the test."""
    for number, (folder, name) in enumerate(
        (
            ("bounding_box_train", "0000_c1_0002"),
            ("bounding_box_train", "0001_c15_0003"),
            ("query", "0000_c3_0001"),
            ("bounding_box_test", "0000_c14_0005"),
        )
    ):
        trees.picture(tmp_path / folder / f"{name}.jpg", number)

    splits = read_dataset("msmt17", tmp_path)

    assert splits.train.names() == ["train/0000", "train/0001"]
    assert splits.tests["test"].gallery.names() == ["test/0000"]
    assert list(splits.tests["test"].gallery.cameras) == [14]


def test_wrong_lines_and_missing_lists_are_named(tmp_path):
    """Exit code 65 with list and line, 66 with the list."""
    trees.msmt(tmp_path)
    path = tmp_path / "list_query.txt"
    content = path.read_text()

    path.write_text(content + "0001/elsewhere.jpg 1\n")
    with pytest.raises(DataError, match=r"list_query.txt:5: wanted '0000/0000_000_01"):
        read_dataset("msmt17", tmp_path)
    path.unlink()
    with pytest.raises(MissingInputError, match=r"list_query.txt"):
        read_dataset("msmt17", tmp_path)
