"""What reid-train does in between: it says what it will do before it does it, and leaves nothing begun when it cannot."""

import contextlib
import io

import pytest
from whole_runs import SETTINGS, trained

from reid.cli.settings import run_settings
from reid.cli.training import start, train_and_report
from reid.errors import ConfigError, DataError

OPTIONS = {
    "dataset": "market1501",
    "recipe": ("small",),
    "out": None,
    "epochs": 1,
    "weights": None,
    "seed": None,
    "resume": False,
    "accept_data_change": False,
    "force": False,
    "device": "cpu",
    "dry_run": False,
    "exact": False,
    "on_nan": None,
    "no_report": True,
}


@pytest.fixture
def begin(tmp_path_factory, tmp_path, monkeypatch):
    """Starts a session with further settings in an empty folder; what it says is dropped."""
    made = trained(tmp_path_factory)
    monkeypatch.chdir(tmp_path)

    def starting(*assignments):
        options = {**OPTIONS, "root": made.data, "assignments": (*SETTINGS, *assignments)}
        with contextlib.redirect_stdout(io.StringIO()):
            return start(*run_settings(options), options, quiet=False)

    return starting


def test_introduction_comes_before_training(begin, capsys):
    """One line for what each thing is; a run folder with its settings and nothing else."""
    session = begin("data.validation=0")

    assert session.config.data.root == str(session.splits.train.root.resolve())
    assert session.composition.plan.validation is None
    assert [path.name for path in session.run.path.iterdir()] == ["config.yaml"]
    assert session.run.read_settings()["train"]["epochs"] == 1


def test_nothing_is_begun_where_settings_do_not_fit(begin, tmp_path):
    """No run folder."""
    with pytest.raises(ConfigError, match=r"train\.identities"):
        begin("train.identities=99")
    with pytest.raises(ConfigError, match=r"train\.identities"):
        begin("train={identities: 99}")
    with pytest.raises(ConfigError, match="no test set"):
        begin("evaluate.splits=[x]")
    assert list(tmp_path.iterdir()) == []


def test_limits_on_images_hold_to_the_end(begin):
    """Images above data.max_megapixels are refused in training, as in the tests that follow it."""
    with pytest.raises(DataError, match="megapixels"):
        train_and_report(begin("data.max_megapixels=0.0001"), quiet=True)


def test_without_validation_nothing_is_said_of_the_best_epoch(begin, capsys):
    """The report has the last epoch's figures; printing it is left to the caller."""
    report, show = train_and_report(begin("data.validation=0"), quiet=False)

    assert "best epoch" not in capsys.readouterr().out
    assert report["splits"]["test"]["query-gallery"]["queries"] > 0
    show()
    assert "| test  | query-gallery |" in capsys.readouterr().out


def test_few_identities_make_small_batches(tmp_path_factory, tmp_path, monkeypatch, capsys):
    """What the recipe says is lowered to what there is, said, and kept, so that the run can be resumed and repeated."""
    monkeypatch.chdir(tmp_path)
    given = [setting for setting in SETTINGS if not setting.startswith("train.identities")]
    options = {**OPTIONS, "root": trained(tmp_path_factory).data, "assignments": given}
    session = start(*run_settings(options), options, quiet=False)

    assert session.composition.plan.source.per_batch == 6
    assert capsys.readouterr().out.count("batches are of 6 identities, not of 16 as the recipe has it") == 1
    kept = session.run.read_settings()["train"]["identities"]
    assert kept == session.config.train.identities == 6
