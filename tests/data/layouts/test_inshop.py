import pytest
import trees

from reid.data.dataset import read_dataset
from reid.errors import DataError, MissingInputError


@pytest.fixture
def root(tmp_path):
    trees.inshop(tmp_path)
    return tmp_path


def partition(root):
    return root / "Eval" / "list_eval_partition.txt"


def test_items_keep_their_names_and_there_are_no_cameras(root):
    """Identities are the item ids as text; without cameras the protocol has no camera rule."""
    splits = read_dataset("inshop", root)

    assert set(splits.train.names()) == {"id_00000001", "id_00000002"}
    assert splits.tests["test"].query.cameras is None
    assert splits.tests["test"].protocols == ("query-gallery",)


def test_images_may_lie_in_the_folder_of_the_archive(root):
    """Both Img/img and img are accepted."""
    (root / "Img").mkdir()
    (root / "img").rename(root / "Img" / "img")

    splits = read_dataset("inshop", root)

    assert splits.train.paths[0] == "Img/img/WOMEN/Dresses/id_00000001/00_1_front.jpg"


def test_spaces_tabs_and_the_partition_at_the_top_are_accepted(root):
    """Columns are separated by any white space, and the file may lie beside the images."""
    text = partition(root).read_text().replace("      ", " \t  ")
    (root / "list_eval_partition.txt").write_text(text.replace("\n", "  \r\n"))
    partition(root).unlink()

    assert len(read_dataset("inshop", root).train) == 5


def test_another_number_of_lines_than_announced_is_a_problem(root):
    """A list that was cut off does not pass unnoticed."""
    text = partition(root).read_text()
    partition(root).write_text(text.replace("11\n", "52712\n", 1))

    problems = read_dataset("inshop", root).problems

    assert "list_eval_partition.txt:1: the file announces 52,712 images and lists 11" in problems[0]


def test_a_path_that_no_file_system_takes_is_missing(root):
    """66 with the name, like any other image that is not there."""
    long = "n" * 300 + ".jpg"
    partition(root).write_text(
        partition(root).read_text().replace("img/WOMEN/Dresses/id_00000001/00_1_front.jpg", long)
    )

    with pytest.raises(MissingInputError, match="1 of 11 images of inshop are listed but not in"):
        read_dataset("inshop", root)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("11\n", "\n", ":1: wanted the number of images"),
        (" train\n", " training\n", r":3: wanted '<image> <item id> train\|query\|gallery'"),
        ("img/WOMEN/Dresses/id_00000001/00_1_front.jpg      id_00000001", "id_00000001", ":3: wanted"),
        ("img/WOMEN/Dresses/id_00000001/00", "/img/00", ":3: path '/img/00"),
    ],
)
def test_a_wrong_line_is_named_with_its_number(root, old, new, words):
    """Exit code 65 with file and line."""
    partition(root).write_text(partition(root).read_text().replace(old, new, 1))

    with pytest.raises(DataError, match=words) as caught:
        read_dataset("inshop", root)
    assert "list_eval_partition.txt" in str(caught.value)
