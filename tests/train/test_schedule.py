"""What happens in which epoch."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reid.train.schedule import Schedule, Stage

RELEASED = Schedule(epochs=200, learners=8, every=2, conquer_from=80, finetune_from=190)
"""The released run of the CVPR 2019 paper (METHOD section 3)."""

schedules = st.builds(
    lambda epochs, learners, every, conquer, finetune, freeze: Schedule(
        epochs, learners, every, conquer, None if conquer is None else finetune and conquer + finetune, freeze
    ),
    st.integers(1, 40),
    st.integers(1, 4),
    st.integers(1, 5),
    st.none() | st.integers(0, 45),
    st.none() | st.integers(1, 20),
    st.integers(0, 3),
)


def test_the_released_run() -> None:
    """CVPR 2019: 200 epochs, conquer from 80, finetune from 190, a division before every second epoch up to then."""
    assert RELEASED.timeline() == [(0, 80, Stage.DIVIDE), (80, 190, Stage.CONQUER), (190, 200, Stage.FINETUNE)]
    assert [RELEASED.stage(epoch) for epoch in (79, 80, 189, 190)] == [
        Stage.DIVIDE,
        Stage.CONQUER,
        Stage.CONQUER,
        Stage.FINETUNE,
    ]
    assert [epoch for epoch in range(200) if RELEASED.divides(epoch)] == list(range(0, 190, 2))
    assert not any(RELEASED.backbone_rests(epoch) for epoch in range(200))


def test_one_learner_never_divides() -> None:
    """K = 1 is the plain loss: no division, no resting backbone, and one source of batches up to the finetune stage."""
    plain = Schedule(epochs=200, learners=1, every=2, conquer_from=80, finetune_from=190, freeze_backbone=1)

    assert not any(plain.divides(epoch) or plain.backbone_rests(epoch) for epoch in range(200))
    assert {plain.division_epoch(epoch) for epoch in range(190)} == {0}


def test_clusters_as_sampler_only() -> None:
    """The control `conquer_from: 0`: divisions go on, but every loss sees the whole embedding."""
    control = Schedule(epochs=10, learners=4, every=2, conquer_from=0, finetune_from=None)

    assert control.timeline() == [(0, 10, Stage.CONQUER)]
    assert [epoch for epoch in range(10) if control.divides(epoch)] == [0, 2, 4, 6, 8]


def test_stages_that_never_come() -> None:
    """None is never: a run can stay in its first stage."""
    assert Schedule(5, 4, 2, None, None).timeline() == [(0, 5, Stage.DIVIDE)]


@given(schedules)
def test_the_timeline_covers_every_epoch_once(schedule: Schedule) -> None:
    """Spans follow each other without a gap, stages come in order, each epoch has the stage of its span."""
    spans = schedule.timeline()

    assert [start for start, _, _ in spans] == [0, *(end for _, end, _ in spans[:-1])]
    assert spans[-1][1] == schedule.epochs
    assert [stage for _, _, stage in spans] == [s for s in Stage if s in {stage for _, _, stage in spans}]
    for start, end, stage in spans:
        assert all(schedule.stage(epoch) == stage for epoch in range(start, end))


@given(schedules)
def test_an_epoch_draws_from_the_last_division_before_it(schedule: Schedule) -> None:
    """`division_epoch` is the last epoch that divided, or the beginning of the finetune stage: a loop finds the same."""
    last = 0
    for epoch in range(schedule.epochs):
        begins_finetune = schedule.stage(epoch) == Stage.FINETUNE and (
            epoch == 0 or schedule.stage(epoch - 1) != Stage.FINETUNE
        )
        if schedule.divides(epoch) or begins_finetune:
            last = epoch

        assert schedule.division_epoch(epoch) == last


@given(schedules)
def test_the_backbone_rests_after_each_division(schedule: Schedule) -> None:
    """PAMI 2021: in the first `freeze_backbone` epochs after every division, and never else."""
    for epoch in range(schedule.epochs):
        since = epoch - schedule.division_epoch(epoch)
        wanted = schedule.learners > 1 and schedule.stage(epoch) != Stage.FINETUNE and since < schedule.freeze_backbone

        assert schedule.backbone_rests(epoch) == wanted


def test_constant_learning_rate() -> None:
    """1 throughout, after a linear rise over the warm-up that begins just above zero."""
    plain, warm = Schedule(10, 1, 2, None, None), Schedule(10, 1, 2, None, None, warmup=4)

    assert {plain.learning_rate_factor(epoch, part) for epoch in range(10) for part in (0.0, 0.5)} == {1.0}
    assert warm.learning_rate_factor(0, 0.0) == pytest.approx(0.0025)
    assert warm.learning_rate_factor(2, 0.0) == pytest.approx(0.5, abs=0.01)
    assert warm.learning_rate_factor(3, 0.75) == pytest.approx(0.9375, abs=0.01)
    assert warm.learning_rate_factor(4, 0.0) == 1.0


def test_cosine_learning_rate() -> None:
    """From 1 at the end of the warm-up along half a cosine to 0 at the end of the run."""
    for warmup in (0, 2):
        schedule = Schedule(10, 1, 2, None, None, scheduler="cosine", warmup=warmup)
        span = 10 - warmup
        for epoch in range(warmup, 10):
            for part in (0.0, 0.25):
                wanted = (1 + math.cos(math.pi * (epoch + part - warmup) / span)) / 2
                assert schedule.learning_rate_factor(epoch, part) == pytest.approx(wanted)
        assert schedule.learning_rate_factor(warmup, 0.0) == 1.0
        assert schedule.learning_rate_factor(9, 0.999) < 0.001


@given(st.integers(1, 30), st.integers(0, 29), st.sampled_from(["constant", "cosine"]))
def test_learning_rate_factors_are_positive_and_at_most_one(epochs: int, warmup: int, scheduler: str) -> None:
    """Every step of every run learns, and none faster than the settings say."""
    schedule = Schedule(epochs, 1, 2, None, None, scheduler=scheduler, warmup=min(warmup, epochs - 1))
    for epoch in range(epochs):
        for part in (0.0, 0.3, 0.999):
            assert 0 < schedule.learning_rate_factor(epoch, part) <= 1


def test_one_learner_finetunes_throughout() -> None:
    """With K = 1 there is nothing to divide: every epoch is of the stage that draws from the whole set, from epoch 0 on."""
    alone = Schedule(epochs=12, learners=1, every=2, conquer_from=5, finetune_from=10)

    assert alone.timeline() == [(0, 12, Stage.FINETUNE)]
    assert {alone.division_epoch(epoch) for epoch in range(12)} == {0}
