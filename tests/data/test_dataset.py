import dataclasses
import random
from pathlib import Path

import pytest
import trees

from reid.data.cards import load_card
from reid.data.dataset import digest, find_root, how_to_get, read_dataset
from reid.data.verify import statistics
from reid.errors import ConfigError, DataError, MissingInputError

NOWHERE: dict[str, str] = {}


@pytest.fixture(params=sorted(trees.TREES))
def dataset(request, tmp_path):
    """Name of a card and the folder of a tiny dataset that it reads."""
    trees.TREES[request.param](tmp_path / "set")
    return request.param, tmp_path / "set"


def test_every_layout_gives_the_numbers_that_were_written(dataset):
    """Identities, images and cameras of every split are those of the tree."""
    name, root = dataset

    splits = read_dataset(name, root)

    found = {part: (n["identities"], n["images"], n["cameras"]) for part, n in statistics(splits).items()}
    assert found == trees.NUMBERS[name]
    assert splits.name == name
    assert splits.kind == load_card(name).kind
    assert all(path.is_file() for test in splits.tests.values() for path in test.images().files())


def test_all_lists_share_one_sorted_table_and_are_sorted_by_path(dataset):
    """A code means the same identity everywhere, and nothing keeps the order of a list."""
    name, root = dataset
    splits = read_dataset(name, root)
    parts = [splits.train] + [part for test in splits.tests.values() for part in (test.query, test.gallery) if part]

    table = splits.train.identity_names

    assert list(table) == sorted(set(table))
    assert all(part.identity_names is table for part in parts)
    assert all(list(part.paths) == sorted(part.paths) for part in parts)


def test_the_order_of_lists_does_not_matter(dataset):
    """The same lines in another order are the same dataset."""
    name, root = dataset
    before = digest(read_dataset(name, root))
    for path in [*root.rglob("*.txt"), *root.rglob("*.csv")]:
        lines = path.read_text().splitlines(keepends=True)
        head = 2 if name == "inshop" else 1 if name in {"sop", "table"} else 0
        rest = lines[head:]
        random.Random(0).shuffle(rest)
        path.write_text("".join(lines[:head] + rest))

    assert digest(read_dataset(name, root)) == before


def test_protocols_come_from_the_card(tmp_path):
    """Each test set is scored as its card says."""
    trees.vehicleid(tmp_path)

    splits = read_dataset("vid", tmp_path)

    assert list(splits.tests) == ["small", "medium", "large"]
    assert {test.protocols for test in splits.tests.values()} == {("single-shot", "all-vs-all")}


def test_a_test_set_unknown_to_the_card_is_scored_by_its_shape(tmp_path):
    """With queries query-gallery, without all-vs-all."""
    for number, split in enumerate(("train", "query", "gallery", "val")):
        for shot in range(2):
            identity = "b" if split in {"query", "gallery"} else split
            trees.picture(tmp_path / split / identity / f"{shot}.jpg", number * 10 + shot)

    splits = read_dataset("folder", tmp_path)

    assert {name: test.protocols for name, test in splits.tests.items()} == {
        "test": ("query-gallery",),
        "val": ("all-vs-all",),
    }


def test_counts_that_differ_from_the_card_are_told_with_both_numbers(tmp_path):
    """A warning, or an error with strict."""
    trees.market(tmp_path)

    splits = read_dataset("market", tmp_path)

    assert (
        splits.problems[0] == "split train: the card says 751 identities, 12,936 images and 6 cameras; found 2, 4 and 4"
    )
    assert len(splits.problems) == 3
    with pytest.raises(DataError, match=r"(?s)market1501 in .* is not as it should be:.*12,936 images"):
        read_dataset("market", tmp_path, strict=True)


def test_root_comes_from_the_option_then_the_environment_then_the_data_folder(tmp_path, monkeypatch):
    """--root beats $REID_DATA beats $FASTREID_DATASETS beats data/."""
    card = load_card("market1501")
    monkeypatch.chdir(tmp_path)
    places = {name: tmp_path / name / "market1501" for name in ("option", "reid", "fastreid", "data")}
    for place in places.values():
        place.mkdir(parents=True)
    both = {"REID_DATA": str(tmp_path / "reid"), "FASTREID_DATASETS": str(tmp_path / "fastreid")}

    assert find_root(card, places["option"], both) == places["option"]
    assert find_root(card, None, both) == places["reid"]
    assert find_root(card, None, {"FASTREID_DATASETS": str(tmp_path / "fastreid")}) == places["fastreid"]
    assert find_root(card, None, NOWHERE) == Path("data/market1501")


def test_the_older_variable_counts_only_where_ours_is_not_set(tmp_path, monkeypatch):
    """$REID_DATA without the dataset does not fall back to $FASTREID_DATASETS."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old" / "market1501").mkdir(parents=True)

    with pytest.raises(MissingInputError):
        find_root(load_card("market"), None, {"REID_DATA": str(tmp_path), "FASTREID_DATASETS": str(tmp_path / "old")})


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("vehicleid", "VehicleID_V1.0"),
        ("vehicleid", "vehicleid"),
        ("veri776", "VeRi"),
        ("veri776", "veri"),
        ("market1501", "Market-1501-v15.09.15"),
        ("market1501", "market1501"),
        ("msmt17", "MSMT17_V1"),
        ("dukemtmc", "DukeMTMC-reID"),
        ("cub200", "CUB_200_2011"),
        ("sop", "Stanford_Online_Products"),
    ],
)
def test_folders_may_have_the_names_of_their_archives(tmp_path, name, folder):
    """Below $REID_DATA, and below --root, the archive's own folder name is found."""
    (tmp_path / folder).mkdir()

    assert find_root(load_card(name), None, {"REID_DATA": str(tmp_path)}) == tmp_path / folder
    assert find_root(load_card(name), tmp_path, NOWHERE) == tmp_path / folder


