import numpy as np
import pytest
import trees

from reid.data.dataset import read_dataset
from reid.data.layouts import table
from reid.errors import DataError, MissingInputError

HEADER = "path,identity,camera,time,split\n"


def write(root, text, name="images.csv"):
    (root / name).write_text(text, errors="surrogateescape")
    return root / name


def read(root, text):
    """The layout alone: no image need exist."""
    return table.read(write(root, text), table.OPTIONS)


def test_all_columns_are_read(tmp_path):
    """Camera, time, split and a column of one's own."""
    trees.table(tmp_path)

    splits = read_dataset("table", tmp_path)

    assert splits.train.names() == ["5"] * 3 + ["6"] * 3
    assert list(splits.train.cameras[:3]) == [1, 2, 3]
    assert list(splits.train.times[:3]) == [0.0, 0.5, 1.0]
    assert set(splits.tests["test"].query.attributes["colour"]) == {"red"}


def test_the_table_itself_can_be_the_root(tmp_path):
    """--root may name the file."""
    trees.table(tmp_path)

    assert len(read_dataset("table", tmp_path / "images.csv").train) == 6


def test_path_and_identity_are_enough(tmp_path):
    """Without splits half of the identities are held out; without cameras there is no such column."""
    rows = "".join(f"{identity}{shot}.jpg,{identity}\n" for identity in "abcd" for shot in range(2))

    listing = read(tmp_path, "path,identity\n" + rows)

    assert len(set(listing.train.identities)) == 2
    assert listing.train.cameras is None
    assert listing.train.times is None


def test_unknown_cameras_and_times_are_empty_cells(tmp_path):
    """-1 and NaN where nothing is known, whole numbers also as a spreadsheet writes them."""
    listing = read(tmp_path, HEADER + "a.jpg,1,2.0,,train\nb.jpg,1,,1e3,train\nc.jpg,2,3,7,test\n")

    assert listing.train.cameras == [2, -1]
    assert np.array_equal(listing.train.times, [np.nan, 1000.0], equal_nan=True)


def test_paths_may_be_absolute_and_are_simplified(tmp_path):
    """A table of files that lie elsewhere."""
    trees.picture(tmp_path / "elsewhere" / "a.jpg", 1)
    trees.picture(tmp_path / "set" / "b.jpg", 2)
    write(tmp_path / "set", f"path,identity,split\n{tmp_path}/elsewhere/./a.jpg,1,train\nx/../b.jpg,2,test\n")

    splits = read_dataset("table", tmp_path / "set")

    assert splits.train.files() == [tmp_path / "elsewhere" / "a.jpg"]
    assert list(splits.tests["test"].gallery.paths) == ["b.jpg"]


def test_junk_is_ignored_in_the_gallery_and_dropped_elsewhere(tmp_path):
    """-1 never trains and never asks."""
    text = (
        HEADER
        + "a.jpg,1,,,train\nb.jpg,-1,,,train\nc.jpg,2,,,query\nd.jpg,-1,,,query\ne.jpg,2,,,gallery\nf.jpg,-1,,,gallery\n"
    )

    listing = read(tmp_path, text)

    assert listing.train.identities == ["1"]
    assert listing.tests["test"].query.identities == ["2"]
    assert listing.tests["test"].gallery.identities == ["2", "-1"]
    assert listing.skipped == {"junk in the split train": 1, "junk in the split query": 1}


