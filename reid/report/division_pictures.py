"""All pictures of a run's divisions and learners, from the files in its folder."""

from pathlib import Path

from reid.data.images import MAX_MEGAPIXELS
from reid.records import Records
from reid.report.division import read_events, read_rounds
from reid.report.division_clusters import division_clusters
from reid.report.division_flow import division_flow
from reid.report.division_learners import learner_losses, learner_recall


def draw_division(
    run: Path, records: Records, folder: Path, *, seed: int = 0, max_megapixels: float = MAX_MEGAPIXELS
) -> list[Path]:
    """Draw what a run with several learners left: `division-flow.png`, `division-clusters.png`, `learner-recall.png`
    and `learner-losses.png`, as far as its files hold what they show.

    Args:
        run: the run's folder, with `log.jsonl` and `divisions/`.
        records: the N images that were divided: those trained on, without the held-out ones. Of a division of others
            no sample images are drawn.
        folder: where the pictures go; it must exist.
        seed: decides which sample images are drawn.
        max_megapixels: larger sample images are refused.

    Returns:
        What was drawn; nothing for a run with one learner.

    Raises:
        ArtefactError: a file of the run is damaged.
        DataError: a sample image cannot be read.
        OutputError: a picture cannot be written.
    """
    drawn = []
    rounds, epochs, learners = read_rounds(run), read_events(run, "epoch"), read_events(run, "learners")
    if rounds:
        stages = {event["epoch"]: str(event["stage"]) for event in epochs if "stage" in event}
        division_flow(rounds, folder / "division-flow.png", stages=stages)
        drawn.append(folder / "division-flow.png")
    if rounds and len(rounds[-1].clusters) == len(records):  # the data may have changed since
        sheet = folder / "division-clusters.png"
        division_clusters(rounds[-1], records, sheet, seed=seed, max_megapixels=max_megapixels)
        drawn.append(sheet)
    if any(event.get("recall") for event in learners):
        best = epochs[-1].get("best_epoch") if epochs else None
        learner_recall(learners, folder / "learner-recall.png", best=best)
        drawn.append(folder / "learner-recall.png")
    if learners:
        learner_losses(learners, folder / "learner-losses.png")
        drawn.append(folder / "learner-losses.png")
    return drawn
