"""Running out of memory: said in words that help."""

import contextlib
from collections.abc import Iterator

import torch

from reid.errors import TrainingInterrupted
from reid.train.plan import Plan

_SIGNS = ("not enough memory", "can't allocate memory", "cannot allocate memory", "out of memory")


@contextlib.contextmanager
def memory_watched(plan: Plan, position: tuple[int, int], checkpoint: str) -> Iterator[None]:
    """Turn running out of memory, of the machine or of a GPU, into advice.

    Args:
        plan: of the run.
        position: (epoch, step) that is taken.
        checkpoint: to go on from, named in the message; empty where there is none.

    Raises:
        TrainingInterrupted: there is not enough memory; it says which settings to lower.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        source, kept = (
            plan.source,
            f"the last checkpoint is {checkpoint}" if checkpoint else "there is no checkpoint yet",
        )
        raise TrainingInterrupted(
            f"there is not enough memory for epoch {position[0] + 1}, batch {position[1] + 1}: {source.per_batch} identities "
            f"x {source.images_each} images of {plan.description.image_size[0]} x {plan.description.image_size[1]} pixels. "
            "Lower train.identities, train.images_each or data.image_size, or set train.precision=bf16; train.accumulate "
            f"makes up for smaller batches; {kept}"
        ) from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory could not be had: torch has a class of its own for GPUs only."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)
