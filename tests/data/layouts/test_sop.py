import pytest
import trees

from reid.data.dataset import read_dataset
from reid.errors import DataError, MissingInputError


@pytest.fixture
def root(tmp_path):
    trees.sop(tmp_path)
    return tmp_path


def test_classes_are_identities_and_super_classes_attributes(root):
    """Headers are passed over, endings in capitals accepted."""
    splits = read_dataset("sop", root)

    assert set(splits.train.names()) == {"1", "2"}
    assert set(splits.train.attributes["super_class"]) == {"5"}
    assert splits.train.paths[0] == "chair_final/1_0.JPG"
    assert splits.tests["test"].protocols == ("all-vs-all",)


def test_a_short_line_is_named(root):
    """Exit code 65 with list and line."""
    path = root / "Ebay_test.txt"
    path.write_text(f"{path.read_text()}99 4 chair_final/4_9.JPG\n")

    with pytest.raises(DataError, match=r"Ebay_test.txt:8: wanted '<image id> <class id> <super class id> <path>'"):
        read_dataset("sop", root)


def test_a_missing_list_is_named(root):
    """Exit code 66."""
    (root / "Ebay_test.txt").unlink()

    with pytest.raises(MissingInputError, match=r"Ebay_test.txt"):
        read_dataset("sop", root)