def test_a_query_may_be_in_the_gallery_as_well(tmp_path):
    """The same image in both roles is one image of one identity."""
    listing = read(tmp_path, HEADER + "a.jpg,1,,,train\nb.jpg,2,,,query\nb.jpg,2,,,gallery\n")

    assert listing.tests["test"].query.paths == listing.tests["test"].gallery.paths == ["b.jpg"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,identity\na.jpg,1\n", r"images.csv:1: there is no column 'path'"),
        ("path,identitiy\na.jpg,1\n", r"no column 'identity'; did you mean 'identitiy'\?"),
        (HEADER + ",1,,,train\n", r"images.csv:2:path: wanted the path of an image, found ''"),
        (HEADER + "a\0b.jpg,1,,,train\n", r"images.csv:2:path: wanted the path"),
        (HEADER + "../a.jpg,1,,,train\n", r"images.csv:2:path: '../a.jpg' leads out of the table's folder"),
        (HEADER + 'a.jpg,1,,,train\n"b\n.jpg", ,,,train\n', r"images.csv:3:identity: wanted an identity, found ' '"),
        (HEADER + "a.jpg,NaN,,,train\n", r"images.csv:2:identity: wanted an identity, found 'NaN'"),
        (HEADER + "a.jpg,1,east,,train\n", r"images.csv:2:camera: wanted a whole number .* found 'east'"),
        (HEADER + "a.jpg,1,1.5,,train\n", r"images.csv:2:camera: wanted a whole number"),
        (HEADER + "a.jpg,1,99999999999,,train\n", r"images.csv:2:camera: wanted a whole number"),
        (HEADER + "a.jpg,1,,noon,train\n", r"images.csv:2:time: wanted seconds or a frame number"),
        (HEADER + "a.jpg,1,,1e999,train\n", r"images.csv:2:time: wanted seconds"),
        (HEADER + "a.jpg,1,,,trian\n", r"images.csv:2:split: wanted train, .* found 'trian'; did you mean 'train'\?"),
        (HEADER + "a.jpg,1,,,\n", r"images.csv:2:split: wanted train"),
        (HEADER + "a.jpg,1,,,train\na.jpg,1,,,train\n", r"images.csv:3:path: 'a.jpg' stands on line 2 already"),
        (
            HEADER + "a.jpg,1,,,train\n./a.jpg,2,,,test\n",
            r"images.csv:3:identity: 'a.jpg' has another identity on line 2",
        ),
        (HEADER + "a.jpg,1,,,train\nb.jpg,1.0,,,train\n", r"images.csv:3:identity: found '1.0' here and '1' elsewhere"),
        (HEADER + "a.jpg,1,,,train\nb.jpg,1,,,query\n", r"images.csv has the splits query, train"),
        (HEADER, r"images.csv has 0 images of 0 identities"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_column(tmp_path, text, words):
    """Exit code 65; the line is the one an editor shows, also after quoted newlines."""
    with pytest.raises(DataError, match=words):
        read(tmp_path, text)


def test_all_mistakes_are_told_at_once_up_to_twenty(tmp_path):
    """One run is enough to mend a table."""
    rows = "".join(f"{number}.jpg,,x,,train\n" for number in range(15))

    with pytest.raises(DataError) as caught:
        read(tmp_path, HEADER + rows)

    lines = str(caught.value).split("\n")
    assert len(lines) == 21
    assert ":2:identity:" in lines[0]
    assert ":2:camera:" in lines[1]
    assert lines[-1] == "and 10 more mistakes"


def test_a_folder_with_several_tables_asks_which(tmp_path):
    """No guessing; without any table the folder is not the dataset."""
    with pytest.raises(MissingInputError, match="there is no table"):
        table.read(tmp_path, table.OPTIONS)
    write(tmp_path, HEADER, "a.csv")
    write(tmp_path, HEADER, "b.csv")
    with pytest.raises(DataError, match=r"several tables: a.csv, b.csv; pass one of them with --root"):
        table.read(tmp_path, table.OPTIONS)


def test_columns_of_other_names_need_only_a_card(tmp_path):
    """options.columns says what they are called."""
    trees.picture(tmp_path / "1.jpg", 1)
    trees.picture(tmp_path / "2.jpg", 2)
    write(tmp_path, "file,plate\n1.jpg,AB\n2.jpg,CD\n")
    card = tmp_path / "mine.yaml"
    card.write_text(
        "name: mine\ntitle: M\nkind: vehicle\nlayout: table\nlicence: Ours.\nsource: Here.\ntree: |\n  mine/\n"
        "options: {columns: {path: file, identity: plate}}\n"
    )

    splits = read_dataset(str(card), tmp_path)

    assert splits.train.identity_names == ("AB", "CD")


def test_parquet_is_read_like_csv(tmp_path):
    """The same table in both formats is the same dataset."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {
        "path": ["a.jpg", "b.jpg", "c.jpg"],
        "identity": [1, 1, 2],
        "camera": [1.0, None, 3.0],
        "split": ["train", "train", "test"],
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")

    listing = table.read(tmp_path / "t.parquet", table.OPTIONS)
    same = read(tmp_path, "path,identity,camera,split\na.jpg,1,1,train\nb.jpg,1,,train\nc.jpg,2,3,test\n")

    assert listing.train == same.train
    assert listing.tests == same.tests
