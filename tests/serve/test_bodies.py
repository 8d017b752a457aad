"""What is read of bodies; over HTTP they are tested with the endpoints."""

import asyncio

import pytest
from starlette.requests import Request

from reid.serve.bodies import content_type, fields_of, mistakes, parsed, read_json, read_picture
from reid.serve.problems import Problem
from reid.serve.schemas import Filters, Options, Told


def request(kind, body):
    """A request with a body."""

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": "POST", "headers": [(b"content-type", kind.encode())]}, receive)


def test_content_types():
    """Without parameters and in lower case."""
    assert content_type(request("Image/PNG; q=1", b"")) == "image/png"


@pytest.mark.parametrize("kind", ["image/png", "image/x-whatever", "application/octet-stream"])
def test_pictures_as_they_are(kind):
    """To the byte."""
    assert asyncio.run(read_picture(request(kind, b"\x00\xff"))) == (b"\x00\xff", [])


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a": ' * 50_000])
def test_what_is_no_json(body):
    """400, however deep it is."""
    with pytest.raises(Problem) as refused:
        asyncio.run(read_json(request("application/json", body)))
    assert refused.value.status_code == 400


def test_a_field_without_a_file_name_is_not_kept_in_memory_beyond_10_kb():
    """A form whose picture comes as a plain field is refused as soon as it is too large."""
    body = b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\n' + b"x" * 5_000_000 + b"\r\n--b--\r\n"
    with pytest.raises(Exception, match="exceeded maximum size") as refused:
        asyncio.run(read_picture(request("multipart/form-data; boundary=b", body)))
    assert not isinstance(refused.value, Problem)  # over HTTP it is 400


def test_fields_and_what_is_known():
    """Lists where a model wants them; what a form says goes before the query."""
    fields = fields_of(Options, [("camera", "1"), ("camera", "2"), ("k", "3"), ("k", "4"), ("other", "x")])

    assert fields == {"camera": ["1", "2"], "k": "4", "other": "x"}
    assert parsed(Told, Told(camera=1, identity="a"), {"identity": "b"}) == Told(
        camera=1, identity="b", source="upload"
    )
    with pytest.raises(Problem, match="k: "):
        parsed(Options, Filters(camera=[3]), {"k": "many"})


def test_mistakes_are_told_shortly():
    """Five at most, each with its place."""
    told = mistakes([{"loc": ("body", n), "msg": "bad " * 100} for n in range(9)])

    assert told.count("body.") == 5
    assert told.endswith("and 4 more")
    assert len(told) < 1100
    assert mistakes([{"loc": ("query", "camera", 0), "msg": "Value error, bad"}]) == "camera.0: bad"
    assert mistakes([{"loc": (), "msg": "bad"}]) == "body: bad"
