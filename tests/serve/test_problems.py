"""What clients are told of errors."""

import json

import pytest

from reid.errors import ArtefactError, DataError, GalleryError, InUseError
from reid.serve.problems import Problem, body, busy, told


@pytest.mark.parametrize(
    ("error", "status", "shown"),
    [
        (DataError("it looks like text"), 422, True),
        (GalleryError("a vector has 3 numbers"), 422, True),
        (InUseError("/data/secret is locked"), 503, False),
        (ArtefactError("/data/secret/catalogue.sqlite is damaged"), 500, False),
    ],
)
def test_only_what_concerns_the_client_is_told(error, status, shown):
    """Mistakes in a request are explained; the server's own faults, which name files, are not."""
    problem = told(error)

    assert problem.status_code == status
    assert (str(error) in problem.detail) == shown
    assert "/data" not in problem.detail


def test_the_answer_is_json_on_one_line():
    """Status, sentence and the number of the request."""
    assert json.loads(body(Problem(404, "no\nsuch"), "ab")) == {
        "title": "Not Found",
        "status": 404,
        "detail": "no\nsuch",
        "request": "ab",
    }


def test_busy_says_when_to_come_again():
    """429 with Retry-After."""
    assert (busy("searches", 3).status_code, busy("searches", 3).headers) == (429, {"Retry-After": "3"})
