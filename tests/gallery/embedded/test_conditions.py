"""Conditions as SQL."""

import galleries
import pytest

from reid.gallery.embedded.conditions import cameras, clause, slots
from reid.gallery.embedded.schema import connect
from reid.gallery.entries import Stored
from reid.gallery.filters import Where

WHERES = [
    (Where(), lambda e: True),
    (Where(cameras=(2,)), lambda e: e.camera == 2),
    (Where(cameras=(2, 4, 99)), lambda e: e.camera in {2, 4}),
    (Where(cameras=()), lambda e: False),
    (Where(not_cameras=(2, 4)), lambda e: e.camera not in {2, 4}),
    (Where(cameras=(2, 3), not_cameras=(3,)), lambda e: e.camera == 2),
    (Where(since=300.0), lambda e: e.time is not None and e.time >= 300),
    (Where(until=300.0), lambda e: e.time is not None and e.time < 300),
    (Where(since=60.0, until=600.0, cameras=(1, 2)), lambda e: e.camera in {1, 2} and 60 <= e.time < 600),
    (Where(since=60.0, not_cameras=(1,)), lambda e: e.time is not None and e.time >= 60 and e.camera != 1),
    (Where(identities=("car-1", "car-3")), lambda e: e.identity in {"car-1", "car-3"}),
    (Where(identities=(None,)), lambda e: e.identity is None),
    (Where(identities=(None, "car-2")), lambda e: e.identity in {None, "car-2"}),
    (Where(identities=()), lambda e: False),
    (Where(sources=("source-1", "nowhere")), lambda e: e.source == "source-1"),
    (Where(paths=("/crops/2",)), lambda e: e.path.startswith("/crops/2/")),
    (
        Where(paths=("/crops/2/", "/crops/0/0.jpg")),
        lambda e: e.path.startswith("/crops/2/") or e.path == "/crops/0/0.jpg",
    ),
    (Where(paths=("/crops/",)), lambda e: True),
    (Where(paths=()), lambda e: False),
    (Where(ids=(1, 5, 5, 900)), lambda e: e.path in {"/crops/0/0.jpg", "/crops/1/4.jpg"}),
    (Where(ids=tuple(range(1, 40_000))), lambda e: True),
    (
        Where(cameras=(1,), identities=("car-1",), sources=("source-1",)),
        lambda e: (e.camera, e.identity, e.source) == (1, "car-1", "source-1"),
    ),
]


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    """To the catalogue of sixty images."""
    folder = tmp_path_factory.mktemp("conditions") / "g"
    galleries.filled(folder, 60).close()
    connection = connect(folder / "catalogue.sqlite")
    yield connection
    connection.close()


@pytest.mark.parametrize(("where", "holds"), WHERES, ids=lambda x: str(x) if isinstance(x, Where) else "")
def test_slots_are_those_of_a_plain_walk(connection, where, holds):
    """Every part of a condition, alone and with others; as SQL, and asked of one image after another."""
    images = [
        Stored(**{f: getattr(e, f) for f in e.__dataclass_fields__}, id=n)
        for n, e in enumerate(galleries.entries(60), 1)
    ]
    wanted = [slot for slot, image in enumerate(images) if holds(image)]

    assert slots(where, connection).tolist() == wanted
    assert [slot for slot, image in enumerate(images) if where.holds(image)] == wanted


def test_cameras(connection):
    """Each once, without walking along all images, and -1 for images without one."""
    assert cameras(connection) == [-1, 0, 1, 2, 3, 4, 5, 6]


def test_a_camera_and_a_day_are_answered_by_the_index(connection):
    """Also a time alone: no condition on cameras or times reads all rows."""
    for where in (Where(cameras=(1,), since=0.0, until=9.0), Where(since=0.0, until=9.0)):
        text, values = clause(where, connection)
        plan = connection.execute(f"EXPLAIN QUERY PLAN SELECT slot FROM images WHERE {text}", values).fetchall()
        assert "USING COVERING INDEX images_by_camera (camera=? AND time>? AND time<?)" in plan[0][-1]
