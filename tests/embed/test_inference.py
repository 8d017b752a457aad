"""A network on batches, without gradients."""

import numpy as np
import pytest
import small_runs
import torch

from reid.data.loader import Reader
from reid.embed import Embedder, Fixed, Inference, run_over, transform
from reid.errors import DataError


def test_no_images_to_run_over_is_an_error(embedder: Embedder) -> None:
    """Embedding an empty list of records cannot be what was meant."""
    reader = Reader([], Fixed(transform(embedder.description)))
    with pytest.raises(DataError, match="there are no images to embed"):
        run_over(reader, embedder.network, embedder.device, Inference(), workers=0)


def test_pooled_features_are_the_backbones(embedder: Embedder) -> None:
    """Space "pooled" gives the feature before the embedding layer; bfloat16 stays near it."""
    pictures = small_runs.pictures(4)
    with torch.no_grad():
        wanted = embedder.network.pooled(pictures).numpy()
    rough = Inference("pooled", precision=torch.bfloat16)(embedder.network, pictures)

    assert Inference("pooled")(embedder.network, pictures) == pytest.approx(wanted, abs=1e-6)
    assert rough.dtype == np.float32
    assert rough == pytest.approx(wanted, rel=0.1, abs=0.05)
