"""Drawing a whole set onto the disk."""

import contextlib
import math
from collections.abc import Callable
from pathlib import Path

from reid import files
from reid.data.synthetic.layouts import HALVES, LAYOUTS, Arrangement
from reid.data.synthetic.plan import make_plan
from reid.data.synthetic.processes import draw_pictures
from reid.data.synthetic.subjects import KINDS
from reid.errors import ConfigError
from reid.text import did_you_mean, printable


def draw_dataset(
    dest: Path,
    *,
    layout: str,
    kind: str = "vehicle",
    identities: int,
    images_per_identity: int,
    seed: int = 0,
    cameras: int = 6,
    train_fraction: float = 0.5,
    processes: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Draw a re-identification set of vehicles or persons into `dest`, whole or not at all.

    On one machine, every file is a function of the arguments other than `processes` and `progress`, byte for byte.
    Identities 1 to floor(train_fraction * identities) train, the others test.

    Args:
        dest: folder to create; it must not exist, or be empty.
        layout: "market", "vehicleid", "inshop", "sop", "cub", "cars", "folder" or "table".
        kind: "vehicle" or "person".
        identities: how many objects, at least 2 in each split.
        images_per_identity: how many pictures of each, 2 or more.
        seed: of everything that is drawn, 0 or larger.
        cameras: how many take pictures, 1 or more.
        train_fraction: share of the identities that train, in 0..1; "cub" and "cars" allow 0.5 only.
        processes: how many draw, 1 or more; None: as many as there are cores, where there is enough to do. With more
            than one, a script that calls this must do so under `if __name__ == "__main__":`.
        progress: called now and then with the number of pictures finished since the last call; in total that is
            identities * images_per_identity.

    Raises:
        ConfigError: an argument is out of its range.
        OutputError: `dest` exists and is not empty, or cannot be created.
        ArtefactError: writing failed, or a drawing process was killed.
    """
    _check(layout, kind, images_per_identity, cameras, processes)
    training = _training(layout, identities, train_fraction)
    plan = make_plan(seed, kind, identities=identities, training=training, images=images_per_identity, cameras=cameras)
    arrangement = LAYOUTS[layout](plan)
    report = progress or (lambda _done: None)
    with files.new_folder(dest, overwrite=_empty(dest)) as folder:
        _make_folders(folder, arrangement)
        for path, text in arrangement.texts.items():
            (folder / path).write_bytes(text.encode())
        with contextlib.closing(draw_pictures(folder, plan, arrangement, processes)) as drawn:
            for shots in drawn:
                report(sum(shot.identity <= identities for shot in shots))


def _check(layout: str, kind: str, images: int, cameras: int, processes: int | None) -> None:
    for word, known, what in ((layout, LAYOUTS, "layout"), (kind, KINDS, "kind")):
        if word not in known:
            raise ConfigError(
                f"{what} must be one of {', '.join(known)}, got {printable(word)!r}{did_you_mean(word, known)}"
            )
    for name, value, least in (
        ("images_per_identity", images, 2),
        ("cameras", cameras, 1),
        ("processes", processes, 1),
    ):
        if value is not None and value < least:
            raise ConfigError(f"{name} must be {least} or more, got {value}")


def _training(layout: str, identities: int, fraction: float) -> int:
    """How many identities train."""
    if layout in HALVES and fraction != 0.5:
        raise ConfigError(
            f"the first half of the classes trains in layout {layout}: train_fraction must be 0.5, got {fraction}"
        )
    if not 0.0 <= fraction <= 1.0:
        raise ConfigError(f"train_fraction must lie in 0..1, got {fraction}")
    training = math.floor(identities * fraction + 1e-9)
    for split, count in (("train", training), ("test", identities - training)):
        if count < 2:
            raise ConfigError(
                f"{count} of {identities} identities would {split} with train_fraction {fraction:g}, and 2 are the least; "
                "ask for more identities"
            )
    return training


def _empty(dest: Path) -> bool:
    return dest.is_dir() and not any(dest.iterdir())


def _make_folders(folder: Path, arrangement: Arrangement) -> None:
    paths = [path for _, path in arrangement.pictures]
    for parent in sorted({(folder / path).parent for path in (*paths, *arrangement.texts)}):
        parent.mkdir(parents=True, exist_ok=True)
