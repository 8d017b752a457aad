"""Which model `reid-eval` scores: a run's, or an exported one."""

from pathlib import Path
from typing import NamedTuple

from reid.config import Config, check
from reid.train.run_folder import CONFIG, LATEST, open_run


class Scored(NamedTuple):
    """A model to be scored.

    Attributes:
        path: of the run's folder, or of the exported file.
        config: the settings it was trained with; of an exported file no more than its dataset is known.
        home: folder for its report: the run's own, or one beside the file.
    """

    path: Path
    config: Config
    home: Path


def is_exported(path: Path) -> bool:
    """Whether a path is that of an exported model."""
    return path.suffix.lower() == ".onnx"


def to_score(path: Path | None) -> Scored:
    """The model of a run folder or of an exported file; None is the latest run.

    Raises:
        MissingInputError: there is none.
        ArtefactError: the file, or the run's settings, are damaged.
    """
    if path is not None and is_exported(path):
        from reid.model.onnx_file import read

        config = check({"data": {"dataset": read(path)[1].description.dataset}}, str(path))
        return Scored(path, config, path.with_name(f"{path.stem}-report"))
    run = open_run(path or Path("runs") / LATEST)
    return Scored(run.path, check(run.read_settings(), str(run.path / CONFIG)), run.path)
