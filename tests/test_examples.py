"""Examples run, and do what they say."""

import re
import runpy
import textwrap
from pathlib import Path

import torch

CHECKOUT = Path(__file__).parents[1]
LOOP = CHECKOUT / "examples" / "wrap_your_own_loop.py"


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
