"""The wrapper around any loss: what each learner's batch may change, in every stage."""

import pytest
import torch
from pytorch_metric_learning import losses as library
from torch import Tensor, nn
from torch.nn.functional import normalize

from reid.errors import ConfigError
from reid.model.divide import DivideAndConquer
from reid.model.head import embedding_layer
from reid.model.losses import MarginLoss
from reid.model.subspaces import slice_of

CHANNELS, DIMENSION, LEARNERS = 10, 12, 3
LABELS = torch.arange(4).repeat_interleave(3)


def _pull(embeddings: Tensor, labels: Tensor) -> Tensor:
    """A loss as a plain function: pulls images of one identity together."""
    same = (labels[:, None] == labels[None, :]).float()
    return ((2.0 - 2.0 * embeddings @ embeddings.T) * same).mean()


LOSSES = {
    "function": lambda: _pull,
    "ours": MarginLoss,
    "library triplet": lambda: library.TripletMarginLoss(margin=0.2),
    "library multi-similarity": library.MultiSimilarityLoss,
}


def _features() -> Tensor:
    return torch.randn(len(LABELS), CHANNELS, generator=torch.Generator().manual_seed(0))


def _touched_rows(loss: object, learner: int | None, normalise: str = "slices") -> list[int]:
    torch.manual_seed(0)
    layer = embedding_layer(CHANNELS, DIMENSION, LEARNERS)
    divided = DivideAndConquer(loss, dimension=DIMENSION, learners=LEARNERS, normalise=normalise)  # type: ignore[arg-type]
    divided(layer(_features()), LABELS, learner).backward()
    assert layer.weight.grad is not None
    assert layer.bias.grad is not None
    rows = layer.weight.grad.abs().sum(dim=1).nonzero().squeeze(1).tolist()
    assert rows == layer.bias.grad.nonzero().squeeze(1).tolist()
    return rows


@pytest.mark.parametrize("name", sorted(LOSSES))
@pytest.mark.parametrize("learner", range(LEARNERS))
def test_a_learner_changes_its_own_rows_only(name: str, learner: int) -> None:
    """Stage divide: the gradient touches the embedding layer's rows of the learner's slice and no other."""
    own = list(range(DIMENSION))[slice_of(learner, LEARNERS, DIMENSION)]

    assert _touched_rows(LOSSES[name](), learner) == own


@pytest.mark.parametrize("name", sorted(LOSSES))
@pytest.mark.parametrize("normalise", ["slices", "whole"])
def test_conquer_changes_all_rows(name: str, normalise: str) -> None:
    """Stages conquer and finetune: the gradient touches every row."""
    assert _touched_rows(LOSSES[name](), None, normalise) == list(range(DIMENSION))


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_the_base_loss_sees_unit_vectors_of_the_right_columns(name: str) -> None:
    """The wrapped loss equals the loss itself on the normalised slice, or on the inference embedding."""
    raw, loss = torch.randn(len(LABELS), DIMENSION), LOSSES[name]()
    divided = DivideAndConquer(loss, dimension=DIMENSION, learners=LEARNERS)  # type: ignore[arg-type]
    for learner in (0, 2, None):
        torch.manual_seed(5)
        found = divided(raw, LABELS, learner)
        torch.manual_seed(5)
        seen = divided.embed(raw) if learner is None else normalize(raw[:, slice_of(learner, 3, 12)], dim=1)

        assert torch.equal(found, loss(seen, LABELS))


def test_one_learner_is_the_plain_loss() -> None:
    """K = 1: every stage is the base loss of the normalised embedding."""
    raw = torch.randn(len(LABELS), DIMENSION)
    divided = DivideAndConquer(_pull, dimension=DIMENSION, learners=1)

    assert torch.equal(divided(raw, LABELS, 0), _pull(normalize(raw, dim=1), LABELS))
    assert torch.equal(divided(raw, LABELS, None), _pull(normalize(raw, dim=1), LABELS))


def test_what_the_base_loss_learns_is_a_parameter() -> None:
    """Parameters of the loss are those of the wrapper; a function has none."""
    with_beta = DivideAndConquer(MarginLoss(), dimension=DIMENSION, learners=LEARNERS)
    without = DivideAndConquer(_pull, dimension=DIMENSION, learners=LEARNERS)

    assert [name for name, _ in with_beta.named_parameters()] == ["loss.beta"]
    assert isinstance(with_beta.loss, nn.Module)
    assert list(without.parameters()) == []
    assert without.state_dict() == {}


def test_settings_that_cannot_be_are_refused() -> None:
    """K must divide d, and the rule must exist."""
    with pytest.raises(ConfigError, match="dimension of 12 cannot be shared equally by 5 learners"):
        DivideAndConquer(_pull, dimension=12, learners=5)
    with pytest.raises(ConfigError, match=r"no normalise rule 'slice'; did you mean 'slices'\? Known: slices, whole"):
        DivideAndConquer(_pull, dimension=12, learners=3, normalise="slice")
    with pytest.raises(ConfigError, match="no learner 3"):
        DivideAndConquer(_pull, dimension=12, learners=3)(torch.randn(12, 12), LABELS, 3)
