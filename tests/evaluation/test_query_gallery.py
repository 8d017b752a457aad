"""Queries against a gallery: camera rule, junk, distractors, sets stored apart."""

from dataclasses import replace

import pytest
from samples import drawn, embeddings

from reid.errors import ConfigError, DataError, ShapeError
from reid.evaluation.query_gallery import query_gallery

# Four gallery images, ever farther from the query's (1, 0).
FAN = [[1, 0], [1, 0.1], [1, 0.2], [1, 0.3]]


def ask(names, cameras=None, *, query="a", camera=1, **options):
    """One query against images of these names on a fan of directions."""
    gallery = embeddings(FAN[: len(names)], names, cameras, prefix="g", table=["a", "b"])
    asked = embeddings([[1, 0]], [query], None if camera is None else [camera], table=["a", "b", *names])
    return query_gallery(asked, replace(gallery, records=replace(gallery.records)), **options)


def test_same_identity_and_camera_are_removed():
    """The image of the query's own camera neither counts as right nor pushes others back."""
    report = ask(["a", "b", "a"], [1, 2, 2])

    assert report.cmc == {1: 0.0, 5: 1.0, 10: 1.0}
    assert report.mAP == 0.5
    assert (report.counts.same_camera_removed, report.counts.camera_rule) == (1, "applied")


def test_same_camera_can_be_kept():
    """Then the first image counts."""
    report = ask(["a", "b", "a"], [1, 2, 2], same_camera="keep")

    assert report.cmc[1] == 1
    assert (report.counts.same_camera_removed, report.counts.camera_rule) == (0, "off")


@pytest.mark.parametrize(("camera", "cameras"), [(None, [1, 2, 2]), (1, None), (-1, [1, 2, 2]), (1, [-1, -1, -1])])
def test_unknown_cameras_remove_nothing(camera, cameras):
    """Without cameras, or with unknown ones, the rule cannot be applied, and the report says so."""
    report = ask(["a", "b", "a"], cameras, camera=camera)

    assert report.cmc[1] == 1
    assert report.counts.camera_rule == "no cameras"


def test_cameras_are_counted():
    """The known ones of either side and those in both; junk has none to add."""
    counts = ask(["a", "b", "a", "-1"], [1, 2, -1, 7]).counts

    assert (counts.query_cameras, counts.gallery_cameras, counts.common_cameras) == (1, 2, 1)
    counts = ask(["a", "b"], None).counts
    assert (counts.query_cameras, counts.gallery_cameras, counts.common_cameras) == (1, 0, 0)


def test_junk_is_removed_and_distractors_stay():
    """Junk nearest to the query is passed over, an identity of no query pushes the match back."""
    report = ask(["-1", "distractor", "a"], [2, 2, 2])

    assert report.mAP == 0.5
    assert (report.counts.junk, report.counts.gallery) == (1, 2)


def test_ranks_beyond_the_gallery_stay_at_the_last_value():
    """A gallery of one image is enough."""
    assert ask(["a"], [2], ranks=(1, 1000)).cmc == {1: 1.0, 1000: 1.0}


def test_sets_stored_apart_are_compared_by_name():
    """Codes of two tables of names may differ; names decide, also names that only one side has."""
    images = drawn(80, 10)
    query, gallery = images.select(slice(30)), images.select(slice(30, None))
    names = ("aaa", *gallery.records.identity_names)
    renamed = replace(gallery.records, identities=gallery.records.identities + 1, identity_names=names)

    assert query_gallery(query, replace(gallery, records=renamed)) == query_gallery(query, gallery)


def test_average_precision_is_named():
    """The two definitions differ, and the report tells which one it used."""
    step = ask(["b", "a"], [2, 2])
    trapezoid = ask(["b", "a"], [2, 2], average_precision="trapezoid")

    assert (step.mAP, step.average_precision) == (0.5, "step")
    assert (trapezoid.mAP, trapezoid.average_precision) == (0.25, "trapezoid")


def test_a_query_that_is_in_the_gallery_is_flagged():
    """The same file on both sides finds itself; it is counted, not hidden."""
    images = drawn(40, 5)

    assert query_gallery(images.select(slice(10)), images).counts.queries_in_gallery == 10
    assert query_gallery(images.select(slice(10)), images.select(slice(10, None))).counts.queries_in_gallery == 0


def test_vectors_of_different_models_are_refused():
    """Unless one of them is unknown."""
    images = drawn(40, 5)
    query, gallery = replace(images, model="a" * 64), replace(images, model="b" * 64)

    with pytest.raises(DataError, match="queries were embedded by model aaaaaaaaaaaa and the gallery by bbbbbbbbbbbb"):
        query_gallery(query, gallery)
    assert query_gallery(query, replace(gallery, model="")).counts.queries == 40


def test_wrong_arguments():
    """Dimensions must agree, and the camera rule has two settings."""
    images = drawn(20, 4)
    with pytest.raises(ShapeError, match="8 dimensions and gallery vectors 4"):
        query_gallery(images, replace(images, vectors=images.vectors[:, :4]))
    with pytest.raises(ConfigError, match="'remove' or 'keep', got 'drop'"):
        query_gallery(images, images, same_camera="drop")