def test_ones_own_folder_is_taken_as_it_is(tmp_path):
    """An identity may be called like a dataset."""
    (tmp_path / "folder").mkdir()

    assert find_root(load_card("folder"), tmp_path, NOWHERE) == tmp_path


def test_a_missing_dataset_says_how_to_get_it_and_what_it_looks_like(tmp_path, monkeypatch):
    """Exit code 66 with the places looked at, the source and the tree."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(MissingInputError) as caught:
        read_dataset("vehicleid", environment={"REID_DATA": "/shared"})

    message = str(caught.value)
    assert "/shared/vehicleid, /shared/VehicleID_V1.0" in message
    assert "data/vehicleid" in message
    assert "pkuml.org" in message
    assert "test_list_800.txt" in message
    assert "--root" in message


def test_a_folder_of_something_else_shows_the_tree(dataset, tmp_path):
    """A dataset's folder without its files ends with exit code 66 and the expected tree; own data ends with 65 or 66."""
    name, _ = dataset
    (tmp_path / "other").mkdir()

    with pytest.raises(DataError) as caught:
        read_dataset(name, tmp_path / "other")

    assert str(tmp_path / "other") in str(caught.value)
    if name not in {"folder", "cub200", "cars196"}:
        assert isinstance(caught.value, MissingInputError)
        assert how_to_get(load_card(name)) in str(caught.value)


@pytest.mark.parametrize("root", ["nowhere", "n" * 300, "cards.yaml/x"])
def test_a_folder_that_cannot_be_is_missing_input(tmp_path, monkeypatch, root):
    """Exit code 66 also for names that no file system takes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cards.yaml").touch()

    with pytest.raises(MissingInputError, match="there is no folder"):
        read_dataset("market1501", root)
    with pytest.raises(MissingInputError, match="there is no card"):
        read_dataset(f"{root}.yaml")


def test_digest_sees_paths_identities_and_sizes(tmp_path):
    """Another size, identity, path or number of images is another dataset; the same one read again is not."""
    trees.folder(tmp_path)
    before = digest(read_dataset("folder", tmp_path))
    image = tmp_path / "train" / "a" / "0.png"
    content = image.read_bytes()

    assert digest(read_dataset("folder", tmp_path)) == before
    image.write_bytes(content + b"\0")
    assert digest(read_dataset("folder", tmp_path)) != before
    image.write_bytes(content)
    assert digest(read_dataset("folder", tmp_path)) == before
    image.rename(tmp_path / "train" / "b" / "9.png")
    assert digest(read_dataset("folder", tmp_path)) != before


def test_digest_of_a_dataset_that_lost_an_image_is_missing_input(tmp_path):
    """A file that went since reading is named."""
    trees.folder(tmp_path)
    splits = read_dataset("folder", tmp_path)
    (tmp_path / "test" / "c" / "1.png").unlink()

    with pytest.raises(MissingInputError, match=r"test/c/1.png"):
        digest(splits)


def test_an_unknown_dataset_is_a_configuration_mistake(tmp_path):
    """Exit code 78."""
    with pytest.raises(ConfigError, match="there is no dataset 'marked'"):
        read_dataset("marked", tmp_path)


def test_a_demo_set_is_drawn_once_and_then_read(tmp_path, monkeypatch):
    """A card with a drawing fills its missing or empty folder, and leaves a filled one alone."""
    card = tmp_path / "small.yaml"
    card.write_text(
        "name: small\ntitle: Small\nkind: vehicle\nlayout: market\nlicence: Ours.\nsource: Drawn.\ntree: |\n  small/\n"
        "draw: {identities: 6, images_per_identity: 4, cameras: 2, seed: 1}\n"
    )
    monkeypatch.chdir(tmp_path)

    drawn = []
    first = read_dataset(str(card), environment=NOWHERE, progress=drawn.append)
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "data" / "small").rglob("*.jpg")}
    second = read_dataset(str(card), environment=NOWHERE)

    assert sum(drawn) == 24
    assert len(first.train) == 12
    assert stamps == {path: path.stat().st_mtime_ns for path in stamps}
    assert digest(first) == digest(second)
    assert not first.problems


def test_the_demo_card_counts_what_is_drawn():
    """The card's numbers are those of the plan that the drawing follows."""
    from reid.data.synthetic.layouts import LAYOUTS
    from reid.data.synthetic.plan import make_plan

    card = load_card("demo")
    drawing = card.draw
    plan = make_plan(
        drawing.seed,
        card.kind,
        identities=drawing.identities,
        training=drawing.identities // 2,
        images=drawing.images_per_identity,
        cameras=drawing.cameras,
    )
    found = {}
    for part, folder in (("train", "bounding_box_train"), ("query", "query"), ("gallery", "bounding_box_test")):
        names = [path.split("/")[1] for _, path in LAYOUTS[card.layout](plan).pictures if path.startswith(f"{folder}/")]
        known = [name for name in names if not name.startswith("-1")]
        cameras = {name.split("_")[1].split("s")[0] for name in names}
        found[part] = {
            "identities": len({name.split("_")[0] for name in known}),
            "images": len(names),
            "cameras": len(cameras),
        }

    assert card.counts == found


def test_splits_are_immutable(tmp_path):
    """Values cannot be changed behind anybody's back."""
    trees.folder(tmp_path)
    splits = read_dataset("folder", tmp_path)

    with pytest.raises(dataclasses.FrozenInstanceError):
        splits.name = "other"
