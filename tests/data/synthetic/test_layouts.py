"""Every set is read back with the project's own readers, besides the letter of each format."""

import numpy as np
import pytest

from reid.data.layouts import LAYOUTS as READERS
from reid.data.layouts.listing import Rows
from reid.data.synthetic import draw_dataset
from reid.data.synthetic.layouts import LAYOUTS
from reid.data.synthetic.plan import make_plan

IDENTITIES, IMAGES, CAMERAS = 9, 5, 3  # 4 identities train, 5 test


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    for layout in LAYOUTS:
        draw_dataset(
            folder / layout,
            layout=layout,
            identities=IDENTITIES,
            images_per_identity=IMAGES,
            cameras=CAMERAS,
            processes=1,
        )
    return folder


def read(sets, layout):
    return READERS[layout].read(sets / layout, READERS[layout].OPTIONS)


def every(listing):
    """All rows of a test set."""
    tests = listing.tests.values()
    return [rows for test in tests for rows in (test.gallery, test.query) if isinstance(rows, Rows)]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_identities_and_images_are_as_many_as_asked_for(sets, layout):
    """4 identities train and 5 others test, 5 images each, every file listed once and there; nothing is passed over."""
    listing = read(sets, layout)
    train, test = set(listing.train.identities), {name for rows in every(listing) for name in rows.identities}
    extra = {"0000", "-1"} if layout == "market" else set()

    assert (len(train), len(test - extra)) == (4, 5)
    assert not train & test
    assert len(listing.train) == 4 * IMAGES
    large = listing.tests.get("large", listing.tests.get("test"))
    images = [*large.gallery.paths, *(large.query.paths if large.query else [])]
    names = [*large.gallery.identities, *(large.query.identities if large.query else [])]
    assert sum(name not in extra for name in names) == 5 * IMAGES
    assert len({*listing.train.paths, *images}) == len(listing.train) + len(images)
    assert all((sets / layout / path).is_file() for path in (*listing.train.paths, *images))
    assert (listing.problems, sum(listing.skipped.values())) == ((), 0)


@pytest.mark.parametrize("layout", ["market", "table"])
def test_cameras_and_times_are_read_back(sets, layout):
    """All three cameras are in all splits, and no two images of an identity and camera have the same time."""
    listing = read(sets, layout)
    for rows in (listing.train, *every(listing)):
        assert set(rows.cameras) == {1, 2, 3}
        known = [row for row, name in enumerate(rows.identities) if name not in {"0000", "-1"}]
        keys = {(rows.identities[row], rows.cameras[row], rows.times[row]) for row in known}
        assert len(keys) == len(known)


def test_market_has_junk_distractors_and_an_identity_that_nobody_asks_for(sets):
    """-1 and 0000 are in the gallery only; one in five test identities has no query."""
    test = read(sets, "market").tests["test"]

    assert (test.gallery.identities.count("-1"), test.gallery.identities.count("0000")) == (4, 4)
    assert len(set(test.query.identities)) == 4
    assert set(test.query.identities) < set(test.gallery.identities)
    pairs = list(zip(test.query.identities, test.query.cameras, strict=True))
    assert len(pairs) == len(set(pairs))


def test_market_names_have_the_official_form(sets):
    """`0001_c1s1_000451_00.jpg`: four digits, camera and recording, six digits of the frame, two of the box."""
    names = [path.name for path in (sets / "market" / "bounding_box_train").iterdir()]

    assert len(names) == 20
    for name in names:
        assert np.all([len(part) for part in name.split("_")] == [4, 4, 6, 6]), name


def test_vehicleid_test_lists_are_nested(sets):
    """Small in medium in large: a third, two thirds and all, but at least two identities."""
    tests = read(sets, "vehicleid").tests
    small, medium, large = (tests[name].gallery for name in ("small", "medium", "large"))

    assert [len(set(rows.identities)) for rows in (small, medium, large)] == [2, 3, 5]
    assert set(small.paths) < set(medium.paths) < set(large.paths)
    lines = (sets / "vehicleid" / "train_test_split" / "train_list.txt").read_text().splitlines()
    assert lines[0] == "0000001 1"


def test_vehicleid_has_the_official_sizes_when_there_are_enough_identities():
    """800, 1600 and 2400 identities, whatever more there are."""
    plan = make_plan(0, "vehicle", identities=2502, training=2, images=2, cameras=2)
    texts = LAYOUTS["vehicleid"](plan).texts

    for size in (800, 1600, 2400):
        lines = texts[f"train_test_split/test_list_{size}.txt"].splitlines()
        assert len({line.split()[1] for line in lines}) == size
        assert len(lines) == 2 * size


def test_inshop_has_count_header_and_three_splits(sets):
    """The count is that of the rows; every test item is both asked for and found."""
    lines = (sets / "inshop" / "Eval" / "list_eval_partition.txt").read_text().splitlines()
    test = read(sets, "inshop").tests["test"]

    assert lines[:2] == [str(IDENTITIES * IMAGES), "image_name item_id evaluation_status"]
    assert {line.split()[2] for line in lines[2:]} == {"train", "query", "gallery"}
    assert set(test.query.identities) == set(test.gallery.identities)


def test_sop_numbers_its_images_through_and_names_super_classes(sets):
    """Test images are counted on from the training images; a folder holds one super class."""
    rows = [
        line.split()
        for side in ("train", "test")
        for line in (sets / "sop" / f"Ebay_{side}.txt").read_text().splitlines()[1:]
    ]

    assert [int(row[0]) for row in rows] == list(range(1, IDENTITIES * IMAGES + 1))
    folders = {(row[2], row[3].split("/")[0]) for row in rows}
    assert len(folders) == len({number for number, _ in folders}) == len({name for _, name in folders})


@pytest.mark.parametrize("layout", ["cub", "cars"])
def test_the_first_classes_train(sets, layout):
    """The reader's halves are the drawing's halves: class folders sort in order of identity."""
    listing = read(sets, layout)
    numbers = [int(path.split("/")[1].split(".")[0]) for path in listing.train.paths]

    assert set(numbers) == {1, 2, 3, 4}


def test_class_folders_sort_beyond_a_thousand():
    """Numbers are padded to one width, so that any sorting keeps their order."""
    plan = make_plan(0, "person", identities=1002, training=501, images=2, cameras=1)
    folders = [path.split("/")[1] for _, path in LAYOUTS["cars"](plan).pictures]

    assert sorted(set(folders)) == list(dict.fromkeys(folders))


def test_the_table_has_the_documented_columns(sets):
    """path,identity,camera,time,split, and the three splits."""
    lines = (sets / "table" / "records.csv").read_text().splitlines()

    assert lines[0] == "path,identity,camera,time,split"
    assert {line.split(",")[4] for line in lines[1:]} == {"train", "query", "gallery"}
