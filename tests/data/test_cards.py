from pathlib import Path

import pytest

from reid import shipped
from reid.data.cards import list_cards, load_card, read_card
from reid.data.layouts import LAYOUTS
from reid.errors import ConfigError, MissingInputError

MINIMAL = "name: mine\ntitle: Mine\nkind: vehicle\nlayout: folder\nlicence: Mine.\nsource: Here.\ntree: |\n  mine/\n"


def test_every_shipped_card_is_valid_and_named_like_its_file():
    """Every card can be read, and its name is its file's name."""
    cards = list_cards()

    assert shipped.names("datasets") == [card.name for card in cards]
    assert {card.layout for card in cards} == set(LAYOUTS)


def test_published_datasets_state_counts_protocols_and_origin():
    """Whoever sees a card knows what to expect, how it is scored and where to get it."""
    for card in list_cards():
        assert card.licence, card.name
        assert card.source, card.name
        assert card.tree, card.name
        if card.layout not in {"folder", "table"}:
            assert card.protocols, card.name
            assert card.draw or card.counts["train"]["identities"] > 0


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("vid", "vehicleid"),
        ("VehicleID", "vehicleid"),
        ("market", "market1501"),
        ("Market1501", "market1501"),
        ("duke", "dukemtmc"),
        ("veri", "veri776"),
        ("VeRi-776", "veri776"),
        ("cub", "cub200"),
        ("cars", "cars196"),
        ("sop", "sop"),
    ],
)
def test_names_that_people_know_are_understood(word, name):
    """A card is found by name or alias in any case."""
    assert load_card(word).name == name


def test_no_name_means_two_datasets():
    """Names, aliases and, within a root, folder names are never shared by two cards."""
    cards = list_cards()
    for words in ([(card.name, *card.aliases) for card in cards], [(card.name, *card.roots) for card in cards]):
        lowered = [{word.lower() for word in some} for some in words]
        assert sum(map(len, lowered)) == len(set().union(*lowered))


def test_vehicleid_splits_go_by_their_size_as_well():
    """800, 1600 and 2400 are names of the test sets."""
    assert load_card("vehicleid").split_aliases == {"800": "small", "1600": "medium", "2400": "large"}


def test_an_unknown_name_lists_the_known_ones_and_the_nearest():
    """A typing mistake costs one look."""
    with pytest.raises(ConfigError, match=r"'vehicelid'; did you mean 'vehicleid'\? Known: .*market1501"):
        load_card("vehicelid")


def test_a_card_of_ones_own_is_read_by_its_path(tmp_path):
    """A path ending in .yaml is a card."""
    path = tmp_path / "mine.yaml"
    path.write_text(MINIMAL + "options: {train_fraction: 0.8}\n")

    card = load_card(str(path))

    assert card.name == "mine"
    assert card.settings()["train_fraction"] == 0.8
    assert card.settings()["seed"] == 0


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("titel: x\n", r"titel: unknown key; did you mean 'title'\?"),
        ("cameras: maybe\n", 'cameras: got "maybe", wanted a valid boolean'),
        ("options: {train_fracton: 0.1}\n", r"options.train_fracton: unknown key; did you mean 'train_fraction'\?"),
        ("options: {seed: [1]}\n", r"options.seed: got \[1\], wanted a value like 0"),
        ("options: {train_fraction: true}\n", "options.train_fraction: got true"),
        ("counts: {train: {pictures: 3}}\n", "pictures"),
        ("counts: {train: {images: many}}\n", 'counts.train.images: got "many"'),
        ("protocols: {test: [fast]}\n", 'protocols.test.0: got "fast"'),
        ("split_aliases: {x: y}\n", "split_aliases.x: 'y' has no entry in protocols"),
        ("split_aliases: {800: small}\n", "split_aliases"),
        ("draw: {identities: 3}\n", "draw.images_per_identity: is missing"),
        ("name: again\n", "line 9.*'name' stands here again"),
        ("roots: &a [x]\naliases: *a\n", "aliases are not allowed"),
    ],
)
def test_a_mistake_in_a_card_is_named_with_its_key(tmp_path, extra, words):
    """Unknown keys, wrong types, duplicate keys and aliases end with exit code 78 and the key or line."""
    path = tmp_path / "mine.yaml"
    path.write_text(MINIMAL + extra)

    with pytest.raises(ConfigError, match=words) as caught:
        read_card(path)
    assert str(path) in str(caught.value)


def test_an_unknown_layout_lists_the_known_ones(tmp_path):
    """The layout must be one of LAYOUTS."""
    path = tmp_path / "mine.yaml"
    path.write_text(MINIMAL.replace("layout: folder", "layout: markt"))

    with pytest.raises(ConfigError, match=r"unknown layout 'markt'; did you mean 'market'\? Known: vehicleid"):
        read_card(path)


@pytest.mark.parametrize("content", ["", "just words", "- a\n- b\n", "1: {2: 3}\n"])
def test_a_file_that_is_no_card_is_refused(tmp_path, content):
    """Something else than a mapping of known keys is a mistake, not a crash."""
    path = tmp_path / "mine.yaml"
    path.write_text(content)

    with pytest.raises(ConfigError, match=r"mine.yaml"):
        read_card(path)


def test_a_missing_card_file_is_missing_input():
    """A path to nothing ends with exit code 66."""
    with pytest.raises(MissingInputError, match=r"no card nowhere/mine.yaml"):
        load_card(str(Path("nowhere/mine.yaml")))
