"""The network as a model among others."""

import numpy as np
import pytest
import small_runs
import torch

from reid.embed import Embedder, TorchModel


def test_a_network_computes_in_evaluation_mode(embedder: Embedder) -> None:
    """Whatever mode it was in: the vectors of evaluation, of unit length, and as many numbers as are said."""
    pictures = small_runs.pictures(5)
    with torch.no_grad():
        wanted = embedder.network.eval()(pictures).numpy()
    embedder.network.train()
    made = embedder.model.pictures(pictures.numpy())

    assert made.dtype == np.float32
    assert made == pytest.approx(wanted, abs=1e-6)
    assert made.shape == (5, embedder.dimension)
    assert not embedder.network.training


def test_bfloat16_stays_near(embedder: Embedder) -> None:
    """Products of less precision give nearly the same direction, at unit length."""
    pictures, model = small_runs.pictures(5).numpy(), embedder.model
    assert isinstance(model, TorchModel)
    rough = TorchModel(model.network, model.description, model.fingerprint, model.device, torch.bfloat16)
    made = rough.pictures(pictures)

    assert made.dtype == np.float32
    assert np.linalg.norm(made, axis=1) == pytest.approx(np.ones(5), abs=1e-3)
    assert (made * model.pictures(pictures)).sum(axis=1).min() > 0.99
    assert (made != model.pictures(pictures)).any()
