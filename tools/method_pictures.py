#!/usr/bin/env python3
"""Draw the pictures of docs/method.md: python tools/method_pictures.py RUN --out docs/pictures.

RUN is a finished run with several learners and fixed slices, such as that of `reid-train --dataset demo`.
"""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
from PIL import Image

from reid import files
from reid.cli.command import run as run_command
from reid.cli.timeline import timeline
from reid.config import load_config
from reid.data.dataset import read_dataset
from reid.data.images import read_image
from reid.data.loader import Reader
from reid.embed import Embedder, Fixed, Inference, load_embedder, run_over, transform
from reid.records import Records
from reid.report.canvas import FAINT, INK, RESTING, learner_colour, new_figure, plain_axes, to_png
from reid.report.division import read_rounds
from reid.train.validation import hold_out

THUMBNAIL = (96, 128)  # height, width


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run", type=click.Path(path_type=Path, exists=True))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the pictures.")
def command(run: Path, out: Path) -> None:
    """Draw a run's divisions in the plane, one vector slice by slice, and the timelines of the papers' recipes."""
    config, embedder = load_config(str(run / "config.yaml")), load_embedder(run)
    splits = read_dataset(config.data.dataset, config.data.root)
    train, _ = hold_out(splits.train, config.data.validation, config.seed)
    out.mkdir(parents=True, exist_ok=True)
    _write(out / "method-divisions.png", divisions(run, embedder, train))
    test = next(iter(splits.tests.values())).images()
    _write(out / "method-slices.png", slices(embedder, test, config.division.learners))
    _write(out / "method-schedules.png", schedules(["dc2019", "dc2021"]))


def _write(path: Path, png: bytes) -> None:
    """A picture of a page, small: 128 colours."""
    small = BytesIO()
    Image.open(BytesIO(png)).quantize(128, dither=Image.Dither.NONE).save(small, "png", optimize=True)
    files.write_bytes(path, small.getvalue())


