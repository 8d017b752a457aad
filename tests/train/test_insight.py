"""What is said of each learner is what a loop over its batches and images finds."""

import json
from pathlib import Path

import numpy as np
import oracles
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.errors import ConfigError, DataError, ShapeError
from reid.evaluation.protocols import all_vs_all
from reid.records import Embeddings, build
from reid.train.insight import LearnerTally, SliceRecalls, holds_pairs, slice_recalls

BATCHES = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.floats(0, 10, width=32),
        st.integers(1, 80),
        st.one_of(st.none(), st.integers(0, 5000)),
        st.booleans(),
    ),
    max_size=30,
)


def add(tally: LearnerTally, batches) -> LearnerTally:
    for learner, loss, images, active, pairs in batches:
        counted = None if active is None else torch.tensor(active)
        tally.add(learner, torch.tensor(loss, requires_grad=True), images, active=counted, pairs=pairs)
    return tally


@given(BATCHES)
def test_event_is_what_a_loop_finds(batches) -> None:
    """Means and counts of each learner, None for one that had no batch, or whose loss counts no pairs."""
    event = add(LearnerTally(4), batches).event(7)
    own = [[batch for batch in batches if batch[0] == learner] for learner in range(4)]

    assert (event["event"], event["epoch"], event["recall"]) == ("learners", 7, None)
    assert event["batches"] == [len(some) for some in own]
    assert event["images"] == [sum(batch[2] for batch in some) for some in own]
    assert event["without_pairs"] == sum(not batch[4] for batch in batches)
    for learner, some in enumerate(own):
        active = [batch[3] for batch in some if batch[3] is not None]
        assert event["loss"][learner] == (pytest.approx(np.mean([batch[1] for batch in some])) if some else None)
        assert event["active_pairs"][learner] == (pytest.approx(np.mean(active)) if active else None)


@given(BATCHES, st.integers(0, 30))
def test_it_goes_on_from_its_state_to_the_last_bit(batches, cut: int) -> None:
    """Saved as JSON in the middle of an epoch and taken up again, it ends with the same numbers."""
    state = json.loads(json.dumps(add(LearnerTally(4), batches[:cut]).state()))
    resumed = add(LearnerTally.from_state(state), batches[cut:])

    assert resumed.event(0) == add(LearnerTally(4), batches).event(0)
    assert resumed.state() == add(LearnerTally(4), batches).state()


def test_values_wait_on_the_device_until_there_are_many() -> None:
    """Few values are read at once, none keeps a graph alive, and numbers and the whole training set count too."""
    tally = LearnerTally(1)
    for step in range(600):
        tally.add(None, torch.tensor(0.5, requires_grad=True) * 2 if step % 2 else 3.0, 8)
        assert len(tally._unread) < 256
        assert not any(isinstance(loss, torch.Tensor) and loss.requires_grad for _, loss, _ in tally._unread)

    assert len(tally._unread) > 0
    assert tally.event(0)["loss"] == [2.0]
    assert tally.event(0)["batches"] == [600]


@pytest.mark.parametrize(
    ("identities", "rows", "expected"),
    [
        ([0, 0, 1, 1], [0, 1, 2, 3], True),
        ([0, 0, 1], [0, 1, 2], True),
        ([0, 1, 2], [0, 1, 2], False),
        ([0, 0, 0], [0, 1, 2], False),
        ([0, 0, 1, 1], [5, 5, 2, 2], False),
    ],
)
def test_batches_to_learn_from(identities, rows, expected: bool) -> None:
    """There must be a positive and a negative; an image that stands there twice is not its own positive."""
    assert holds_pairs(np.array(identities), np.array(rows)) is expected


def embeddings(seed: int = 0, *, identities: int = 6, each: int = 3, dimension: int = 8, single: bool = False):
    """Noisy vectors around a centre for each identity; the last identity has one image if `single`."""
    random = np.random.default_rng(seed)
    codes = np.repeat(np.arange(identities), each)
    codes = codes[: len(codes) - each + 1] if single else codes
    vectors = random.normal(size=(identities, dimension))[codes] + random.normal(size=(len(codes), dimension))
    names = [f"{code}" for code in codes]
    return Embeddings(
        (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32),
        build(Path(), [f"{row}.png" for row in range(len(codes))], names),
    )


