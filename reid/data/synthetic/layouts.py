"""Where the pictures of a set lie, layout by layout: the counterpart of the readers in `reid.data.layouts`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from reid.data.synthetic.plan import FRAMES_PER_SECOND, Picture, Plan

_VEHICLEID_TESTS = (800, 1600, 2400)
_UNASKED = 5  # of so many test identities one is in the gallery only


@dataclass(frozen=True)
class Arrangement:
    """The files of a set.

    Attributes:
        pictures: every picture with its path, forward slashes, relative to the set's folder.
        texts: further files by path.
    """

    pictures: Sequence[tuple[Picture, str]]
    texts: Mapping[str, str] = field(default_factory=dict)


def _market(plan: Plan) -> Arrangement:
    """Besides the identities' pictures: distractors 0000 and badly framed junk -1, one of each per ten test identities."""
    folders = {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}
    named = []
    for picture in plan.pictures:
        unasked = (picture.shot.identity - plan.training) % _UNASKED == 0
        folder = folders["gallery" if picture.split == "query" and unasked else picture.split]
        named.append((picture, f"{folder}/{_market_name(f'{picture.shot.identity:04d}', picture)}"))
    handful = max(4, (plan.identities - plan.training) // 10)
    for name, first, misframed in (("0000", 1, False), ("-1", 1 + handful, True)):
        others = plan.extras(handful, first, misframed=misframed)
        named += [(picture, f"bounding_box_test/{_market_name(name, picture)}") for picture in others]
    return Arrangement(named)


def _market_name(identity: str, picture: Picture) -> str:
    return f"{identity}_c{picture.shot.camera}s1_{picture.frame:06d}_{picture.shot.number % 100:02d}.jpg"


def _vehicleid(plan: Plan) -> Arrangement:
    """Test lists of the first 800, 1600 and 2400 test identities; of a third, two thirds and all where there are fewer."""
    named = [(picture, f"image/{number:07d}.jpg") for number, picture in enumerate(plan.pictures, 1)]
    tests = plan.identities - plan.training
    limits = {name: min(name, max(2, tests * name // 2400)) for name in _VEHICLEID_TESTS}
    limits = {name: plan.training + limit for name, limit in limits.items()}
    texts = {"train_test_split/train_list.txt": _vehicleid_list(named, 1, plan.training)}
    for name, last in limits.items():
        texts[f"train_test_split/test_list_{name}.txt"] = _vehicleid_list(named, plan.training + 1, last)
    return Arrangement(named, texts)


def _vehicleid_list(named: Sequence[tuple[Picture, str]], first: int, last: int) -> str:
    return "".join(
        f"{path[len('image/') : -len('.jpg')]} {picture.shot.identity}\n"
        for picture, path in named
        if first <= picture.shot.identity <= last
    )


def _inshop(plan: Plan) -> Arrangement:
    named, rows = [], []
    for picture in plan.pictures:
        shot, item = picture.shot, f"id_{picture.shot.identity:08d}"
        folder = f"img/{plan.kind.upper()}S/{plan.category(shot.identity).title()}/{item}"
        path = f"{folder}/{shot.number + 1:02d}_{shot.camera}_additional.jpg"
        named.append((picture, path))
        rows.append(f"{path:<70} {item} {picture.split}\n")
    table = f"{len(rows)}\nimage_name item_id evaluation_status\n" + "".join(rows)
    return Arrangement(named, {"Eval/list_eval_partition.txt": table})


def _sop(plan: Plan) -> Arrangement:
    header = "image_id class_id super_class_id path\n"
    texts, named = {"train": header, "test": header}, []
    categories = [plan.category(identity) for identity in range(1, plan.identities + 1)]
    order = sorted(set(categories))
    lists = {"train": [header], "test": [header]}
    for number, picture in enumerate(plan.pictures, 1):
        identity = picture.shot.identity
        category = categories[identity - 1]
        path = f"{category}_final/{identity}_{picture.shot.number}.JPG"
        named.append((picture, path))
        lists[_side(picture)].append(f"{number} {identity} {order.index(category) + 1} {path}\n")
    texts = {f"Ebay_{side}.txt": "".join(lines) for side, lines in lists.items()}
    return Arrangement(named, texts)


def _cub(plan: Plan) -> Arrangement:
    classes = _classes(plan)
    named, paths, labels = [], [], []
    for number, picture in enumerate(plan.pictures, 1):
        folder = classes[picture.shot.identity]
        path = f"{folder}/{folder.partition('.')[2].title()}_{picture.shot.number + 1:04d}_{number}.jpg"
        named.append((picture, f"images/{path}"))
        paths.append(f"{number} {path}\n")
        labels.append(f"{number} {picture.shot.identity}\n")
    return Arrangement(named, {"images.txt": "".join(paths), "image_class_labels.txt": "".join(labels)})


def _cars(plan: Plan) -> Arrangement:
    classes = _classes(plan)
    return Arrangement(
        [
            (picture, f"images/{classes[picture.shot.identity]}/{number:06d}.jpg")
            for number, picture in enumerate(plan.pictures, 1)
        ]
    )


def _classes(plan: Plan) -> dict[int, str]:
    """A folder name for every identity; their order is that of the identities."""
    digits = max(3, len(str(plan.identities)))
    return {i: f"{i:0{digits}d}.{plan.category(i)}" for i in range(1, plan.identities + 1)}


def _folder(plan: Plan) -> Arrangement:
    return Arrangement([(p, f"{_side(p)}/{p.shot.identity:04d}/{_plain_name(p)}") for p in plan.pictures])


def _table(plan: Plan) -> Arrangement:
    named = [(picture, f"images/{_plain_name(picture)}") for picture in plan.pictures]
    rows = [
        f"{path},{picture.shot.identity:04d},{picture.shot.camera},{picture.frame / FRAMES_PER_SECOND:.2f},{picture.split}\n"
        for picture, path in named
    ]
    return Arrangement(named, {"records.csv": "path,identity,camera,time,split\n" + "".join(rows)})


def _plain_name(picture: Picture) -> str:
    return f"{picture.shot.identity:04d}_c{picture.shot.camera}_{picture.frame:06d}.jpg"


def _side(picture: Picture) -> str:
    return "train" if picture.split == "train" else "test"


LAYOUTS: dict[str, Callable[[Plan], Arrangement]] = {
    "market": _market,
    "vehicleid": _vehicleid,
    "inshop": _inshop,
    "sop": _sop,
    "cub": _cub,
    "cars": _cars,
    "folder": _folder,
    "table": _table,
}

HALVES = frozenset({"cub", "cars"})
"""Layouts that know no lists of training classes: the first half trains, whatever one wishes."""
