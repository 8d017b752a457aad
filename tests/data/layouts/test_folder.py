import pytest
import trees

from reid.data.dataset import digest, read_dataset
from reid.errors import DataError


def fill(root, *folders):
    for number, name in enumerate(folders):
        for shot in range(2):
            trees.picture(root / name / f"c{shot}_{number}.png", number * 10 + shot)


def test_splits_are_folders(tmp_path):
    """train and test with a folder per identity."""
    fill(tmp_path, "train/a", "train/b", "test/c")

    splits = read_dataset("folder", tmp_path)

    assert set(splits.train.names()) == {"a", "b"}
    assert set(splits.tests["test"].gallery.names()) == {"c"}
    assert splits.kind == "images"


def test_identities_alone_are_divided_by_the_card(tmp_path):
    """Half of them train, always the same half."""
    fill(tmp_path, "a", "b", "c", "d")

    first, again = read_dataset("folder", tmp_path), read_dataset("folder", tmp_path)

    assert len(set(first.train.names())) == 2
    assert digest(first) == digest(again)


def test_what_lies_beside_splits_or_identities_is_counted(tmp_path):
    """Loose images, other folders, hidden and system files."""
    fill(tmp_path, "train/a", "train/b/deep", "test/c", "notes/x")
    trees.picture(tmp_path / "train" / "loose.png", 99)
    (tmp_path / "train" / "a" / "Thumbs.db").write_bytes(b"")

    splits = read_dataset("folder", tmp_path)

    assert set(splits.train.paths) >= {"train/b/deep/c0_1.png"}
    assert splits.skipped == {
        "folder beside the splits": 1,
        "image outside an identity folder": 1,
        "system file": 1,
    }


def test_cameras_come_from_names_where_the_card_says_so(tmp_path):
    """A card of one's own reads the camera from the file name."""
    fill(tmp_path / "set", "train/a", "test/c")
    card = tmp_path / "mine.yaml"
    card.write_text(
        "name: mine\ntitle: M\nkind: vehicle\nlayout: folder\nlicence: Ours.\nsource: Here.\ntree: |\n  mine/\n"
        "options: {names: 'c(?P<camera>[0-9]+)_.*'}\n"
    )

    assert list(read_dataset(str(card), tmp_path / "set").train.cameras) == [0, 1]


def test_only_a_test_split_can_be_evaluated_but_not_trained_on(tmp_path):
    """It is read, and the lack is told."""
    fill(tmp_path, "query/a", "gallery/a")

    splits = read_dataset("folder", tmp_path)

    assert len(splits.train) == 0
    assert splits.problems == ("there is no training split: a model can be evaluated on this data but not trained",)


def test_only_a_training_split_can_be_trained_on_but_not_evaluated(tmp_path):
    """It is read, and the lack is told."""
    fill(tmp_path, "train/a", "train/b")

    splits = read_dataset("folder", tmp_path)

    assert not splits.tests
    assert splits.problems == ("there is no test split: a model can be trained on this data but not evaluated",)


def test_a_query_without_gallery_is_refused(tmp_path):
    """Exit code 65 with the splits found."""
    fill(tmp_path, "train/a", "query/b")

    with pytest.raises(DataError, match=r"has the splits query, train"):
        read_dataset("folder", tmp_path)
