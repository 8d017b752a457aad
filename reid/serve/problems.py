"""What clients are told when something does not work: a status and one sentence, never a path or a traceback."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException

from reid.errors import DataError, GalleryError, InUseError, ReidError, ShapeError
from reid.text import printable

CONTENT_TYPE = "application/problem+json"
_MOST = 500  # characters of a sentence


class Problem(HTTPException):
    """A request that is not answered as it was meant.

    Args:
        status: of HTTP.
        detail: one sentence for the client.
        headers: further ones of the answer.
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, detail, dict(headers or {}))


def busy(what: str, seconds: int = 1) -> Problem:
    """Too much is asked for at once."""
    return Problem(429, f"too many {what} at once; try again in a moment", {"Retry-After": str(seconds)})


def told(error: ReidError) -> Problem:
    """What of an error of ours concerns the client; a fault of the server is not explained to it."""
    if isinstance(error, InUseError):
        return Problem(503, "another process is changing the gallery; try again in a moment", {"Retry-After": "5"})
    if isinstance(error, (DataError, GalleryError, ShapeError)):
        return Problem(422, printable(error)[:_MOST])
    return Problem(500, "the server could not do this; its log says why")


def body(problem: HTTPException, request: str) -> bytes:
    """The answer's content: JSON as in RFC 9457, with the number under which the log knows the request."""
    told = {
        "title": _phrase(problem.status_code),
        "status": problem.status_code,
        "detail": problem.detail,
        "request": request,
    }
    return json.dumps(told).encode()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
