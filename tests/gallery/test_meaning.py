"""What scores mean in galleries of different sizes."""

import galleries
import memory_store
import numpy as np
import pytest

from reid import records
from reid.errors import ConfigError
from reid.evaluation.calibration import calibrate
from reid.gallery.meaning import CALIBRATION, Meaning
from reid.records import Embeddings


@pytest.fixture(scope="module")
def calibration():
    """Of fifty identities with four noisy images each."""
    from pathlib import Path

    rows = np.repeat(galleries.unit(50, 16), 4, axis=0) + 0.15 * galleries.unit(200, 16, seed=1)
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    names = [f"{n // 4}" for n in range(200)]
    return calibrate(Embeddings(rows, records.build(Path(), [f"{n}.jpg" for n in range(200)], names)), seed=0)


def meaning(calibration, count=30):
    """Of a gallery with images of five identities, and every tenth of none."""
    store = memory_store.MemoryStore(8)
    store.add(galleries.entries(count), galleries.unit(count), [None] * count)
    if calibration is not None:
        store.set(CALIBRATION, calibration.to_dict())
    return Meaning(store), store


def test_an_uncalibrated_model():
    """Tells nothing."""
    made, _ = meaning(None)

    assert (made.calibration(), made.level(), made.probability(), made.level(1e-4)) == (None, None, None, None)


def test_thresholds_grow_with_the_gallery(calibration):
    """Images without identity count as one each; counted anew when told so."""
    made, store = meaning(calibration)
    assert made.identities() == 5 + 3
    assert made.level(0.1) == calibration.unknown_below(8, false_alarms=0.1).score
    store.add(galleries.entries(500, 100), galleries.unit(500, seed=4), [None] * 500)
    assert made.identities() == 8
    made.forget()
    assert made.identities() == 5 + 3 + 50
    assert (
        made.level(0.1)
        == calibration.unknown_below(58, false_alarms=0.1).score
        > calibration.unknown_below(8, false_alarms=0.1).score
    )


def test_a_rate_that_cannot_be_told(calibration):
    """Is refused where it was asked for."""
    with pytest.raises(ConfigError, match="lower than"):
        meaning(calibration)[0].level(1e-6)


def test_probabilities_begin_at_one_in_as_many_identities(calibration):
    """And one for "none of them"."""
    made, _ = meaning(calibration)

    np.testing.assert_array_equal(made.probability()([0.3, 0.9]), calibration.probability([0.3, 0.9], prior=1 / 9))
