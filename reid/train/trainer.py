"""The training loop: divide, train, validate, save, epoch after epoch."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reid.data.loader import Loader
from reid.errors import LoaderError, TrainingInterrupted
from reid.evaluation.protocols import all_vs_all
from reid.model.store import save_model
from reid.records import Embeddings
from reid.train.checkpoint import restore, save
from reid.train.epoch import EpochSteps
from reid.train.events import Durations, division_event, epoch_figures
from reid.train.extraction import TrainingFeatures, extract
from reid.train.group import Group
from reid.train.insight import LearnerTally, SliceRecalls, slice_recalls
from reid.train.plan import Plan, Progress
from reid.train.run_folder import RunFolder
from reid.train.stopping import Stopping, StopRequested

Listener = Callable[[Mapping[str, Any]], None]


@dataclass
class Trainer:
    """Runs a plan in a run folder and tells a listener what happens.

    Attributes:
        plan: what to do.
        run: where results go.
        listen: called with every event, a mapping whose key "event" is "division", "step", "skipped", "epoch", "learners"
            or "done".
        progress: how far it has come.
        stopping: how it is asked to stop: by Ctrl-C, SIGTERM or its `request`.
    """

    plan: Plan
    run: RunFolder
    listen: Listener
    progress: Progress = field(default_factory=Progress)
    stopping: Stopping = field(default_factory=Stopping)

    def __post_init__(self) -> None:
        self._saved = time.monotonic()

    def resume(self, *, accept_change: bool = False, exact: bool = False) -> list[str]:
        """Take up the state of the run folder's checkpoint.

        Args:
            accept_change: whether the training data may be others than those it was made with.
            exact: whether a machine on which the run cannot go on to the bit is refused.

        Returns:
            What the user should know, a sentence each.

        Raises:
            MissingInputError: there is none.
            ArtefactError: it is damaged, or something changed that may not.
        """
        self.progress, notes = restore(
            self.run, self.plan.learning, self.plan.data_digest, accept_change=accept_change, exact=exact
        )
        return notes

    def train(self) -> Progress:
        """Train to the last epoch, leaving the best model in the run folder.

        Raises:
            TrainingDiverged: the loss is no longer a number.
            DataError: an image cannot be read, or a batch cannot be filled.
            TrainingInterrupted: the run was asked to stop, a loader process died, or memory ran out; it can go on.
            KeyboardInterrupt: it was to stop at once, before the first checkpoint.
        """
        try:
            with self.stopping:
                self._epochs()
        except KeyboardInterrupt:
            if not self.run.has_state():
                raise
            raise TrainingInterrupted(self._group.told(self._where("stopped at once"))) from None
        best = {"best_epoch": self.progress.best_epoch, "best": self.progress.best, "images": self.progress.images}
        self._tell({"event": "done", "epochs": self.progress.epoch, **best})
        return self.progress

    def _epochs(self) -> None:
        pin = self.plan.learning.network.mean.device.type == "cuda"
        try:
            with Loader(self.plan.augmented, workers=self.plan.workers, pin=pin) as loader:
                while not self._over():
                    self._epoch(loader)
        except StopRequested:
            self._leave()
            raise TrainingInterrupted(self._group.told(self._where("stopped"))) from None
        except LoaderError as error:
            self._leave()
            raise TrainingInterrupted(f"{error}; {self._where('the run was saved')}") from error

    def _leave(self) -> None:
        """Save without waiting for the other processes, who may have stopped elsewhere."""
        if self._group.first:
            self._write_state()

    def _over(self) -> bool:
        progress, patience = self.progress, self.plan.patience
        tired = bool(patience) and progress.best_epoch >= 0 and progress.epoch - 1 - progress.best_epoch >= patience
        return progress.epoch >= self.plan.schedule.epochs or tired

    def _where(self, what: str) -> str:
        at = f", batch {self.progress.step}" if self.progress.step else ""
        return f"{what} in epoch {self.progress.epoch + 1}{at}; go on with reid-train --resume --out {self.run.path}"

    def _epoch(self, loader: Loader) -> None:
        plan, progress, epoch, started = self.plan, self.progress, self.progress.epoch, time.perf_counter()
        self._group.check([*plan.learning.network.parameters()], "the weights of the network")
        self._group.align([*plan.learning.criterion.parameters(), *plan.learning.network.neck.parameters()])
        self._divide_when_due(epoch)
        divided, before = time.perf_counter() - started, progress.images
        if progress.tally is None:
            divided_by = plan.schedule.learners_at(epoch) if plan.schedule.draws_from_clusters(epoch) else 1
            progress.tally = LearnerTally(divided_by)
        checkpoint = str(self.run.path / "last.ckpt") if self.run.has_state() else ""
        EpochSteps(plan, progress, self._hear, checkpoint).run(loader, self._after_step)
        trained = time.perf_counter() - started
        now, tally, skipped = progress.images - before, progress.tally, progress.skipped
        score, recalls = self._validate(epoch)
        progress.end_epoch()
        seconds = time.perf_counter() - started
        self._tell(
            {
                "event": "epoch",
                "epoch": epoch,
                "epochs": plan.schedule.epochs,
                "stage": str(plan.schedule.stage(epoch)),
                **epoch_figures(tally, now, Durations(seconds, divided), trained),
                "skipped": skipped,
                "lr": {group["name"]: group["lr"] for group in plan.learning.optimiser.param_groups},
                "validation": score,
                "best_epoch": progress.best_epoch,
            }
        )
        if plan.schedule.learners > 1:
            self._tell(tally.event(epoch, recalls))
        if progress.epoch % plan.save_every == 0 or self._over():
            self._save()

    def _after_step(self) -> None:
        """Save now and then, and leave when asked to; called between steps, where the state is whole.

        Raises:
            StopRequested: the run was asked to stop.
        """
        minutes = self.plan.save_minutes
        due = bool(minutes) and time.monotonic() - self._saved >= 60 * minutes
        stop, due = self._group.agree(self.stopping.requested, due)
        if stop:
            raise StopRequested
        if due:
            self._save()

    def _save(self) -> None:
        self._group.from_first(self._write_state)
        self._saved = time.monotonic()

    def _write_state(self) -> None:
        save(self.run, self.plan.learning, self.progress, self.plan.data_digest)

    def _divide_when_due(self, epoch: int) -> None:
        schedule, progress = self.plan.schedule, self.progress
        if not schedule.draws_from_clusters(epoch):
            return
        if progress.division is None or (schedule.divides(epoch) and progress.divided != epoch):
            self._divide(epoch)
        self.plan.learning.grow(progress.division.learners if progress.division is not None else 1)

    def _divide(self, epoch: int) -> None:
        plan, previous, started = self.plan, self.progress.division, time.perf_counter()
        number, learners = epoch // plan.schedule.every, plan.schedule.learners_at(epoch)
        features = TrainingFeatures(plan, learners, self.stopping.check)
        division = self._group.from_first(
            lambda: plan.divider.round(
                features, plan.train.identities, number, previous, learners, names=plan.train.paths.tolist()
            )
        )
        self.progress.division, self.progress.divided = division, epoch
        if self._group.first:
            self.run.write_division(epoch, division)
        took = Durations(time.perf_counter() - started, features.seconds)
        self._tell(division_event(epoch, division, previous, plan.train.identities, took))

    def _validate(self, epoch: int) -> tuple[float | None, SliceRecalls | None]:
        """Mean average precision on the held-out identities, and what each slice finds alone; the best model is kept."""
        plan, network, score, recalls = self.plan, self.plan.learning.deployed, None, None
        if (held_out := plan.validation) is not None:
            vectors = extract(plan, held_out, "embedding", network, self.stopping.check)
            score, recalls = self._group.from_first(lambda: self._score(Embeddings(vectors, held_out)))
        if score is None or score > self.progress.best:
            self.progress.best = self.progress.best if score is None else score
            self.progress.best_epoch = epoch
            self._group.from_first(lambda: save_model(self.run.path, network, plan.description))
        return score, recalls

    def _score(self, embeddings: Embeddings) -> tuple[float, SliceRecalls | None]:
        score = all_vs_all(embeddings, nmi_seeds=0).mAP or 0.0  # None cannot be: `hold_out` saw to matches
        learners = self.plan.learning.deployed.architecture.learners
        return score, self._recalls(embeddings, learners) if learners > 1 else None

    def _recalls(self, embeddings: Embeddings, learners: int) -> SliceRecalls:
        weights = self.plan.learning.criterion.subspaces.weights()
        if weights is None:
            return slice_recalls(embeddings, learners, seed=self.plan.learning.seed)
        return slice_recalls(embeddings, len(weights), seed=self.plan.learning.seed, weights=weights.cpu().numpy())

    @property
    def _group(self) -> Group:
        return self.plan.learning.group

    def _hear(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "step":  # too many of them for the log
            self.listen(event)
        else:
            self._tell(event)

    def _tell(self, event: Mapping[str, Any]) -> None:
        if self._group.first:
            self.run.log(event)
        self.listen(event)
