"""The listing of backbones."""

import pytest
from whole_runs import call

from reid.cli import train
from reid.cli.backbones import list_backbones
from reid.errors import ConfigError


def test_names_with_what_is_published(capsys):
    """One a line, and the same as values."""
    values, show = list_backbones("test_vit*")
    show()
    lines = capsys.readouterr().out.splitlines()

    assert {"name": "test_vit", "pretrained": True} in values
    assert [line.split()[0] for line in lines] == [value["name"] for value in values]
    assert all(line.endswith("pretrained") == value["pretrained"] for line, value in zip(lines, values, strict=True))


def test_nothing_found():
    """The nearest name is offered."""
    with pytest.raises(ConfigError, match="no backbone matches 'resnt50'; did you mean 'resnet50'"):
        list_backbones("resnt50")


def test_the_option_needs_nothing_else(tmp_path):
    """With a pattern or without, and no dataset is looked for."""
    assert call(train.main, tmp_path, "--list-backbones", "ibn-a", "--json", "-").code == 0
    assert call(train.main, tmp_path, "--list-backbones").out.count("\n") > 1000
