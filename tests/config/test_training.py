"""The defaults of the method and of the training loop."""

from reid.config import DivisionConfig, TrainConfig


def test_the_defaults_are_those_of_the_first_paper() -> None:
    """METHOD section 5, `dc2019`: 8 learners from the start, a new division every 2 epochs, Adam at 1e-5 throughout."""
    division, train = DivisionConfig(), TrainConfig()

    assert (division.learners, division.schedule, division.every, division.subspaces) == (8, "flat", 2, "fixed")
    assert (division.conquer_from, division.finetune_from, division.freeze_backbone) == (80, 190, 0)
    assert (train.epochs, train.identities, train.images_each) == (200, 20, 4)
    assert (train.optimiser, train.lr, train.weight_decay, train.scheduler) == ("adam", 1e-5, 1e-4, "constant")


def test_what_nobody_asked_for_is_off() -> None:
    """Clipping, averaging, accumulating, stopping early and compiling are choices."""
    train = TrainConfig()

    assert (train.clip, train.ema, train.accumulate, train.patience, train.compile) == (None, 0.0, 1, 0, False)
    assert (train.backbone_lr, train.loss_lr, train.on_nan) == (None, None, "stop")
