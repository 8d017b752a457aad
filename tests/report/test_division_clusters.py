"""The contact sheet shows images of the cluster they stand in."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reid.errors import MissingInputError, ShapeError
from reid.records import Records, build
from reid.report.canvas import learner_colour
from reid.report.division import Round
from reid.report.division_clusters import IMAGES, chosen, division_clusters

COLOURS = ((200, 30, 30), (30, 160, 30), (30, 30, 200))


@given(
    st.lists(st.tuples(st.integers(-1, 2), st.integers(0, 5)), min_size=1, max_size=60),
    st.integers(0, 2),
    st.integers(1, 12),
)
def test_chosen_images(images, cluster: int, count: int) -> None:
    """As many as there are room and images for, of this cluster, none twice, identities as evenly as they allow."""
    clusters, identities = (np.array(column, dtype=np.int64) for column in zip(*images, strict=True))
    found = chosen(Round(0, clusters, 3), identities, cluster, seed=1, count=count)
    members = np.flatnonzero(clusters == cluster)
    views = {identity: int((identities[found] == identity).sum()) for identity in set(identities[members].tolist())}

    assert len(found) == len(set(found)) == min(count, len(members))
    assert (clusters[found] == cluster).all()
    for identity, number in views.items():
        left = int((identities[members] == identity).sum()) - number
        assert left == 0 or number >= max(views.values()) - 1
    assert found == chosen(Round(0, clusters, 3), identities, cluster, seed=1, count=count)


def test_the_seed_decides() -> None:
    """Another seed, another cluster or another round draws others."""
    one, identities = Round(0, np.zeros(200, dtype=np.int64), 1), np.arange(200)

    assert chosen(one, identities, 0, 1) != chosen(one, identities, 0, 2)
    assert chosen(one, identities, 0, 1) != chosen(Round(2, one.clusters, 1), identities, 0, 1)


@pytest.fixture
def records(tmp_path: Path) -> Records:
    """Four images of each of three colours, each of another identity."""
    paths = []
    for number in range(12):
        paths.append(f"{number}.png")
        picture = np.full((40, 40, 3), COLOURS[number % 3], dtype=np.uint8)
        cv2.imwrite(str(tmp_path / paths[-1]), picture[:, :, ::-1])
    return build(tmp_path, paths, [f"{number:02d}" for number in range(12)])


def test_rows_hold_the_images_of_their_cluster(records: Records, tmp_path: Path) -> None:
    """A stripe in the learner's colour, then the cluster's images; an empty cluster has a stripe and no image."""
    one = Round(4, np.array([0, 1, 3] * 4), 4)
    division_clusters(one, records, tmp_path / "sheet.png")
    picture = cv2.imread(str(tmp_path / "sheet.png"))[:, :, ::-1]

    tops = [62 + row * (106 + 10) for row in range(4)]
    for row, top in enumerate(tops):
        stripe = picture[top + 3, 17]
        assert tuple(stripe.tolist()) == tuple(round(255 * part) for part in learner_colour(row, 4))
    for row, colour in ((0, COLOURS[0]), (1, COLOURS[1]), (2, (255, 255, 255)), (3, COLOURS[2])):
        for number in range(4):
            left = 164 + number * (106 + 4)
            assert (picture[tops[row] : tops[row] + 106, left : left + 106] == colour).all()
    assert picture.shape == (tops[3] + 106 + 10 + 14, 164 + IMAGES * 110 - 4 + 14, 3)


def test_a_division_without_images_in_clusters(records: Records, tmp_path: Path) -> None:
    """All sit out: stripes only."""
    division_clusters(Round(0, np.full(12, -1), 2), records, tmp_path / "sheet.png")

    assert cv2.imread(str(tmp_path / "sheet.png")).std() > 1


def test_what_cannot_be_drawn(records: Records, tmp_path: Path) -> None:
    """Another number of records, or an image that is gone."""
    with pytest.raises(ShapeError, match="of 3 images, but there are 12"):
        division_clusters(Round(0, np.zeros(3, dtype=np.int64), 1), records, tmp_path / "sheet.png")
    (tmp_path / "5.png").unlink()
    with pytest.raises(MissingInputError, match=r"5\.png"):
        division_clusters(Round(0, np.arange(12) // 12 + 0, 1), records.select(np.array([5] * 12)), tmp_path / "s.png")
