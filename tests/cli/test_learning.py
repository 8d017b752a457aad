"""Network, loss and optimiser from settings."""

import pytest
import small_runs
import torch

from reid import shipped
from reid.cli.learning import build_learning, build_network, check_learning, group_rates, picture_size, shared
from reid.config import load_config
from reid.errors import ConfigError, MissingInputError
from reid.model.losses import MarginLoss, WeightedSum, build_loss
from reid.model.store import load_model, save_model
from reid.train.group import Group


def config_of(*assignments):
    """The recipe `small` with further settings."""
    return load_config("small", ("data.image_size=32", "train.precision=fp32", *assignments))


def learning_of(*assignments):
    """What learns, of five identities."""
    config = config_of(*assignments)
    return build_learning(config, build_network(config, device="cpu"), 5)


@pytest.mark.parametrize(
    ("assignment", "error", "words"),
    [
        ("model.backbone=resnt50", ConfigError, "did you mean"),
        ("loss.name=margn", ConfigError, "did you mean 'margin'"),
        ("loss.alfa=1", ConfigError, "alfa"),
        ("train.precision=fp16", ConfigError, "train.precision: fp16 needs a GPU, and this is cpu"),
        ("train.sync_batchnorm=true", ConfigError, "train.sync_batchnorm: it needs GPUs"),
    ],
)
def test_mistakes_show_before_anything_is_built(assignment, error, words):
    """What names something that is not there, or that this machine cannot do."""
    with pytest.raises(error, match=words):
        check_learning(config_of(assignment), device="cpu")


@pytest.mark.parametrize(
    ("assignment", "error", "words"),
    [
        ("model.weights=/nowhere/w.pth", MissingInputError, "/nowhere/w.pth"),
        ("model.weights=pretrained", ConfigError, "no pretrained weights"),
    ],
)
def test_weights_that_cannot_be_had_show_without_data(assignment, error, words):
    """The network is built before data are read."""
    with pytest.raises(error, match=words):
        build_network(config_of(assignment), device="cpu")


def test_no_such_device():
    """Named."""
    with pytest.raises(ConfigError, match="abacus"):
        build_network(config_of(), device="abacus")


def test_losses():
    """One, or several with weights."""
    assert isinstance(learning_of().criterion.loss, MarginLoss)
    assert isinstance(learning_of("loss=[{name: margin}, {name: triplet, weight: 0.5}]").criterion.loss, WeightedSum)


def test_what_a_loss_learns_begins_alike():
    """Learned subspaces depend on the seed alone, whatever was drawn before."""
    masks = []
    for seed in (1, 1, 2):
        torch.rand(3)
        masks.append(learning_of("division.subspaces=learned", f"seed={seed}").criterion.subspaces.masks.tolist())

    assert masks[0] == masks[1] != masks[2]


def test_rates_of_groups():
    """What has no rate of its own has the common one; only the network's weights decay."""
    own = group_rates(config_of("train.backbone_lr=0.5", "train.loss_lr=0.25", "train.weight_decay=0.125"))
    common = group_rates(config_of("train.lr=0.75"))

    assert (own.backbone, own.layer.weight_decay, own.loss) == ((0.5, 0.125), 0.125, (0.25, 0.0))
    assert {common.backbone.lr, common.layer.lr, common.loss.lr} == {0.75}


def test_a_network_that_cannot_be_compiled_is_refused(monkeypatch):
    """The compiler is tried out before anything is read; its message is in ours."""

    def failing(_function):
        def call(_pictures):
            raise RuntimeError("no C++ compiler found")

        return call

    monkeypatch.setattr(torch, "compile", failing)
    with pytest.raises(ConfigError, match=r"train\.compile: .*no C\+\+ compiler found\); set it to false"):
        learning_of("train.compile=true")


RECIPES = [name for name in shipped.names("configs") if not name.startswith("control-")]
SHRUNK = ("data.image_size=32", "train.precision=fp32", "model.backbone=test_resnet", "model.weights=random")


