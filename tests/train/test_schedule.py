"""What happens in which epoch."""

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


def test_one_learner_finetunes_throughout() -> None:
    """With K = 1 there is nothing to divide: every epoch is of the stage that draws from the whole set, from epoch 0 on."""
    alone = Schedule(epochs=12, learners=1, every=2, conquer_from=5, finetune_from=10)

    assert alone.timeline() == [(0, 12, Stage.FINETUNE)]
    assert {alone.division_epoch(epoch) for epoch in range(12)} == {0}


def test_learners_double() -> None:
    """PAMI 2021: K(e) = min(K, 2^floor(e / T)); a division before every T-th epoch all the same."""
    doubling = Schedule(epochs=14, learners=8, every=2, conquer_from=12, finetune_from=None, doubling=True)

    assert [doubling.learners_at(epoch) for epoch in range(14)] == [1, 1, 2, 2, 4, 4, 8, 8, 8, 8, 8, 8, 8, 8]
    assert [epoch for epoch in range(14) if doubling.divides(epoch)] == list(range(0, 14, 2))
    assert doubling.learners_at(10**9) == 8


@given(schedules)
def test_a_flat_schedule_has_all_learners_from_the_start(schedule: Schedule) -> None:
    """CVPR 2019: K(e) = K."""
    assert {schedule.learners_at(epoch) for epoch in range(schedule.epochs)} == {schedule.learners}
