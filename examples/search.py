"""Search from Python: keep crops in a gallery, and ask where a vehicle appeared. Takes seconds; the vehicles are drawn.

    python examples/search.py [RUN]

RUN is a run of `reid-train`; without one, a small network is trained on the drawn vehicles first.
"""

import contextlib
import sys
import tempfile
from pathlib import Path

import reid
from reid.cli.train import command
from reid.data.synthetic import draw_dataset

QUICK = ("data.image_size=32", "data.workers=0", "division.learners=2", "train.identities=4", "evaluate.bootstrap=0")


def trained(folder: Path) -> Path:
    """A run of a few epochs on the set drawn in `folder`."""
    with contextlib.chdir(folder):
        settings = [word for setting in QUICK for word in ("--set", setting)]
        words = ["--dataset", "market1501", "--root", "drawn", "--config", "small", "--epochs", "4", *settings]
        command.main([*words, "--out", "run"], standalone_mode=False)
    return folder / "run"


def main(folder: Path, run: Path | None = None) -> list[str]:
    """Fill a gallery and search it; what was found, a line each."""
    draw_dataset(folder / "drawn", layout="market", identities=16, images_per_identity=8, cameras=3, processes=1)
    run = trained(folder) if run is None else run
    embedder = reid.load_embedder(run)
    crop = min((folder / "drawn" / "query").glob("*_c1s*.jpg"))
    lines = [f"the query: {crop.name}"]

    with reid.Gallery.create(folder / "street", embedder, run=run) as gallery:
        done = gallery.add(folder / "drawn" / "bounding_box_test")
        lines.append(f"{done.added} images added")

    with reid.Gallery.open(folder / "street", embedder=embedder) as gallery:
        elsewhere = gallery.search(crop, k=3, where={"camera": {"not": 1}})
        lines += [
            f"{hit.rank}. {hit.identity or 'nobody known'}, camera {hit.camera}, {hit.score:.3f}"
            for hit in elsewhere.hits
        ]
        answer = gallery.search(crop, k=3, by="identity", best_of=2)
        lines.append(f"by identity: {answer.hits[0].identity or 'nobody known'}, unknown: {answer.unknown}")

        nearest = gallery.search(crop, k=1).hits[0]
        gallery.label({"id": [nearest.image.id]}, "the white van")  # images get names later, from people or a tracker
        lines.append(f"labelled: {[Path(image.path).name for image in gallery.images({'identity': 'the white van'})]}")
        stranger = gallery.search(crop, k=1, threshold=1.01)  # a threshold nothing reaches
        lines.append(f"beyond every threshold: unknown is {stranger.unknown}")
    return lines


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        print("\n".join(main(Path(scratch), Path(sys.argv[1]) if sys.argv[1:] else None)))
