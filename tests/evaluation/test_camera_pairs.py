"""Figures of every pair of cameras."""

from dataclasses import replace

import numpy as np
import oracles
import pytest
from samples import drawn, embeddings

from reid.evaluation.camera_pairs import CameraPairs
from reid.evaluation.protocols import Options, evaluate, query_gallery

IMAGES = drawn(120, 8)
QUERY, GALLERY = IMAGES.select(slice(40)), IMAGES.select(slice(40, None))


@pytest.mark.parametrize("same_camera", ["remove", "keep"])
@pytest.mark.parametrize("kind", ["step", "trapezoid"])
def test_every_pair_equals_a_gallery_of_that_camera(same_camera, kind):
    """Each cell is what plain loops give for the queries of one camera in the images of another."""
    found = query_gallery(QUERY, GALLERY, camera_pairs=True, same_camera=same_camera, average_precision=kind)
    matrix = found.camera_pairs

    assert matrix.query_cameras == matrix.gallery_cameras == (0, 1, 2)
    for row in range(3):
        for column in range(3):
            asked = QUERY.select(QUERY.records.cameras == row)
            images = GALLERY.select(GALLERY.records.cameras == column)
            labels = [(part.records.identities.tolist(), part.records.cameras.tolist()) for part in (asked, images)]
            exact = oracles.cosine_distances(asked.vectors.tolist(), images.vectors.tolist())
            expected = oracles.score(exact, *labels, same_camera=same_camera == "remove")
            assert matrix.queries[row][column] == len(expected.rankings)
            assert matrix.rank1[row][column] == pytest.approx(expected.figures["hit1"])
            assert matrix.mAP[row][column] == pytest.approx(expected.figures[kind])


def test_own_cameras_are_empty_under_the_camera_rule():
    """No query has a match there: no queries, and no figures."""
    matrix = query_gallery(QUERY, GALLERY, camera_pairs=True).camera_pairs

    assert [matrix.queries[camera][camera] for camera in range(3)] == [0, 0, 0]
    assert [matrix.rank1[camera][camera] for camera in range(3)] == [None, None, None]


def test_images_of_unknown_camera_and_junk_are_in_no_pair():
    """They make no row and no column; a camera that has junk only makes none either."""
    query = embeddings(np.eye(4), ["a", "b", "c", "-1"], [1, -1, 3, 9])
    gallery = embeddings(np.eye(4), ["a", "b", "c", "-1"], [2, 2, -1, 8], prefix="g", table=["a", "b", "c"])
    matrix = query_gallery(query, gallery, camera_pairs=True).camera_pairs

    assert (matrix.query_cameras, matrix.gallery_cameras) == ((1, 3), (2,))
    assert matrix.queries == ((1,), (0,))
    assert matrix.to_dict() == {
        "query_cameras": (1, 3),
        "gallery_cameras": (2,),
        "queries": ((1,), (0,)),
        "rank1": ((1.0,), (None,)),
        "mAP": ((1.0,), (None,)),
    }


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("cameras", [None, -1])
def test_none_without_cameras(side, cameras):
    """Where either side knows no camera there is no matrix; nor where none is asked for."""
    pair = [QUERY, GALLERY]
    column = None if cameras is None else np.full(len(pair[side].records), cameras)
    pair[side] = replace(pair[side], records=replace(pair[side].records, cameras=column))

    assert query_gallery(*pair, camera_pairs=True).camera_pairs is None
    assert evaluate((QUERY, GALLERY), "query-gallery").camera_pairs is None
    assert evaluate((QUERY, GALLERY), "query-gallery", Options(camera_pairs=True)).camera_pairs is not None


def test_one_pair_says_nothing_more() -> None:
    """One query camera and one gallery camera are the whole."""
    one = CameraPairs((1,), (2,), ((3,),), ((0.5,),), ((0.4,),))

    assert not one.several
    assert CameraPairs((1,), (2, 3), ((3, 1),), ((0.5, 1.0),), ((0.4, 1.0),)).several
