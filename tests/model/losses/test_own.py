"""Losses of the user's own: found, checked, called, and what is said when any of that fails."""

import sys

import loss_batches
import pytest
import torch

from reid.errors import ConfigError, DataError
from reid.model.losses import active_pairs, build_loss, check_loss

MODULE = """
import torch
from torch import nn
from reid.errors import DataError

number = 7
calls = []

def plain(*, power=2.0):
    return lambda embeddings, labels: embeddings.abs().pow(power).mean()

class Learned(nn.Module):
    def __init__(self, *, classes, dimension, scale=1.0):
        super().__init__()
        calls.append((classes, dimension, scale))
        self.vectors = nn.Parameter(torch.ones(classes, dimension))
        self.scale, self.active_pairs = scale, None

    def forward(self, embeddings, labels):
        return self.through(embeddings, labels, lambda vectors: vectors)

    def through(self, embeddings, labels, view):
        self.active_pairs = torch.tensor(len(labels))
        return self.scale * (embeddings * view(self.vectors)[labels]).sum(dim=1).mean()

class inner:
    make = plain

def anything(**keys):
    calls.append(keys)
    return plain()

def needs(first, *, second, third=3):
    return plain()

def fails():
    raise ZeroDivisionError("too\\nbad")

def refuses():
    raise DataError("as it says")

def makes_a_number():
    return 3

def of_each_image():
    return lambda embeddings, labels: embeddings.sum(dim=1)

def of_no_tensor():
    return lambda embeddings, labels: 0.5

def sees_the_type():
    return lambda embeddings, labels: torch.tensor(float(embeddings.dtype == torch.float32))
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A module of somebody's own, importable."""
    (tmp_path / "own_losses.py").write_text(MODULE)
    (tmp_path / "own_broken.py").write_text("import no_such_package_at_all")
    (tmp_path / "own_wrong.py").write_text("def half(:\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in ("own_losses", "own_broken", "own_wrong"):
        sys.modules.pop(name, None)


def test_a_function_of_ones_own(own):
    """It is called with its keys, and what it makes is the loss; alone and in a sum."""
    vectors, labels = loss_batches.uneven()
    loss = build_loss({"name": "own_losses:plain", "power": 3.0})
    total = build_loss([{"name": "own_losses:plain"}, {"name": "own_losses:inner.make", "weight": 2}])

    assert loss(vectors, labels).item() == pytest.approx(vectors.abs().pow(3).mean().item())
    assert total(vectors, labels).item() == pytest.approx(3 * vectors.square().mean().item())
    assert active_pairs(loss) is None


def test_a_module_of_ones_own(own):
    """It is given the numbers it asks for; its parameters are the loss's, seen through the learner's view."""
    vectors, labels = loss_batches.uneven()
    loss = build_loss({"name": "own_losses:Learned", "scale": 2.0}, classes=7, dimension=8)
    view = lambda some: some[:, 2:4]  # noqa: E731

    assert sys.modules["own_losses"].calls == [(7, 8, 2.0)]
    assert [tuple(parameter.shape) for parameter in loss.parameters()] == [(7, 8)]
    assert loss(vectors, labels).item() == pytest.approx(2 * vectors.sum(dim=1).mean().item())
    seen = loss.through(view(vectors), labels, view)
    assert seen.item() == pytest.approx(2 * view(vectors).sum(dim=1).mean().item())
    assert active_pairs(loss) == len(labels)


def test_a_factory_that_takes_anything_gets_its_keys(own):
    """And nothing that it does not name."""
    build_loss({"name": "own_losses:anything", "any": "thing"}, classes=3)

    assert sys.modules["own_losses"].calls == [{"any": "thing"}]


def test_own_losses_are_given_float32(own):
    """Outside of autocast."""
    loss = build_loss({"name": "own_losses:sees_the_type"})
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert loss(torch.ones(2, 2, dtype=torch.bfloat16), torch.arange(2)) == 1


CHECKED = [
    ("own_loses:plain", {}, r"there is no module 'own_loses'; install it, or name its folder in PYTHONPATH"),
    ("own_losses.inner:plain", {}, r"there is no module 'own_losses\.inner'"),
    ("own_broken:plain", {}, r"importing own_broken failed: it needs the module 'no_such_package_at_all'"),
    ("own_wrong:half", {}, r"importing own_wrong failed with SyntaxError"),
    ("own_losses:plian", {}, r"own_losses has no 'plian'; did you mean 'plain'\?"),
    ("own_losses:inner.mke", {}, r"own_losses has no 'mke'; did you mean 'make'\?"),
    ("own_losses:number", {}, r"own_losses:number is int, which cannot be called"),
    ("own_losses:", {}, r"got 'own_losses:', wanted package\.module:name"),
    (":plain", {}, r"got ':plain', wanted package\.module:name"),
    ("a/b.py:plain", {}, r"wanted package\.module:name"),
    (
        "own_losses:plain",
        {"powr": 2},
        r"loss\.powr: own_losses:plain has no such key; did you mean 'power'\? It has: power",
    ),
    ("own_losses:needs", {"second": 1}, r"loss\.first: own_losses:needs cannot do without this key"),
    ("own_losses:Learned", {"classes": 5}, r"loss\.classes: own_losses:Learned has no such key. It has: scale"),
    ("own_losses:anything", {"dimension": 5}, r"loss\.dimension: own_losses:anything has no such key"),
]


@pytest.mark.parametrize(("name", "keys", "message"), CHECKED)
def test_mistakes_are_found_before_anything_is_called(own, name, keys, message):
    """What cannot be imported, is not there, cannot be called, or is called with other keys."""
    with pytest.raises(ConfigError, match=message):
        check_loss({"name": name, **keys})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fails", r"loss\.name: own_losses:fails failed with ZeroDivisionError: too\\nbad"),
        ("makes_a_number", r"loss\.name: own_losses:makes_a_number made int, which cannot be called as a loss"),
    ],
)
def test_a_factory_that_fails_is_named(own, name, message):
    """With what it raised, or with what it made."""
    check_loss({"name": f"own_losses:{name}"})
    with pytest.raises(ConfigError, match=message):
        build_loss({"name": f"own_losses:{name}"})


def test_errors_of_ours_are_left_as_they_are(own):
    """They say already what is wrong."""
    with pytest.raises(DataError, match=r"^as it says$"):
        build_loss({"name": "own_losses:refuses"})


@pytest.mark.parametrize(
    ("name", "found"), [("of_each_image", r"a tensor of shape \(20,\)"), ("of_no_tensor", "float")]
)
def test_a_loss_that_is_no_scalar_is_named(own, name, found):
    """At its first call."""
    with pytest.raises(ConfigError, match=rf"loss own_losses:{name}: wanted a tensor with one number.*{found}"):
        build_loss({"name": f"own_losses:{name}"})(*loss_batches.uneven())


def test_a_module_in_this_folder_only(tmp_path, monkeypatch):
    """The command does not look there, and the message says what to do."""
    (tmp_path / "lying_here.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    with pytest.raises(ConfigError, match=r"only in this folder: set PYTHONPATH=\. before the command"):
        check_loss({"name": "lying_here:plain"})
