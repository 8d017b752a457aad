"""What reid-train leaves of its held-out identities, and what it says of them."""

from dataclasses import replace

import numpy as np
import pytest
from whole_runs import trained

from reid import files
from reid.cli.calibrating import calibrate_run
from reid.data.dataset import read_dataset
from reid.embed import load_embedder
from reid.evaluation.calibration import calibrate, load_calibration
from reid.train.run_folder import RunFolder
from reid.train.validation import hold_out


@pytest.fixture
def held_out(tmp_path_factory):
    """The model of a run, and the images that the run validated on."""
    made = trained(tmp_path_factory)
    train = read_dataset("market1501", made.data).train
    return made, load_embedder(made.run, device="cpu"), hold_out(train, 0.3, 0)[1]


def test_a_run_is_calibrated_on_its_held_out_identities(held_out):
    """With the kept model's vectors: the file of a run is what its model and data say, to the bit."""
    made, embedder, validation = held_out
    found = load_calibration(made.run, embedder.fingerprint)

    assert found == calibrate(embedder.embed_records(validation, workers=0), seed=0)
    assert found.identities == validation.count()["identities"] == 2
    assert found.across_cameras
    assert "calibrated on " in made.done.out


def test_what_is_said(held_out, tmp_path):
    """Numbers of pairs and one threshold; why there is none, and then an older file goes."""
    _, embedder, validation = held_out
    said = calibrate_run(tmp_path, embedder, validation, seed=0, workers=0)
    found = load_calibration(tmp_path, embedder.fingerprint)

    assert f"{found.matching_pairs:,} matching and {found.other_pairs:,} other pairs of 2 identities" in said
    assert f"score {found.thresholds['1e-1']:.3f} or more" in said
    assert "no identities were held out (data.validation)" in calibrate_run(tmp_path, embedder, None, seed=0)
    assert list(tmp_path.iterdir()) == []
    files.write_text(tmp_path / "calibration.json", "old")
    one = replace(validation, identities=np.zeros(len(validation), dtype=np.int64))
    assert "no calibration.json: " in calibrate_run(tmp_path, embedder, one, seed=0, workers=0)
    assert list(tmp_path.iterdir()) == []


def test_a_new_run_in_an_old_folder_begins_without_it(held_out, tmp_path):
    """Its model is another one."""
    _, embedder, validation = held_out
    calibrate_run(tmp_path, embedder, validation, seed=0, workers=0)
    RunFolder(tmp_path).forget()

    assert load_calibration(tmp_path, embedder.fingerprint) is None
