import pytest
import trees

from reid.data.dataset import read_dataset
from reid.errors import DataError


def test_annotations_say_the_class(tmp_path):
    """Classes 1 and 2 train, 10 and 11 test."""
    trees.cars(tmp_path)

    splits = read_dataset("cars", tmp_path)

    assert set(splits.train.names()) == {"1", "2"}
    assert set(splits.tests["test"].gallery.names()) == {"10", "11"}
    assert splits.train.paths[0].startswith("car_ims/")


def test_class_folders_will_do(tmp_path):
    """At the top, or in car_ims/ or images/."""
    for number, name in enumerate(("Audi A", "BMW B", "Fiat C", "Volvo D")):
        trees.picture(tmp_path / "images" / name / "1.jpg", number)
        trees.picture(tmp_path / "images" / name / "2.jpg", number + 50)

    splits = read_dataset("cars", tmp_path)

    assert set(splits.train.names()) == {"Audi A", "BMW B"}


@pytest.mark.parametrize("content", [b"", b"<html>", b"MATLAB 5.0 MAT-file" + bytes(200)])
def test_a_damaged_annotation_file_is_named(tmp_path, content):
    """Exit code 65, whatever the MATLAB reader stumbles over."""
    trees.cars(tmp_path)
    (tmp_path / "cars_annos.mat").write_bytes(content)

    with pytest.raises(DataError, match=r"cars_annos.mat is not the annotation file"):
        read_dataset("cars", tmp_path)


def test_cut_off_annotations_are_named(tmp_path):
    """Exit code 65 for a file of which a part is missing."""
    trees.cars(tmp_path)
    path = tmp_path / "cars_annos.mat"
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(DataError, match=r"cars_annos.mat"):
        read_dataset("cars", tmp_path)
