"""Tiny datasets in every layout, written file by file, with the numbers that reading them must give."""

import csv
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np


def picture(path: Path, number: int) -> None:
    """A readable image that differs from every one with another number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.Generator(np.random.Philox(number)).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    ok, content = cv2.imencode(path.suffix.lower() if path.suffix.lower() != ".jpeg" else ".jpg", pixels)
    assert ok
    path.write_bytes(content.tobytes())


def text(path: Path, lines: list[str]) -> None:
    """A text file of `lines`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))


def vehicleid(root: Path) -> None:
    """Vehicles 1, 2 and 10 train; 20 to 23 test, the small and medium sets inside the large one."""
    lists = {
        "train_list": [1, 2, 10],
        "test_list_800": [20, 21],
        "test_list_1600": [20, 21, 22],
        "test_list_2400": [20, 21, 22, 23],
    }
    for name, vehicles in lists.items():
        lines = []
        for vehicle in vehicles:
            for shot in range(3):
                picture(root / "image" / f"{vehicle:04d}{shot}.jpg", vehicle * 10 + shot)
                lines.append(f"{vehicle:04d}{shot} {vehicle}")
        text(root / "train_test_split" / f"{name}.txt", lines[::-1])
    text(root / "attribute" / "model_attr.txt", ["1 17", "20 3"])


def inshop(root: Path) -> None:
    """Two items train; two others have a query and two gallery images each."""
    splits = {
        1: ["train"] * 3,
        2: ["train"] * 2,
        3: ["query", "gallery", "gallery"],
        4: ["gallery", "query", "gallery"],
    }
    lines = []
    for item, parts in splits.items():
        for shot, part in enumerate(parts):
            path = f"img/WOMEN/Dresses/id_{item:08d}/{shot:02d}_1_front.jpg"
            picture(root / path, item * 10 + shot)
            lines.append(f"{path}      id_{item:08d}   {part}")
    text(root / "Eval" / "list_eval_partition.txt", [str(len(lines)), "image_name item_id evaluation_status", *lines])


def market(root: Path) -> None:
    """Persons 2 and 7 train; 3 and 12 test, with a distractor and a junk image in the gallery."""
    names = {
        "bounding_box_train": [
            "0002_c1s1_000451_03",
            "0002_c2s1_000301_01",
            "0007_c3s3_077419_03",
            "0007_c6s1_000001_00",
        ],
        "query": ["0003_c1s6_015971_00", "0012_c12s1_000001_00"],
        "bounding_box_test": [
            "0003_c4s6_015996_02",
            "0012_c1s1_000002_00",
            "0012_c5s1_000003_00",
            "0000_c1s1_000151_01",
            "-1_c1s1_000401_03",
        ],
    }
    for number, (folder, name) in enumerate((folder, name) for folder, some in names.items() for name in some):
        picture(root / folder / f"{name}.jpg", number)


def msmt(root: Path) -> None:
    """Persons 0 and 1 of the training tree, persons 0 and 1 of the test tree, who are others."""
    number = 0
    for name, folder, people in (
        ("train", "train", (0, 1)),
        ("val", "train", (0, 1)),
        ("query", "test", (0, 1)),
        ("gallery", "test", (0, 1)),
    ):
        lines = []
        for person in people:
            for shot in range(2):
                number += 1
                path = f"{person:04d}/{person:04d}_{number:03d}_{shot + 9:02d}_0303morning_00{number:02d}_0.jpg"
                picture(root / folder / path, number)
                lines.append(f"{path} {person}")
        text(root / f"list_{name}.txt", lines)


def sop(root: Path) -> None:
    """Products 1 and 2 train, 3 and 4 test."""
    number = 0
    for split, classes in (("train", (1, 2)), ("test", (3, 4))):
        lines = ["image_id class_id super_class_id path"]
        for product in classes:
            for shot in range(3):
                number += 1
                path = f"chair_final/{product}_{shot}.JPG"
                picture(root / path, number)
                lines.append(f"{number} {product} 5 {path}")
        text(root / f"Ebay_{split}.txt", lines)


def cub(root: Path) -> None:
    """Species 1 and 2 train, 10 and 11 test: in the order of numbers, not of letters."""
    paths, labels = [], []
    for number, species in enumerate(species for species in (10, 1, 11, 2) for _ in range(3)):
        path = f"{species:03d}.Bird_{species}/Bird_{number}.jpg"
        picture(root / "images" / path, number)
        paths.append(f"{number + 1} {path}")
        labels.append(f"{number + 1} {species}")
    text(root / "images.txt", paths)
    text(root / "image_class_labels.txt", labels)


def cars(root: Path) -> None:
    """Classes 1 and 2 train, 10 and 11 test."""
    from scipy.io import savemat

    rows = []
    for number, model in enumerate(model for model in (10, 1, 11, 2) for _ in range(3)):
        path = f"car_ims/{number + 1:06d}.jpg"
        picture(root / path, number)
        rows.append((path, model, 0))
    kinds = [("relative_im_path", object), ("class", object), ("test", object)]
    savemat(root / "cars_annos.mat", {"annotations": np.array(rows, dtype=kinds)})


def folder(root: Path) -> None:
    """Identities a and b train, c and d test."""
    for number, (split, name) in enumerate((("train", "a"), ("train", "b"), ("test", "c"), ("test", "d"))):
        for shot in range(3):
            picture(root / split / name / f"{shot}.png", number * 10 + shot)


def table(root: Path) -> None:
    """Identities 5 and 6 train; 7 and 8 have a query and two gallery images each."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "images.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "identity", "camera", "time", "split", "colour"])
        for identity in (5, 6, 7, 8):
            for shot in range(3):
                split = "train" if identity < 7 else "query" if shot == 0 else "gallery"
                path = f"{identity}/{shot}.jpg"
                picture(root / path, identity * 10 + shot)
                writer.writerow([path, identity, shot + 1, 0.5 * shot, split, "red"])


TREES: dict[str, Callable[[Path], None]] = {
    "vehicleid": vehicleid,
    "inshop": inshop,
    "market1501": market,
    "msmt17": msmt,
    "sop": sop,
    "cub200": cub,
    "cars196": cars,
    "folder": folder,
    "table": table,
}
"""By the name of the card that reads it."""

NUMBERS: dict[str, dict[str, tuple[int, int, int]]] = {
    "vehicleid": {"train": (3, 9, 0), "small": (2, 6, 0), "medium": (3, 9, 0), "large": (4, 12, 0)},
    "inshop": {"train": (2, 5, 0), "query": (2, 2, 0), "gallery": (2, 4, 0), "test": (2, 6, 0)},
    "market1501": {"train": (2, 4, 4), "query": (2, 2, 2), "gallery": (3, 5, 3), "test": (3, 7, 4)},
    "msmt17": {"train": (2, 8, 2), "query": (2, 4, 2), "gallery": (2, 4, 2), "test": (2, 8, 2)},
    "sop": {"train": (2, 6, 0), "test": (2, 6, 0)},
    "cub200": {"train": (2, 6, 0), "test": (2, 6, 0)},
    "cars196": {"train": (2, 6, 0), "test": (2, 6, 0)},
    "folder": {"train": (2, 6, 0), "test": (2, 6, 0)},
    "table": {"train": (2, 6, 3), "query": (2, 2, 1), "gallery": (2, 4, 2), "test": (2, 6, 3)},
}
"""Identities, images and cameras of every part."""
