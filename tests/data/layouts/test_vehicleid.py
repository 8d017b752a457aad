import pytest
import trees

from reid.data.dataset import read_dataset
from reid.errors import DataError, MissingInputError


@pytest.fixture
def root(tmp_path):
    trees.vehicleid(tmp_path)
    return tmp_path


def test_vehicle_ids_stay_text_as_in_the_lists(root):
    """Vehicle 10 is "10", and the same vehicle has the same code in every test set."""
    splits = read_dataset("vehicleid", root)

    assert set(splits.train.names()) == {"1", "2", "10"}
    assert splits.train.paths[0] == "image/00010.jpg"
    small, large = splits.tests["small"].gallery, splits.tests["large"].gallery
    assert set(small.identities) < set(large.identities)
    assert splits.tests["small"].query is None


def test_attributes_are_kept_where_there_are_any(root):
    """Model codes by vehicle, empty where unknown; the missing colour file is no problem."""
    splits = read_dataset("vehicleid", root)

    model = dict(zip(splits.train.names(), splits.train.attributes["model"], strict=True))

    assert model == {"1": "17", "2": "", "10": ""}
    assert "colour" not in splits.train.attributes


def test_a_missing_test_list_leaves_out_its_test_set(root):
    """One list is enough; the others are told as problems."""
    (root / "train_test_split" / "test_list_800.txt").unlink()

    splits = read_dataset("vehicleid", root)

    assert list(splits.tests) == ["medium", "large"]
    assert splits.problems[0] == "the list train_test_split/test_list_800.txt is missing, so its test set is left out"


def test_without_any_test_list_the_dataset_is_not_there(root):
    """Exit code 66 with the lists that were looked for."""
    for path in root.glob("train_test_split/test_*"):
        path.unlink()

    with pytest.raises(MissingInputError, match=r"none of the test lists is in .*test_list_1600"):
        read_dataset("vehicleid", root)


@pytest.mark.parametrize("line", ["00010", "../../etc/passwd 1"])
def test_a_bad_line_is_named_with_file_and_number(root, line):
    """Exit code 65 with list and line."""
    path = root / "train_test_split" / "train_list.txt"
    path.write_text(f"{path.read_text()}\n{line}\n")

    with pytest.raises(DataError, match=r"train_list.txt:11: "):
        read_dataset("vehicleid", root)


def test_images_of_a_converted_copy_are_found_by_their_stem(root):
    """A copy in PNG, or lists that write the ending, still fit."""
    for path in (root / "image").glob("*.jpg"):
        path.rename(path.with_suffix(".png"))
    listed = root / "train_test_split" / "train_list.txt"
    listed.write_text(listed.read_text().replace(" ", ".png "))

    splits = read_dataset("vehicleid", root)

    assert splits.train.paths[0] == "image/00010.png"
    assert len(splits.train) == 9


def test_a_line_that_stands_twice_counts_once(root):
    """Repeated lines are passed over and counted."""
    path = root / "train_test_split" / "train_list.txt"
    path.write_text(path.read_text() * 2)

    splits = read_dataset("vehicleid", root)

    assert len(splits.train) == 9
    assert splits.skipped == {"listed again in train": 9}


def test_an_image_under_two_vehicles_is_an_error(root):
    """Both vehicles are named."""
    path = root / "train_test_split" / "train_list.txt"
    path.write_text(f"{path.read_text()}00010 2\n")

    with pytest.raises(DataError, match=r"1 images stand under two identities: image/00010.jpg \(1 and 2\)"):
        read_dataset("vehicleid", root)
