"""Vectors from elsewhere become a test set."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from report_subjects import subject
from samples import embeddings

from reid.report.subject import together


def test_tables_of_names_become_one():
    """Identities keep their names and junk stays junk, whatever codes either side had; roots that differ go into paths."""
    query = embeddings(np.eye(3), ["b", "-1", "c"], [1, 2, 3])
    gallery = embeddings(np.eye(4)[:, :3], ["a", "c", "d", "b"])
    moved = replace(gallery, records=replace(gallery.records, root=Path("elsewhere")))
    for other in (gallery, moved):
        test, both = together(query, other)
        assert both.records.names() == ["b", "-1", "c", "a", "c", "d", "b"]
        assert both.records.files() == [*query.records.files(), *other.records.files()]
        assert both.records.cameras.tolist() == [1, 2, 3, -1, -1, -1, -1]
        assert (len(test.query), test.protocols) == (3, ("query-gallery",))
    assert together(None, gallery)[1] is gallery


def test_the_largest_set_and_whether_there_are_images(tmp_path):
    """By number of images; by whether files are there."""
    about = subject(tmp_path)
    both = replace(about, embeddings={"small": about.embeddings["test"].select(slice(5)), **about.embeddings})

    assert both.largest == "test"
    assert about.judged("test").tolist() == list(range(10))
    assert both.pictured("test")
    assert not replace(about, embeddings={"test": embeddings(np.eye(2), ["a", "b"])}).pictured("test")
