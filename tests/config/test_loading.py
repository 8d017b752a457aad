"""From recipe, file and command line to settings."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from reid import shipped
from reid.config import Config, check, load_config, read_recipe, to_settings
from reid.errors import ConfigError, MissingInputError
from reid.strict_yaml import parse_yaml, to_yaml


@pytest.mark.parametrize("recipe", shipped.names("configs"))
def test_every_shipped_recipe_is_right(recipe: str) -> None:
    """A recipe by name has no mistake, and comes back from what a run writes down of it."""
    config = load_config(recipe)

    assert check(parse_yaml(to_yaml(to_settings(config)), "config.yaml"), "config.yaml") == config


def test_later_sources_win(tmp_path: Path) -> None:
    """Defaults, then the recipe, then --set from left to right, then options of their own that were given."""
    recipe = tmp_path / "own.yaml"
    recipe.write_text("train: {epochs: 20, lr: 1e-3}\nseed: 4\n")

    config = load_config(str(recipe), ["train.epochs=5", "train.epochs=6"], {"seed": 9, "data.root": None})
    assert (config.train.epochs, config.train.lr, config.seed) == (6, 1e-3, 9)
    assert (config.data.root, config.model.backbone) == (None, Config().model.backbone)
    assert load_config(None, [], {"train.epochs": 7}).train.epochs == 7


def test_values_are_read_as_yaml() -> None:
    """What a recipe may say after a colon may stand after the equals sign, as in a shell."""
    config = load_config(
        None,
        [
            "train.lr=1e-4",
            "data.image_size=[256, 128]",
            "data.root=a=b",
            "evaluate.splits=[large]",
            " train.warmup = 2 ",
        ],
    )

    assert (config.train.lr, config.data.image_size, config.train.warmup) == (1e-4, (256, 128), 2)
    assert (config.data.root, config.evaluate.splits) == ("a=b", ("large",))


@pytest.mark.parametrize("written", ["", "# only a remark\n", "train:\n", "train:\nloss:\ndata:\n", "---\n", "\ufeff"])
def test_empty_recipe_and_empty_sections_are_the_defaults(written: str, tmp_path: Path) -> None:
    """A section whose keys are all commented out is no mistake."""
    (tmp_path / "x.yaml").write_text(written, "utf-8")

    assert load_config(str(tmp_path / "x.yaml")) == Config()
    assert load_config(str(tmp_path / "x.yaml"), ["train.epochs=3", "loss.alpha=0.3"]).train.epochs == 3


@pytest.mark.parametrize(
    ("before", "assignments", "after"),
    [
        ({}, ["loss.alpha=0.3"], {"name": "margin", "alpha": 0.3}),
        ({"name": "margin", "alpha": 0.3}, ["loss.name=triplet"], {"name": "triplet"}),
        ({"name": "margin", "alpha": 0.3}, ["loss.name=triplet", "loss.margin=1"], {"name": "triplet", "margin": 1}),
        ({"name": "margin", "alpha": 0.3}, ["loss.margin=1", "loss.name=triplet"], {"name": "triplet", "margin": 1}),
        ({"name": "margin", "alpha": 0.3}, ["loss.beta=1"], {"name": "margin", "alpha": 0.3, "beta": 1}),
        ([{"name": "margin"}], ["loss.name=triplet"], {"name": "triplet"}),
        (
            {},
            ["loss=[{name: margin}, {name: triplet, weight: 2}]"],
            [{"name": "margin"}, {"name": "triplet", "weight": 2}],
        ),
    ],
)
def test_another_loss_brings_its_own_keys(before: Any, assignments: list[str], after: Any, tmp_path: Path) -> None:
    """Naming a loss clears the keys of the one before, wherever it stands; keys alone belong to the loss there is."""
    (tmp_path / "x.yaml").write_text(to_yaml({"loss": before} if before else {}))

    assert load_config(str(tmp_path / "x.yaml"), assignments).loss == after


@pytest.mark.parametrize("assignment", ["", "train.epochs", "=5", ".epochs=5", "train.=5", "a..b=1", "--set", "\n\x1b"])
def test_assignment_without_key_or_value_is_refused(assignment: str) -> None:
    """`--set` says what it wants, and prints what it got without obeying it."""
    with pytest.raises(ConfigError, match=r"wanted KEY=VALUE, such as --set train\.epochs=20") as caught:
        load_config(None, [assignment])
    assert str(caught.value).isprintable()


def test_assignment_below_a_value_is_refused() -> None:
    """A number has no keys."""
    with pytest.raises(ConfigError, match=r"--set seed\.x: 'seed' is not a section"):
        load_config(None, ["seed=1", "seed.x=1"])
    with pytest.raises(ConfigError, match=r"--set train\.lr, line 1: "):
        load_config(None, ["train.lr={"])


def test_unknown_recipe_names_the_nearest_and_all() -> None:
    """A name without ending is a shipped recipe's."""
    with pytest.raises(
        ConfigError, match=r"no recipe 'smal'; did you mean 'small'\? Known: .*small.*path of a \.yaml file"
    ):
        load_config("smal")
    with pytest.raises(ConfigError, match=r"^no recipe '\\x1b\\n'\. Known"):
        load_config("\x1b\n")


