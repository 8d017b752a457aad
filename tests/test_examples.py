"""Examples run, and do what they say."""

import importlib
import re
import runpy
import sys
import textwrap
from pathlib import Path

import small_runs
import torch

from reid.model.store import save_model

CHECKOUT = Path(__file__).parents[1]
EXAMPLES = CHECKOUT / "examples"
LOOP = EXAMPLES / "wrap_your_own_loop.py"


def test_the_wrapped_loop_learns() -> None:
    """New identities are found far more often after training than before."""
    threads = torch.get_num_threads()
    try:
        before, after = runpy.run_path(str(LOOP))["main"]()
    finally:
        torch.set_num_threads(threads)

    assert before < 0.6
    assert after > before + 0.3


def test_the_page_shows_the_loop_as_it_is() -> None:
    """The first two blocks of code in docs/your-own-loop.md stand in the example, word for word."""
    page = (CHECKOUT / "docs" / "your-own-loop.md").read_text(encoding="utf-8")
    once, loop = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)[:2]

    assert loop.startswith("division, since")
    assert textwrap.indent(once, "    ") in LOOP.read_text(encoding="utf-8")
    assert textwrap.indent(loop, "    ") in LOOP.read_text(encoding="utf-8")


def test_a_loss_of_ones_own_is_learned_and_accepted(tmp_path, monkeypatch, capsys) -> None:
    """It falls in slices and in the whole vector, and reid-train builds it from its name, with its parameters."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    threads, example = torch.get_num_threads(), importlib.import_module("custom_loss")
    try:
        losses = example.learned()
        example.accepted(tmp_path)
    finally:
        torch.set_num_threads(threads)
        sys.modules.pop("custom_loss")

    assert losses[39] < 0.3 * losses[0]
    assert losses[-1] < 0.5 * losses[39]
    assert "1,280 of the loss" in capsys.readouterr().out  # 10 identities x 128


def test_a_dataset_of_ones_own_is_read_by_its_card(tmp_path) -> None:
    """Cameras and times come from names, counts are those of the card, and the test set is scored."""
    splits, figures = runpy.run_path(str(EXAMPLES / "custom_dataset.py"))["main"](tmp_path)

    assert set(splits.train.cameras.tolist()) <= set(range(1, 7))
    assert len(splits.train) == 72
    assert not splits.problems
    assert figures["queries"] == 48
    assert 0 < figures["recall"]["1"] < 1


def test_the_search_answers(tmp_path) -> None:
    """Images are added and found, one gets a name, and a threshold that nothing reaches makes an answer unknown."""
    network = small_runs.network()
    (tmp_path / "run").mkdir()
    save_model(tmp_path / "run", network, small_runs.description(network.architecture))
    lines = runpy.run_path(str(EXAMPLES / "search.py"))["main"](tmp_path, tmp_path / "run")

    assert re.fullmatch(r"\d+ images added", lines[1])
    assert all("camera 1," not in line for line in lines[2:5])
    assert len(lines) == 8
    assert lines[-1].endswith("unknown is True")


def test_appearance_joins_what_a_wall_parts() -> None:
    """By overlap alone every vehicle is two tracks; with appearance it is one, and no track is of two vehicles."""
    by_overlap, by_both = runpy.run_path(str(EXAMPLES / "tracker_appearance.py"))["main"]()

    assert by_overlap == 12
    assert by_both == 6


def test_every_example_is_on_the_page_and_tested() -> None:
    """docs/examples.md links every script, and this file names it."""
    page, tests = (
        (CHECKOUT / "docs" / "examples.md").read_text(encoding="utf-8"),
        Path(__file__).read_text(encoding="utf-8"),
    )

    assert [path.name for path in EXAMPLES.glob("*.py") if f"examples/{path.name})" not in page] == []
    assert [path.stem for path in EXAMPLES.glob("*.py") if path.stem not in tests] == []
