"""Peak memory of a whole `reid-train`: one epoch of recipe small on as many images as VehicleID has.

    python benchmarks/memory.py [--images 113000] [--folder DIR] [--set KEY=VALUE]...

Draws the set once (vehicles of about 94 x 119 pixels, nine to an identity, and 2,400 test identities at most; half an
hour for all of them, in DIR to keep it), trains in a process of its own and adds up what it and its loader processes
hold, twice a second: the proportional set size, in which memory that several share counts once. Also printed is what a
process holds that has only imported what training imports.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from reid.data.synthetic.write import draw_dataset

EACH, TEST = 9, 2400
IMPORTS = "import reid.cli.training, reid.data.transforms as t, time; t.albumentations_operations(); time.sleep(100)"


def main() -> None:
    parser = argparse.ArgumentParser(description="Peak memory of training on many images.")
    parser.add_argument("--images", type=int, default=113_000, help="training images")
    parser.add_argument("--folder", type=Path, help="where the set is, or is drawn to and kept")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch) / "set"
        if not folder.exists():
            draw(folder, -(-given.images // EACH))
        print(f"imports alone    {peak([sys.executable, '-c', IMPORTS], still=True)[0] / 1e6:8.0f} MB")
        settings = [part for setting in ["train.epochs=1", *given.settings] for part in ("--set", setting)]
        train = ["--dataset", "vehicleid", "--root", str(folder), "--config", "small", "--out", f"{scratch}/run"]
        most, course = peak([sys.executable, "-m", "reid.cli.train", *train, *settings])
        for seconds, held, processes in course:
            print(f"  {seconds:7.0f} s {held / 1e6:8.0f} MB in {processes} processes")
        print(f"peak             {most / 1e6:8.0f} MB")


def draw(folder: Path, identities: int) -> None:
    test = max(2, min(TEST, identities // 5))
    print(f"drawing {EACH * (identities + test)} pictures into {folder}", flush=True)
    draw_dataset(
        folder, layout="vehicleid", identities=identities + test, images_per_identity=EACH,
        train_fraction=identities / (identities + test),
    )  # fmt: skip


def peak(command: list[str], *, still: bool = False) -> tuple[int, list[tuple[float, int, int]]]:
    """Most bytes that a command and its processes held, and its course: every new highest value by a twentieth.

    With `still`, the command is ended as soon as it holds no more than a second before.
    """
    started, most, course, before = time.monotonic(), 0, [], -1
    with subprocess.Popen(command) as process:
        while process.poll() is None:
            held = [bytes_of(number) for number in family(process.pid)]
            if sum(held) > 1.05 * max([0, *(value for _, value, _ in course)]):
                course.append((time.monotonic() - started, sum(held), len(held)))
            most = max(most, sum(held))
            if still and sum(held) == before and time.monotonic() - started > 5:
                process.kill()
            before = sum(held)
            time.sleep(1.0 if still else 0.5)
    if process.returncode and not still:
        sys.exit(process.returncode)
    return most, course


def family(number: int) -> Iterator[int]:
    """A process and all that it started, and so on."""
    yield number
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{number}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from family(int(child))


def bytes_of(number: int) -> int:
    """Proportional set size of a process; 0 if it has just ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{number}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return 1024 * int(line.split()[1])
    return 0


if __name__ == "__main__":
    main()
