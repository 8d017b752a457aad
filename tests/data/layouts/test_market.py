import numpy as np
import pytest
import trees

from reid.data.dataset import read_dataset
from reid.data.verify import statistics
from reid.errors import DataError, MissingInputError


@pytest.fixture
def root(tmp_path):
    trees.market(tmp_path)
    return tmp_path


def test_junk_is_flagged_and_distractors_stay(root):
    """-1 has the junk code, 0000 an identity that no query has; both are counted."""
    splits = read_dataset("market1501", root)
    gallery = splits.tests["test"].gallery

    numbers = statistics(splits, ["0000"])["gallery"]

    assert dict(zip(gallery.paths, gallery.names(), strict=True))["bounding_box_test/-1_c1s1_000401_03.jpg"] == "-1"
    assert gallery.identities.min() == -1
    assert "-1" not in gallery.identity_names
    assert "0000" in gallery.names()
    assert (numbers["junk"], numbers["distractors"], numbers["identities"]) == (1, 1, 3)


def test_cameras_of_two_digits_and_frames_are_read(root):
    """Camera 12 is 12, not 1, and the frame number is the time."""
    query = read_dataset("market1501", root).tests["test"].query

    assert list(query.paths) == ["query/0003_c1s6_015971_00.jpg", "query/0012_c12s1_000001_00.jpg"]
    assert list(query.cameras) == [1, 12]
    assert np.array_equal(query.times, [15971.0, 1.0])
    assert query.names() == ["0003", "0012"]


def test_junk_and_distractors_do_not_train_and_are_no_queries(root):
    """They mean nothing there; they are passed over and counted."""
    trees.picture(root / "bounding_box_train" / "-1_c1s1_000001_00.jpg", 90)
    trees.picture(root / "bounding_box_train" / "0000_c1s1_000002_00.jpg", 91)
    trees.picture(root / "query" / "0000_c1s1_000003_00.jpg", 92)

    splits = read_dataset("market1501", root)

    assert len(splits.train) == 4
    assert len(splits.tests["test"].query) == 2
    assert splits.skipped == {
        "junk or distractor in bounding_box_train": 2,
        "junk or distractor in query": 1,
    }


def test_veri_has_its_own_folder_names_and_queries_in_the_gallery(tmp_path):
    """image_train, image_query, image_test; the same picture may be in both test folders."""
    for folder, name in (
        ("image_train", "0001_c001_00016450_0"),
        ("image_query", "0002_c002_00030600_0"),
        ("image_test", "0002_c002_00030600_0"),
        ("image_test", "0002_c020_00030605_1"),
    ):
        trees.picture(tmp_path / folder / f"{name}.jpg", int(name[6:9]))

    splits = read_dataset("veri", tmp_path)

    assert list(splits.tests["test"].gallery.cameras) == [2, 20]
    assert list(splits.tests["test"].query.times) == [30600.0]


def test_duke_names_are_read(tmp_path):
    """`0005_c2_f0046985.jpg`: the frame has a letter before it."""
    for folder, name in (
        ("bounding_box_train", "0001_c1_f0044158"),
        ("query", "0005_c2_f0046985"),
        ("bounding_box_test", "0005_c8_f0051341"),
    ):
        trees.picture(tmp_path / folder / f"{name}.jpg", int(name[-4:]))

    splits = read_dataset("duke", tmp_path)

    assert list(splits.tests["test"].query.times) == [46985.0]
    assert list(splits.tests["test"].gallery.cameras) == [8]


def test_a_wrong_name_is_named(root):
    """A file that does not say who it shows is an error, not a guess."""
    trees.picture(root / "query" / "0003_c1s6.jpg", 99)

    with pytest.raises(DataError, match=r"query: 1 of 3 file names .* 0003_c1s6.jpg; rename or remove"):
        read_dataset("market1501", root)


def test_a_missing_folder_is_named(root):
    """Exit code 66."""
    for path in (root / "query").iterdir():
        path.unlink()
    (root / "query").rmdir()

    with pytest.raises(MissingInputError, match=r"cannot read the folder .*/query"):
        read_dataset("market1501", root)


def test_names_of_another_form_need_only_a_card(root, tmp_path):
    """The regular expression belongs to the card."""
    for path in root.rglob("*.jpg"):
        identity, camera, *_ = path.stem.split("_")
        path.rename(path.with_name(f"{camera}-{identity}-{path.stem[-9:]}.jpg"))
    card = tmp_path / "mine.yaml"
    card.write_text(
        "name: mine\ntitle: M\nkind: person\nlayout: market\nlicence: Ours.\nsource: Here.\ntree: |\n  mine/\n"
        "options: {names: 'c(?P<camera>[0-9]+)s[0-9]+-(?P<identity>-1|[0-9]+)-.*'}\n"
    )

    splits = read_dataset(str(card), root)

    assert list(splits.tests["test"].query.cameras) == [12, 1]
    assert splits.train.times is None