@pytest.mark.parametrize("name", ["missing.yaml", "folder.yaml", "missing.yml"])
def test_missing_recipe_file_is_named(name: str, tmp_path: Path) -> None:
    """A name with ending is a path; exit code 66 when nothing is there."""
    (tmp_path / "folder.yaml").mkdir()

    with pytest.raises(MissingInputError, match=f"no recipe file .*{name}"):
        read_recipe(str(tmp_path / name))


@pytest.mark.parametrize("written", ["- a\n- b\n", "[]", "word", "5", "false", "0"])
def test_recipe_that_is_no_mapping_is_refused(written: str, tmp_path: Path) -> None:
    """Also those that Python takes for nothing."""
    (tmp_path / "x.yaml").write_text(written)

    with pytest.raises(ConfigError, match=r"x\.yaml: wanted sections such as 'train:', got "):
        load_config(str(tmp_path / "x.yaml"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": {"dimension": 100}}, "model.dimension: 100 cannot be shared equally by division.learners = 8"),
        ({"division": {"conquer_from": None}}, "division.finetune_from: the finetune stage follows conquer"),
        (
            {"division": {"finetune_from": 10}},
            "division.conquer_from: 80 must not be larger than division.finetune_from = 10",
        ),
        (
            {"division": {"schedule": "doubling", "learners": 12}, "model": {"dimension": 144}},
            "division.learners: got 12, wanted a power of two (2, 4, 8, ...), for division.schedule is doubling",
        ),
        (
            {"train": {"milestones": [5]}},
            "train.milestones: train.scheduler must be multi-step where they are given, and is constant",
        ),
        (
            {"train": {"scheduler": "multi-step"}},
            "train.scheduler: multi-step wanted the epochs at which to lower the rate, such as train.milestones=[20,40]",
        ),
        ({"train": {"epochs": 5, "warmup": 6}}, "train.warmup: 6 must not be larger than train.epochs = 5"),
        ({"data": {"crop_scale": [0.5, 0.1]}}, "data.crop_scale: the smaller number comes first, got [0.5, 0.1]"),
        ({"loss": []}, "loss: got [], wanted at least one loss"),
        ({"loss": {"alpha": 1}}, "loss.name: got null, wanted the name of a loss"),
        ({"loss": [{"name": "margin"}, {"name": 5}]}, "loss.1.name: got 5, wanted the name of a loss"),
    ],
)
def test_contradiction_is_named(settings: dict[str, Any], message: str) -> None:
    """Settings that are right each for itself and wrong together."""
    with pytest.raises(ConfigError) as caught:
        check(settings, "x")
    assert f"\n  {message}" in str(caught.value)


def test_stages_may_be_left_out() -> None:
    """No finetune stage, neither stage, or both at once are schedules."""
    for stages in ({"finetune_from": None}, {"finetune_from": None, "conquer_from": None}, {"finetune_from": 80}):
        check({"division": stages}, "x")


def test_what_is_no_plain_value_is_refused() -> None:
    """Settings made in Python hold only what a file could hold."""
    loop: dict[str, Any] = {}
    loop["data"] = loop
    for settings in ({"data": {"root": Path("x")}}, {"seed": {1}}, loop, {("a",): 1}):
        with pytest.raises(ConfigError, match="x holds something that is not a plain value"):
            check(settings, "x")
    with pytest.raises(ConfigError, match=r"x holds .*\\ud800', which is not valid text"):
        check({"data": {"root": "a\ud800"}}, "x")


def test_root_that_is_not_utf8_comes_back() -> None:
    """A10: a folder with a name in an old encoding can be trained on, and the run read again."""
    config = load_config(None, [], {"data.root": "/mnt/r\udce9sum\udce9"})

    assert config.data.root == "/mnt/r\udce9sum\udce9"
    assert check(parse_yaml(to_yaml(to_settings(config)), "config.yaml"), "config.yaml") == config


