"""Contact sheets: identities in rows, cameras in columns."""

import dataclasses

import cv2
import numpy as np
import pytest
import small_runs

from reid.errors import DataError
from reid.records import Splits
from reid.report.contact_sheet import COLUMNS, IDENTITIES, chosen, contact_sheet, training_sheet


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Fifteen identities of three pictures, of which cameras 1 and 3 took the first two, and camera 7 the last of each."""
    made = small_runs.patches(tmp_path_factory.mktemp("sheet"), identities=15, each=3)
    return dataclasses.replace(made, cameras=np.array([1, 3, 7] * 15))


def test_every_place_shows_its_identity_and_camera(records):
    """Of identities drawn by chance, the same ones for the same seed; -1 where a camera has no image of one."""
    table, cameras = chosen(records.select(np.arange(45) != 4), seed=2)
    kept = records.select(np.arange(45) != 4)

    assert cameras == [1, 3, 7]
    assert len(table) == IDENTITIES
    for identity, rows in table:
        for camera, row in zip(cameras, rows, strict=True):
            assert row >= 0 or (identity, camera) == (1, 3)
            assert row < 0 or (kept.identities[row], kept.cameras[row]) == (identity, camera)
    assert chosen(kept, seed=2)[0] == table != chosen(kept, seed=3)[0]
    table, cameras = chosen(dataclasses.replace(records, cameras=None), seed=0)
    assert cameras == []
    assert all(len(set(rows)) == 3 <= COLUMNS for _, rows in table)


def test_pictures_are_drawn_where_they_belong(records, tmp_path):
    """The sheet of a dataset; an empty place is pale; without images there is none."""
    some = records.select(np.array([0, 1, 5]))
    training_sheet(Splits("n\ns", "vehicle", some, {}), tmp_path / "s.png")
    picture = cv2.imread(str(tmp_path / "s.png")).astype(int)
    corner = [(96 + line * 117 + 56, 134 + column * 117 + 56) for line in range(2) for column in range(3)]

    assert [tuple(picture[y, x]) == (243, 243, 243) for y, x in corner] == [False, False, True, True, True, False]
    with pytest.raises(DataError, match="no images"):
        contact_sheet(records.select(np.array([], dtype=int)), tmp_path / "t.png", title="t")


def test_the_title_is_not_cut(records, tmp_path):
    """A sheet of one column is as wide as its title asks for."""
    one, title = (
        dataclasses.replace(records, cameras=None).select(np.array([0])),
        "market1501: 12 of 367 training identities",
    )
    contact_sheet(one, tmp_path / "s.png", title=title)
    picture = cv2.imread(str(tmp_path / "s.png"))
    dark = np.flatnonzero(picture[:50].min(axis=(0, 2)) < 128)

    assert dark[-1] < picture.shape[1] - 10
