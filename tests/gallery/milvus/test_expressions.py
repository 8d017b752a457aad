"""Conditions as expressions; that servers understand them alike is tested with the store."""

import gallery_contract
import pytest
from memory_store import holds

from reid.gallery.entries import Stored
from reid.gallery.filters import Where
from reid.gallery.milvus.expressions import among, expression, one_of
from reid.gallery.milvus.rows import to_row


def test_they_mean_what_the_condition_means():
    """Evaluated as Python, whose expressions look alike."""
    stored = [
        Stored(entry.path, entry.identity, entry.camera, entry.time, entry.source, entry.box, entry.sha256, number)
        for number, entry in enumerate(gallery_contract.images(100), 1)
    ]
    rows = [to_row(image, image.id, gallery_contract.unit(1)[0]) for image in stored]
    for where in gallery_contract.conditions(150):
        text = expression(where)
        code = compile("False" if text is None else text or "True", "expression", "eval")
        for image, row in zip(stored, rows, strict=True):
            found = bool(eval(code, {"true": True, "false": False}, row))  # noqa: S307
            assert found == holds(where, image), (where, image)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Where(), ""),
        (Where(cameras=()), None),
        (Where(ids=()), None),
        (Where(identities=()), None),
        (Where(paths=(), cameras=(1,)), None),
        (Where(cameras=(-1, 2**63)), None),
        (Where(cameras=(3, 1, 3)), "(camera in [3,1])"),
        (Where(not_cameras=(-1,)), ""),
        (Where(since=5), "(timed == true) and (time >= 5.0)"),
        (Where(identities=(None,)), "((named == false))"),
        (Where(sources=('"',)), '(source in ["^22;"])'),
    ],
)
def test_what_they_look_like(where, expected):
    """A number that no image can have, such as that of "no camera", is not looked for."""
    assert expression(where) == expected


def test_nothing_to_look_for():
    """Is told, because an empty list is no expression of every server."""
    assert among("id", []) is None
    assert one_of("key", []) is None
