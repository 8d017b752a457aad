#!/usr/bin/env python3
"""Does dividing help? Every arm of the comparison at equal images seen, each with a learning rate chosen on validation.

python benchmarks/division.py --root DATA/vehicleid --out RESULTS [--weights MODEL] [--seeds 0,1,2]

Arms: the plain loss (K = 1), clusters as a sampler only, a random division, k-means with K = 4 and 8, learners doubling to 8
with fixed and with learned subspaces, and the plain loss in d / 4 dimensions. Every arm is trained with each learning rate
on the first seed; the rate with the best mAP on held-out training identities is kept, and the other seeds are run with it.
The test identities are looked at once, at the end of each run. With --weights all arms start from the backbone of one
model. What is finished in RESULTS is not run again.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean, stdev
from typing import Any

DIVIDED = ("division.learners=4", "division.every=1")
PLAIN = ("division.learners=1", "division.schedule=flat")
DOUBLING = ("division.learners=8", "division.every=1", "division.schedule=doubling")
ARMS: dict[str, tuple[str, ...]] = {
    "K = 1": PLAIN,
    "K = 1, d = 32": (*PLAIN, "model.dimension=32"),
    "sampler only, K = 4": (*DIVIDED, "division.conquer_from=0", "division.finetune_from=null"),
    "random, K = 4": (*DIVIDED, "division.partition=random"),
    "k-means, K = 4": DIVIDED,
    "k-means, K = 8": ("division.learners=8", "division.every=1"),
    "doubling to 8, fixed": DOUBLING,
    "doubling to 8, learned": (*DOUBLING, "division.subspaces=learned", "model.normalise=whole"),
}
SETTINGS = (
    "data.flip=0",
    "data.workers=0",
    "data.validation=0.1",
    "train.tensorboard=false",
    "evaluate.splits=[large]",
    "evaluate.protocols=[all-vs-all]",
    "evaluate.bootstrap=0",
)


@dataclass(frozen=True)
class Study:
    """What all runs have in common."""

    root: Path
    out: Path
    dataset: str
    recipe: str
    images: int
    size: int
    weights: str | None

    def run(self, arm: str, lr: float, seed: int, epochs: int) -> dict[str, Any]:
        """Figures of one run; read where it was finished before."""
        name = "".join(letter if letter.isalnum() else "-" for letter in arm) + f"-lr{lr:g}-seed{seed}-e{epochs}"
        folder = self.out / name
        if not (folder / "report.json").is_file():
            self._train(arm, lr, seed, epochs, folder)
        events = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        done = next(event for event in events if event["event"] == "done")
        scores = json.loads((folder / "report.json").read_text())["splits"]["large"]["all-vs-all"]
        return {
            "arm": arm,
            "lr": lr,
            "seed": seed,
            "epochs": epochs,
            "validation": done["best"],
            "images": done["images"],
            "recall": scores["recall"]["1"],
            "mAP": scores["mAP"],
            "nmi": scores["nmi"]["mean"] if isinstance(scores["nmi"], dict) else scores["nmi"],
            "minutes": json.loads((folder / "cpu.json").read_text())["seconds"] / 60,
        }

    def _train(self, arm: str, lr: float, seed: int, epochs: int, folder: Path) -> None:
        stages = (
            ()
            if arm.startswith(("K = 1", "sampler"))
            else (
                f"division.conquer_from={max(1, epochs - 2)}",
                f"division.finetune_from={max(2, epochs - 1)}",
            )
        )
        settings = [*SETTINGS, f"data.image_size={self.size}", f"train.lr={lr}", *ARMS[arm], *stages]
        command = [sys.executable, "-m", "reid.cli.train", "--dataset", self.dataset, "--root", str(self.root)]
        command += [
            "--config",
            self.recipe,
            "--epochs",
            str(epochs),
            "--seed",
            str(seed),
            "--out",
            str(folder),
            "--force",
        ]
        command += [word for setting in settings for word in ("--set", setting)]
        command += ["--weights", self.weights] if self.weights else []
        self.out.mkdir(parents=True, exist_ok=True)
        with (self.out / f"{folder.name}.txt").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"})
            _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"{' '.join(command)} failed; see {log.name}")
        (folder / "cpu.json").write_text(json.dumps({"seconds": usage.ru_utime + usage.ru_stime}))


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--dataset", default="vehicleid")
    parser.add_argument("--config", default="small")
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS), metavar="ARM")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--rates", default="1e-3,3e-3")
    parser.add_argument("--images", type=int, default=104_000, help="images that each run sees, about")
    parser.add_argument("--size", type=int, default=28)
    parser.add_argument("--weights", help="a model whose backbone all arms start from")
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    study = Study(chosen.root, chosen.out, chosen.dataset, chosen.config, chosen.images, chosen.size, chosen.weights)
    seeds = [int(seed) for seed in chosen.seeds.split(",")]
    rates = [float(rate) for rate in chosen.rates.split(",")]
    with ThreadPoolExecutor(chosen.processes) as pool:
        rows = list(pool.map(partial(one_arm, study, rates, seeds), chosen.arms))
    print(table(rows))


def one_arm(study: Study, rates: Sequence[float], seeds: Sequence[int], arm: str) -> list[dict[str, Any]]:
    """The runs of an arm with the rate that is best on validation, one for each seed."""
    pilot = study.run(arm, rates[len(rates) // 2], seeds[0], 2)
    epochs = max(3, round(study.images / (pilot["images"] / pilot["epochs"])))
    tried = [study.run(arm, rate, seeds[0], epochs) for rate in rates]
    best = max(tried, key=lambda run: run["validation"])
    return [best, *(study.run(arm, best["lr"], seed, epochs) for seed in seeds[1:])]


def table(rows: Sequence[Sequence[dict[str, Any]]]) -> str:
    """Mean and standard deviation over seeds, a line for each arm."""
    lines = [
        "| arm | recall@1 | mAP | NMI | validation mAP | learning rate | images | CPU minutes |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for runs in rows:
        figures = [spread([100 * run[key] for run in runs]) for key in ("recall", "mAP", "nmi", "validation")]
        images, minutes = mean(run["images"] for run in runs), mean(run["minutes"] for run in runs)
        lines.append(
            f"| {runs[0]['arm']} | {' | '.join(figures)} | {runs[0]['lr']:g} | {images:,.0f} | {minutes:.1f} |"
        )
    return "\n".join(lines)


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation."""
    return f"{mean(values):.1f} +- {stdev(values):.1f}" if len(values) > 1 else f"{values[0]:.1f}"


if __name__ == "__main__":
    main()
