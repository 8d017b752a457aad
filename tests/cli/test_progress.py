"""Lines that change on a terminal, and none elsewhere."""

import contextlib
import io

import pytest

from reid.cli.progress import (
    Counter,
    Status,
    TrainingDisplay,
    division_line,
    duration,
    epoch_line,
    learners_lines,
    skipped_line,
)

DIVISION = {
    "event": "division",
    "sizes": [20, 0, 11],
    "identities": [5, 0, 4],
    "sitting_out": 2,
    "agreement": 0.5,
    "merged": ((1, 2),),
    "seconds": 1.25,
}
EPOCH = {
    "event": "epoch",
    "epoch": 1,
    "epochs": 12,
    "stage": "divide",
    "loss": 0.25,
    "images": 1234,
    "images_per_second": 99.6,
    "seconds": 61.0,
    "validation": None,
    "best_epoch": -1,
}
LEARNERS = {
    "event": "learners",
    "epoch": 1,
    "loss": [0.25, None],
    "images": [640, 0],
    "active_pairs": [12.0, None],
    "batches": [10, 0],
    "without_pairs": 0,
    "recall": {"each": [0.415, 0.4], "whole": 0.58, "gain": 0.165, "queries": 66},
}
SKIPPED = {"event": "skipped", "epoch": 1, "batches": ["batch 3 of learner 1"], "paths": ["a\n.jpg", "b.jpg"]}
STEP = {"event": "step", "epoch": 0, "step": 4, "steps": 10, "loss": 0.5, "images_per_second": 80.0}


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self):
        return True

    def screen(self):
        """What is seen in the end, line by line."""
        lines = []
        for written in self.getvalue().split("\n"):
            line = ""
            for part in written.split("\r"):
                line = part + line[len(part) :]
            lines.append(line.rstrip())
        return lines


@contextlib.contextmanager
def on_a_terminal():
    """Standard error is a terminal, for the block."""
    with contextlib.redirect_stderr(Terminal()) as terminal:
        yield terminal


def test_nothing_where_nobody_looks(capsys):
    """No line in a log file."""
    with Counter("embedding", 10) as counter:
        counter(10)
    Status().show("line")

    assert capsys.readouterr() == ("", "")


def test_counter_counts_and_goes():
    """With a total or without, the line is gone when the work is done, or failed."""
    with on_a_terminal() as terminal:
        for total, words in ((500, "embedding 128/500 "), (None, "embedding 128 ")):
            counter = Counter("embedding", total)
            counter(128)
            assert terminal.screen()[-1].startswith(words)
            assert "images/s" in terminal.screen()[-1]
            with pytest.raises(ValueError, match="x"), counter:
                raise ValueError("x")
            assert terminal.screen() == [""]


def test_status_writes_over_a_longer_line():
    """Nothing of it stays; many updates in a moment are one."""
    with on_a_terminal() as terminal:
        status = Status()
        for line in ("a long line", "not shown"):
            status.show(line)
        assert terminal.screen() == ["a long line"]
        status._shown = 0.0
        status.show("short")
        assert terminal.screen() == ["short"]
        status.clear()
        assert terminal.screen() == [""]


def test_display_prints_lines_and_shows_steps(capsys):
    """Divisions and epochs stay, steps are written over."""
    with on_a_terminal() as terminal:
        display = TrainingDisplay(12, quiet=False)
        display(STEP)
        assert "epoch 1/12  batch 5/10  loss 0.5000  80 images/s" in terminal.screen()[-1]
        display(DIVISION)
        display(SKIPPED)
        display(EPOCH)
        display(LEARNERS)
        display({"event": "done"})

        assert terminal.screen() == [""]
        lines = [division_line(DIVISION), skipped_line(SKIPPED), epoch_line(EPOCH), *learners_lines(LEARNERS)]
        assert capsys.readouterr().out.splitlines() == lines


def test_quiet_display_leaves_standard_output_alone(capsys):
    """For `--json -`."""
    TrainingDisplay(12, quiet=True)(EPOCH)

    assert capsys.readouterr() == ("", epoch_line(EPOCH) + "\n")


def test_lines():
    """What they say."""
    assert division_line(DIVISION) == (
        "  division: 20 + 0 + 11 images, 5 + 0 + 4 identities, 2 sit out, agreement with the last 0.50, "
        "too small, merged: 1 into 2, without images: learner 1, 1.2 s"
    )
    assert "agreement" not in division_line({**DIVISION, "agreement": None})
    assert epoch_line(EPOCH) == "epoch 2/12  divide    loss 0.2500  1,234 images at 100/s  1:01"
    scored = epoch_line({**EPOCH, "validation": 0.5, "best_epoch": 1})
    assert scored.endswith("1:01  validation mAP 50.0  best so far")
    assert epoch_line({**EPOCH, "validation": 0.5, "best_epoch": 0}).endswith("validation mAP 50.0")


def test_lines_about_learners():
    """Losses and recalls one by one, from the least to the most of many, nothing of one learner without recalls."""
    assert learners_lines(LEARNERS) == ["  learners: loss 0.250 -, recall@1 42 40 -> 58 together"]
    assert learners_lines({**LEARNERS, "recall": None}) == ["  learners: loss 0.250 -"]
    whole = {**LEARNERS, "loss": [0.3]}
    assert learners_lines(whole) == ["  learners: recall@1 42 40 -> 58 together"]
    assert learners_lines({**whole, "recall": None}) == []
    many = {**LEARNERS, "loss": [None, *(0.1 * k for k in range(1, 9))], "recall": None}
    assert learners_lines(many) == ["  learners: loss 0.100..0.800"]
    assert learners_lines({**many, "loss": [None] * 9}) == ["  learners: loss -"]


def test_a_warning_about_batches_without_pairs():
    """Where they are more than one in a hundred."""
    batches = {**LEARNERS, "recall": None, "batches": [300, 100]}

    assert len(learners_lines({**batches, "without_pairs": 4})) == 1
    assert learners_lines({**batches, "without_pairs": 5})[1] == (
        "  warning: 5 of 400 batches held nothing to learn from: no two images of one identity, or only one identity"
    )


def test_a_line_about_batches_left_out():
    """With what was in them; names stay on the line."""
    assert skipped_line(SKIPPED) == (
        "  left out: batch 3 of learner 1, loss or gradient not finite; images a\\n.jpg, b.jpg"
    )
    assert "loss -  " in epoch_line({**EPOCH, "loss": None})


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (-3, "0:00"), (6.6, "0:07"), (59.7, "1:00"), (754, "12:34"), (12345, "3:25:45")]
)
def test_duration(seconds, shown):
    """Minutes and seconds, hours where there are any."""
    assert duration(seconds) == shown