def test_a_recipe_can_be_a_change_of_another(tmp_path: Path) -> None:
    """`base` names it, by name or path, over several steps; what is not changed stays; it is no setting itself."""
    middle, last = tmp_path / "middle.yaml", tmp_path / "last.yaml"
    middle.write_text("base: dc2019\ndivision: {learners: 4}\ntrain: {epochs: 7}\nloss: {name: triplet}\n")
    last.write_text(f"base: {middle}\ntrain: {{lr: 0.5}}\n")
    config, base = load_config(str(last)), load_config("dc2019")

    assert (config.division.learners, config.train.epochs, config.train.lr) == (4, 7, 0.5)
    assert config.loss == {"name": "triplet"}
    assert (config.division.conquer_from, config.data) == (80, base.data)


@pytest.mark.parametrize("base", ["5", "[small]", "{name: small}"])
def test_a_base_is_a_name(tmp_path: Path, base: str) -> None:
    """78."""
    path = tmp_path / "x.yaml"
    path.write_text(f"base: {base}\n")
    with pytest.raises(ConfigError, match=r"base: got .*, wanted the name of a recipe"):
        load_config(str(path))


def test_bases_do_not_go_round(tmp_path: Path) -> None:
    """78, where one is a change of the other and the other of the one."""
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    one.write_text(f"base: {other}\n")
    other.write_text(f"base: {one}\n")
    with pytest.raises(ConfigError, match=r"base: got .*, which is a change of this one"):
        load_config(str(one))


def test_later_recipes_change_what_earlier_ones_say() -> None:
    """Controls are recipes that are given after another; each key once, the last counts."""
    config = load_config(("dc2021", "control-plain"), ("train.epochs=3",))

    assert (config.division.learners, config.division.schedule, config.division.subspaces) == (1, "flat", "fixed")
    assert (config.model.dimension, config.train.epochs, config.train.images_each) == (512, 3, 2)
    with pytest.raises(ConfigError, match=r"recipe small \+ dc2019 with the options given"):
        load_config(("small", "dc2019"), ("train.lr=0",))


def test_the_papers_recipes() -> None:
    """METHOD section 5, number by number."""
    first, second = load_config("dc2019"), load_config("dc2021")
    for config, (dimension, learners, identities, each, normalise) in (
        (first, (128, 8, 20, 4, "slices")),
        (second, (512, 32, 40, 2, "whole")),
    ):
        assert (config.model.dimension, config.division.learners, config.division.every) == (dimension, learners, 2)
        assert (config.train.identities, config.train.images_each, config.model.normalise) == (
            identities,
            each,
            normalise,
        )
        assert (config.model.backbone, config.model.weights, config.model.pooling) == (
            "resnet50",
            "pretrained",
            "average",
        )
        assert (config.model.freeze_batchnorm, config.model.dropout) == (True, 0.01)
        assert config.loss == {"name": "margin", "alpha": 0.2, "beta": 1.2, "smallest": 0.5, "cutoff": 1.4}
        assert (config.train.optimiser, config.train.lr, config.train.weight_decay) == ("adam", 1e-5, 1e-4)
        assert (config.train.scheduler, config.data.image_size, config.data.crop) == ("constant", 224, "random-resized")
    assert (first.division.schedule, first.division.subspaces, first.division.freeze_backbone) == ("flat", "fixed", 0)
    assert (first.train.epochs, first.division.conquer_from, first.division.finetune_from) == (200, 80, 190)
    assert (second.division.schedule, second.division.subspaces) == ("doubling", "learned")
    assert (second.division.mask_weight, second.division.mask_lr, second.division.freeze_backbone) == (0.01, 1e-3, 1)
    assert (second.train.epochs, second.division.conquer_from, second.division.finetune_from) == (180, 80, None)
    for name in ("dc2019-cub", "dc2019-cars"):
        four = load_config(name)
        assert four.division.learners == 4
        assert dataclasses.replace(four, division=first.division) == first


def test_a_side_of_the_neck_needs_a_neck() -> None:
    """A loss that is to see vectors before a neck that is not there is a mistake, in a list or alone."""
    for assignment, key in (
        ("loss=[{name: softmax}, {name: triplet, neck: before}]", "loss.1"),
        ("loss.neck=after", "loss"),
    ):
        with pytest.raises(ConfigError, match=rf"{key}\.neck: got .*set model\.neck=batchnorm"):
            load_config("small", (assignment,))
        load_config("small", (assignment, "model.neck=batchnorm"))


@pytest.mark.parametrize("name", [name for name in shipped.names("configs") if name.startswith("control-")])
@pytest.mark.parametrize("base", ["dc2019", "dc2021", "small"])
def test_controls_go_with_every_recipe(name: str, base: str) -> None:
    """METHOD section 6: each control is a recipe, and changes the division or the dimension alone."""
    config, before = load_config((base, name)), load_config(base)

    assert (config.data, config.loss, config.train) == (before.data, before.loss, before.train)
    assert (config.division, config.model) != (before.division, before.model)
