"""Running out of memory."""

from pathlib import Path

import pytest
import small_runs
import torch

from reid.errors import TrainingInterrupted
from reid.train.memory import is_out_of_memory, memory_watched


def test_torch_is_asked_for_more_than_there_is() -> None:
    """E13: what torch really raises when the machine has no such memory is known for what it is; other errors are not."""
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**58, dtype=torch.uint8)

    assert is_out_of_memory(caught.value)
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(KeyError("memory"))


def test_the_message_says_what_to_lower(tmp_path: Path) -> None:
    """E13: the size of a batch and the settings that make it; what is kept; other errors pass as they are."""
    plan = small_runs.plan(small_runs.patches(tmp_path, identities=4, each=3))
    with (
        pytest.raises(
            TrainingInterrupted,
            match=r"epoch 3, batch 5: 3 identities x 3 images of 32 x 32 .*train\.identities.*last checkpoint is x/last",
        ) as caught,
        memory_watched(plan, (2, 4), "x/last.ckpt"),
    ):
        torch.empty(2**58, dtype=torch.uint8)
    assert caught.value.exit_code == 75
    with pytest.raises(TrainingInterrupted, match="there is no checkpoint yet"), memory_watched(plan, (0, 0), ""):
        raise MemoryError
    with pytest.raises(RuntimeError, match="something else"), memory_watched(plan, (0, 0), ""):
        raise RuntimeError("something else")
