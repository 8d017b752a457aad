"""What `reid-train` does with the held-out identities at its end: it learns what the scores of the best model mean."""

from pathlib import Path

from reid.cli.progress import Counter
from reid.embed import Embedder
from reid.errors import DataError
from reid.evaluation.calibration import FILE, Calibration, calibrate, save_calibration
from reid.records import Records

_SHOWN = "1e-3"


def calibrate_run(
    run: Path, embedder: Embedder, validation: Records | None, *, seed: int, workers: int | None = None
) -> str:
    """Write `calibration.json` of a run, or remove an older one where there is nothing to make it from.

    Args:
        run: its folder.
        embedder: its best model.
        validation: images of held-out identities; None where there are none.
        seed: of the run.
        workers: loader processes.

    Returns:
        What the user should know, in a line.

    Raises:
        DataError: an image cannot be read.
        ArtefactError: the file cannot be written.
    """
    if validation is None:
        (run / FILE).unlink(missing_ok=True)
        return f"no {FILE}: no identities were held out (data.validation), so galleries cannot tell what is unknown"
    with Counter("embedding validation images", len(validation)) as counter:
        embedded = embedder.embed_records(validation, workers=workers, progress=counter)
    try:
        found = calibrate(embedded, seed=seed)
    except DataError as error:
        (run / FILE).unlink(missing_ok=True)
        return f"no {FILE}: {error}"
    save_calibration(run, found)
    return _summary(found)


def _summary(found: Calibration) -> str:
    rates = [rate for rate, score in found.thresholds.items() if score is not None]
    pairs = f"{found.matching_pairs:,} matching and {found.other_pairs:,} other pairs of {found.identities} identities"
    if not rates:
        return f"calibrated on {pairs}"
    rate = _SHOWN if _SHOWN in rates else rates[0]
    return (
        f"calibrated on {pairs}: {rate} of the others, and {100 * (found.match_rates[rate] or 0):.1f} % of the matching, "
        f"score {found.thresholds[rate]:.3f} or more"
    )