def divisions(run: Path, embedder: Embedder, train: Records) -> bytes:
    """Three divisions of a run over one map of its training images: the first, one in the middle, the last."""
    reader = Reader(train.files(), Fixed(transform(embedder.description)))
    features = run_over(reader, embedder.network, embedder.device, Inference("pooled"), workers=0)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    centred = features - features.mean(axis=0)
    plane = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
    rounds = read_rounds(run)
    figure = new_figure(11, 4)
    for place, which in enumerate((rounds[0], rounds[len(rounds) // 2], rounds[-1])):
        axes = figure.add_axes((0.015 + place * 0.33, 0.02, 0.31, 0.84))
        colours = [RESTING if c < 0 else learner_colour(c, which.learners) for c in which.clusters.tolist()]
        axes.scatter(*plane.T, s=7, c=colours, linewidths=0)
        axes.set(xticks=[], yticks=[])
        sizes = " + ".join(str(size) for size in which.sizes().tolist())
        idle = int((which.clusters < 0).sum())
        axes.set_title(f"before epoch {which.epoch + 1}\n{sizes} images, {idle} sit out", fontsize=10, color=INK)
        for side in axes.spines.values():
            side.set_color("#cccccc")
    return to_png(figure)


def slices(embedder: Embedder, test: Records, learners: int) -> bytes:
    """A query beside three images, and the cosine of each slice of the vector with their mean, which is the score."""
    embeddings = embedder.embed_records(test, workers=0)
    chosen = _chosen(embeddings.vectors, test)
    parts = embeddings.vectors.reshape(len(test), learners, -1)
    parts = parts / np.linalg.norm(parts, axis=2, keepdims=True)
    titles = (
        "the query,\na drawn vehicle",
        "the same one,\nanother camera",
        "another one,\nthe most similar",
        "another one,\nthe median",
    )
    figure = new_figure(11, 3.6)
    for place, (row, title) in enumerate(zip(chosen, titles, strict=True)):
        left = 0.02 + place * 0.25
        picture = figure.add_axes((left, 0.42, 0.19, 0.42))
        picture.imshow(cv2.resize(read_image(test.files()[row]), THUMBNAIL[::-1], interpolation=cv2.INTER_AREA))
        picture.axis("off")
        picture.set_title(title, fontsize=10, color=INK)
        axes = figure.add_axes((left + 0.025, 0.1, 0.165, 0.26))
        if not place:
            _slots(axes, learners, embeddings.vectors[row])
            continue
        cosines = (parts[chosen[0]] * parts[row]).sum(axis=1)
        colours = [learner_colour(learner, learners) for learner in range(learners)]
        axes.bar([*range(learners), learners + 0.5], [*cosines, cosines.mean()], color=[*colours, INK])
        axes.set_xticks([*range(learners), learners + 0.5], [*map(str, range(learners)), "mean"], fontsize=8)
        axes.set_ylim(-0.4, 1)
        axes.set_title(f"cosine of each slice; score {cosines.mean():.2f}", fontsize=8, color=FAINT)
        plain_axes(axes, grid="y")
    return to_png(figure)


def _chosen(vectors: Any, test: Records) -> Sequence[int]:
    """A query, an image of its identity on another camera, the most similar other identity, and one in the middle."""
    query = int(np.flatnonzero(test.identities >= 0)[0])
    scores = vectors @ vectors[query]
    same = (test.identities == test.identities[query]) & (test.cameras != test.cameras[query])
    others = np.flatnonzero((test.identities != test.identities[query]) & (test.identities >= 0))
    others = others[np.argsort(-scores[others], kind="stable")]
    best = int(np.flatnonzero(same)[np.argmax(scores[same])])
    return query, best, int(others[0]), int(others[len(others) // 2])


def _slots(axes: Any, learners: int, vector: Any) -> None:
    """The vector as a row of bars in the colours of the learners that own them."""
    owners = np.repeat(np.arange(learners), len(vector) // learners)
    axes.bar(np.arange(len(vector)), vector, width=1.0, color=[learner_colour(o, learners) for o in owners.tolist()])
    axes.set(xticks=[], yticks=[])
    axes.set_title(f"its {len(vector)} numbers in {learners} slices", fontsize=8, color=FAINT)
    for side in axes.spines.values():
        side.set_visible(False)


def schedules(recipes: Sequence[str]) -> bytes:
    """Number of learners and stage of every epoch of some recipes."""
    shades = {"divide": "#2a788e", "conquer": "#7ad151", "finetune": "#fde725"}
    figure = new_figure(11, 1.9 * len(recipes) + 0.5)
    for place, name in enumerate(recipes):
        rows = timeline(load_config(name))
        height = 1 / len(recipes)
        axes = figure.add_axes((0.07, 1 - (place + 1) * height + 0.12, 0.91, height - 0.2))
        epochs = np.arange(len(rows) + 1)
        clusters = np.array([row["learners"] if row["stage"] != "finetune" else 1 for row in rows])
        for stage, shade in shades.items():
            inside = [row["stage"] == stage for row in rows]
            if any(inside):
                axes.bar(epochs[:-1][inside], clusters[inside], width=1, align="edge", color=shade, label=stage)
        axes.set_yscale("log", base=2)
        axes.set(ylim=(0.7, 48), xlim=(0, 200), yticks=[1, 2, 4, 8, 16, 32], yticklabels=[1, 2, 4, 8, 16, 32])
        axes.set_ylabel("clusters", fontsize=9, color=INK)
        axes.set_title(name, fontsize=10, color=INK, loc="left")
        axes.legend(loc="upper right", fontsize=8, ncols=3, frameon=False, bbox_to_anchor=(1, 1.2))
        plain_axes(axes)
    axes.set_xlabel("epoch", fontsize=9, color=INK)
    return to_png(figure)


if __name__ == "__main__":
    run_command(command)