@pytest.mark.parametrize("learners", ["1", "4"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_learns(recipe, learners, tmp_path):
    """Of a small backbone: steps of a learner and of the whole vector are finite and move it; it is saved and loaded the same."""
    dimension = "96" if recipe.startswith("strong-") else "64"
    choice = (f"division.learners={learners}", f"model.dimension={dimension}")
    config = load_config(recipe, (*SHRUNK, *choice))
    network = build_network(config, device="cpu", kind="vehicle")
    learning = build_learning(config, network, 4)
    before = [weight.detach().clone() for weight in network.parameters() if weight.requires_grad]
    learning.network.train()
    for step, learner in enumerate((0, int(learners) - 1, None) if config.division.schedule == "flat" else (0, None)):
        outcome = learning.step([small_runs.batch((0, step), learner, seed=step)])
        assert outcome.stepped, outcome
    save_model(tmp_path, network.eval(), small_runs.description(network.architecture))
    again, _, _ = load_model(tmp_path)

    after = [weight for weight in network.parameters() if weight.requires_grad]
    assert not any(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    with torch.inference_mode():
        vectors = network(small_runs.pictures(3))  # which lies in memory in another way, and so rounds differently
        assert vectors.numpy() == pytest.approx(again(small_runs.pictures(3)).numpy(), abs=1e-5)


@pytest.mark.parametrize(("recipe", "size"), [("strong-person", (256, 128)), ("strong-vehicle", (256, 256))])
def test_the_strong_baselines(recipe, size):
    """Number by number what their sources say; triplet before the neck, classifier after it."""
    config = load_config(recipe)
    model, train = config.model, config.train

    assert (model.backbone, model.weights, model.last_stride) == ("resnet50-ibn-a", "pretrained", 1)
    assert (model.pooling, model.neck, model.layer, model.dimension) == ("generalised-mean", "batchnorm", "none", 2048)
    assert (config.data.image_size, config.data.crop, config.data.flip, config.data.erase) == (size, "pad", 0.5, 0.5)
    assert (config.division.learners, model.freeze_batchnorm, model.dropout) == (1, False, 0)
    assert (train.epochs, train.identities, train.images_each) == (120, 16, 4)
    assert (train.optimiser, train.lr, train.weight_decay) == ("adam", 3.5e-4, 5e-4)
    assert (train.scheduler, train.warmup) == ("cosine", 10)
    assert [loss["name"] for loss in config.loss] == ["softmax", "triplet"]
    assert (config.loss[0]["label_smoothing"], config.loss[1]["margin"], config.loss[1]["mining"]) == (0.1, 0.3, "hard")
    assert build_loss(config.loss, classes=4, dimension=8).before_neck == [False, True]


def test_a_resumed_run_needs_no_weights():
    """What it began with may be gone: the checkpoint has all of it."""
    config = config_of("model.weights=/nowhere/w.pth")

    assert build_network(config, device="cpu", resumed=True).notes == ()


def test_pictures_of_persons_are_high():
    """One number is the width; two are taken as they are."""
    one, two = config_of("data.image_size=32"), config_of("data.image_size=[48,32]")

    assert [picture_size(one, kind) for kind in ("person", "vehicle")] == [(64, 32), (32, 32)]
    assert picture_size(two, "person") == (48, 32)


def test_processes_do_not_share_the_neck_out():
    """It is applied to the gathered batch on each of them, as the loss is: only what comes before it is shared out."""
    config = config_of("model.neck=batchnorm", "model.pooling=generalised-mean")
    network = build_network(config, device="cpu")
    seen = []

    class Several(Group):
        world = 2

        def forward(self, network, function):
            seen.extend(network.parameters())
            return function

    learning = shared(build_learning(config, network, 5), Several())
    apart = {id(weight) for weight in network.parameters()} - {id(weight) for weight in seen}

    assert apart == {id(weight) for weight in network.neck.parameters()}
    assert learning.forward == network.before_neck
