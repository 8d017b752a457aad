"""The wrapper around any loss: what each learner's batch may change, in every stage."""

from collections.abc import Callable

import pytest
import torch
from pytorch_metric_learning import losses as library
from torch import Tensor, nn
from torch.nn.functional import normalize

from reid.errors import ConfigError
from reid.model.divide import DivideAndConquer
from reid.model.head import embedding_layer
from reid.model.losses import MarginLoss, build_loss
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
    assert list(without.state_dict()) == ["subspaces._extra_state"]


def test_settings_that_cannot_be_are_refused() -> None:
    """K must divide d, and the rule must exist."""
    with pytest.raises(ConfigError, match="dimension of 12 cannot be shared equally by 5 learners"):
        DivideAndConquer(_pull, dimension=12, learners=5)
    with pytest.raises(ConfigError, match=r"no normalise rule 'slice'; did you mean 'slices'\? Known: slices, whole"):
        DivideAndConquer(_pull, dimension=12, learners=3, normalise="slice")
    with pytest.raises(ConfigError, match=r"no subspaces 'learnt'; did you mean 'learned'\? Known: fixed, learned"):
        DivideAndConquer(_pull, dimension=12, learners=3, subspaces="learnt")
    with pytest.raises(ConfigError, match="2 learners cannot become 3 by splitting"):
        DivideAndConquer(_pull, dimension=12, learners=12, start=2).grow(3)
    with pytest.raises(ConfigError, match="no learner 3"):
        DivideAndConquer(_pull, dimension=12, learners=3)(torch.randn(12, 12), LABELS, 3)


class _Classes(nn.Module):
    """A loss with a vector for every class, seen as the embeddings are."""

    def __init__(self) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(4, DIMENSION, generator=torch.Generator().manual_seed(3)))
        self.seen: list[Tensor] = []

    def through(self, embeddings: Tensor, labels: Tensor, view: Callable[[Tensor], Tensor]) -> Tensor:
        vectors = normalize(view(self.vectors), dim=1)
        self.seen.append(vectors.detach())
        return -(embeddings * vectors[labels]).sum()


def test_vectors_of_classes_are_seen_through_the_same_subspace() -> None:
    """METHOD 4 (b): sliced or masked with the embeddings while a learner trains, and normalised by the embedding's own
    rule afterwards; a learner's batch moves only its columns of them."""
    for subspaces in ("fixed", "learned"):
        loss = _Classes()
        divided = DivideAndConquer(loss, dimension=DIMENSION, learners=3, subspaces=subspaces)
        raw = torch.randn(len(LABELS), DIMENSION)
        divided(raw, LABELS, 1).backward()
        own = slice_of(1, 3, DIMENSION)
        mask = torch.zeros(DIMENSION) if subspaces == "fixed" else divided.subspaces.masks[1].detach().relu()
        mask[own] = 1.0 if subspaces == "fixed" else mask[own]
        wanted = normalize(loss.vectors.detach() * mask, dim=1)

        assert loss.seen[0] == pytest.approx(wanted[:, own] if subspaces == "fixed" else wanted, abs=1e-6)
        assert loss.vectors.grad is not None
        assert loss.vectors.grad.abs().sum(dim=0).gt(0).tolist() == mask.gt(0).tolist()
        divided(raw, LABELS, None)
        assert torch.equal(loss.seen[1], normalize(divided.embed(loss.vectors.detach()), dim=1))


def test_learned_subspaces_are_trained_and_kept_apart() -> None:
    """A learner's loss is that of normalize(u * relu(m_k)) plus lambda times the overlap; its mask gets a gradient from
    both, the others' from the overlap alone; with the whole embedding no mask matters."""
    raw = torch.randn(len(LABELS), DIMENSION)
    divided = DivideAndConquer(_pull, dimension=DIMENSION, learners=3, subspaces="learned", mask_weight=0.5)
    masks = divided.subspaces.masks
    found = divided(raw, LABELS, 2)
    wanted = _pull(normalize(raw * masks[2].relu(), dim=1), LABELS)

    assert found.item() == pytest.approx((wanted + 0.5 * divided.subspaces.overlap()).item(), rel=1e-5)
    found.backward()
    assert masks.grad is not None
    assert masks.grad.abs().sum(dim=1).gt(0).all()
    assert not divided(raw.requires_grad_(), LABELS, None).isnan()
    masks.grad = None
    divided(raw, LABELS, None).backward()
    assert masks.grad is None


def test_learners_grow_by_splitting() -> None:
    """From one learner, whose subspace is the whole, to K; K of now decides which learners there are."""
    divided = DivideAndConquer(_pull, dimension=16, learners=4, start=1)
    raw = torch.randn(len(LABELS), 16)
    assert torch.equal(divided(raw, LABELS, 0), _pull(normalize(raw, dim=1), LABELS))
    with pytest.raises(ConfigError, match="no learner 1"):
        divided(raw, LABELS, 1)

    assert divided.grow(2)
    assert not divided.grow(2)
    assert torch.equal(divided(raw, LABELS, 1), _pull(normalize(raw[:, 8:], dim=1), LABELS))
    assert divided.grow(4)
    assert torch.equal(divided(raw, LABELS, 3), _pull(normalize(raw[:, 12:], dim=1), LABELS))


@pytest.mark.parametrize("learner", [None, 0, 3])
def test_both_sides_of_a_neck_are_seen_in_the_same_subspace(learner) -> None:
    """The sum of what each loss makes of its own side alone; and a learner gives a gradient to its own columns only."""
    torch.manual_seed(0)
    raw, labels = torch.randn(12, 16, requires_grad=True), torch.arange(12) % 4
    neck = torch.nn.BatchNorm1d(16)
    settings = [{"name": "softmax"}, {"name": "triplet", "weight": 0.5}]
    both = DivideAndConquer(build_loss(settings, classes=4, dimension=16), dimension=16, learners=4)
    softmax, triplet = both.loss.losses
    parts = [DivideAndConquer(loss, dimension=16, learners=4) for loss in (softmax, triplet)]
    value = both(neck(raw), labels, learner, before=raw)
    wanted = parts[0](neck(raw), labels, learner) + 0.5 * parts[1](raw, labels, learner)

    assert value.item() == pytest.approx(wanted.item(), abs=1e-6)
    assert value.item() != pytest.approx(both(neck(raw), labels, learner).item(), abs=1e-4)
    (gradient,) = torch.autograd.grad(value, raw)
    columns = gradient.abs().sum(dim=0).nonzero().flatten().tolist()
    assert columns == list(range(16) if learner is None else range(4 * learner, 4 * learner + 4))