def recall(vectors, identities) -> float:
    """Recall@1 from the definition, over the images that have a match."""
    rows, found = [list(map(float, row)) for row in vectors], []
    distances = oracles.cosine_distances(rows, rows)
    for query, own in enumerate(identities):
        verdicts = oracles.judged(own, -1, identities, [-1] * len(identities), itself=query)
        ranking = oracles.ranked(distances[query], verdicts)
        found += [oracles.hit(ranking, 1)] if any(ranking) else []
    return float(np.mean(found))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 4]), st.booleans())
def test_recalls_are_those_of_the_definition(seed: int, learners: int, single: bool) -> None:
    """Each slice as vectors of its own, normed for itself, and all together."""
    made = embeddings(seed, single=single)
    codes = made.records.identities.tolist()
    found = slice_recalls(made, learners)
    width = 8 // learners

    assert found.whole == pytest.approx(recall(made.vectors, codes))
    assert found.each == pytest.approx(
        [recall(made.vectors[:, k * width : (k + 1) * width], codes) for k in range(learners)]
    )
    assert found.queries == len(codes) - single
    assert found.gain == pytest.approx(found.whole - max(found.each))
    assert found.figures() == {
        "each": list(found.each),
        "whole": found.whole,
        "gain": found.gain,
        "queries": found.queries,
    }


def test_learned_subspaces_are_seen_through_their_weights() -> None:
    """Weights of 0 and 1 give the slices; others weigh the columns; the length of a weight does not matter."""
    made = embeddings(3)
    fixed = np.kron(np.eye(2), np.ones(4)).astype(np.float32)
    weights = np.random.default_rng(1).uniform(0, 1, (2, 8)).astype(np.float32)
    found = slice_recalls(made, 2, weights=weights)
    codes = made.records.identities.tolist()

    assert slice_recalls(made, 2, weights=3 * fixed) == slice_recalls(made, 2)
    assert found.each == pytest.approx([recall(made.vectors * row, codes) for row in weights])


def test_some_queries_stand_for_all() -> None:
    """The same draw for the same seed; of one query, each recall is 0 or 1; with as many as there are it is exact."""
    made = embeddings(identities=30, each=4)
    some = slice_recalls(made, 2, queries=40, seed=1)

    assert some == slice_recalls(made, 2, queries=40, seed=1)
    assert some.queries == 40
    assert some.whole in {number / 40 for number in range(41)}
    assert some != slice_recalls(made, 2, queries=40, seed=2)
    assert slice_recalls(made, 2).whole == pytest.approx(all_vs_all(made, nmi_seeds=0).recall[1])
    assert slice_recalls(made, 2, queries=1).whole in {0.0, 1.0}


def test_a_learner_that_collapsed_finds_nothing() -> None:
    """A slice of zeros, or of equal vectors, ranks every match last."""
    made = embeddings()
    made.vectors[:, :2] = 0
    made.vectors[:, 2:4] = 0.5

    assert slice_recalls(made, 4).each[:2] == (0.0, 0.0)


def test_what_cannot_be_measured() -> None:
    """Columns that do not divide, weights of another shape, nothing to find."""
    made = embeddings()
    with pytest.raises(ConfigError, match="8 columns cannot be shared equally by 3"):
        slice_recalls(made, 3)
    with pytest.raises(ShapeError, match=r"\(2, 4\), not \(2, 8\)"):
        slice_recalls(made, 2, weights=np.ones((2, 4), np.float32))
    with pytest.raises(DataError, match="nothing to find"):
        slice_recalls(embeddings(each=1), 2)


def test_the_event_holds_the_recalls() -> None:
    """Where they were measured."""
    recalls = SliceRecalls((0.25, 0.5), 0.75, 4)

    assert LearnerTally(2).event(1, recalls)["recall"] == recalls.figures()
    assert recalls.gain == 0.25
