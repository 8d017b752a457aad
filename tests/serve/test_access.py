"""Names, pages and the token."""

import socket

import pytest

from reid.errors import ConfigError
from reid.serve.access import Access, hostname, is_loopback, named
from reid.serve.problems import Problem

LOCAL = Access("secret")
PUBLIC = Access("secret", host="0.0.0.0", names=named(["Reid.Example.org"]))  # noqa: S104  that is what is tested


def status(check, *arguments, **options):
    """Of the problem that a check raises; 200 where it raises none."""
    try:
        check(*arguments, **options)
    except Problem as problem:
        return problem.status_code
    return 200


@pytest.mark.parametrize(
    ("host", "local", "public"),
    [
        ("localhost:8321", 200, 200),
        ("127.0.0.1", 200, 200),
        ("127.8.9.1:80", 200, 200),
        ("[::1]:8321", 200, 200),
        ("LOCALHOST.", 200, 200),
        ("192.168.1.7:8321", 421, 200),
        ("reid.example.org", 421, 200),
        ("REID.example.org:443", 421, 200),
        (socket.gethostname(), 421, 200),
        ("evil.example", 421, 421),
        ("127.0.0.1.evil.example", 421, 421),
        ("localhost@evil.example", 421, 421),
        ("evil.example:80@localhost", 421, 421),
        ("[::1", 421, 421),
        ("", 421, 421),
    ],
)
def test_names_of_the_server(host, local, public):
    """A name that is not its own is refused, and where only this machine can ask, other addresses too."""
    assert status(LOCAL.check_host, {"host": host}) == local
    assert status(PUBLIC.check_host, {"host": host}) == public


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 200),
        ({"origin": "http://localhost:8321"}, 200),
        ({"origin": "http://localhost:8321", "sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"origin": "http://localhost:3000", "sec-fetch-site": "same-site"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://[bad"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
    ],
)
def test_pages_of_other_sites(headers, expected):
    """Only the server's own page may ask."""
    assert status(LOCAL.check_origin, {"host": "localhost:8321", **headers}) == expected


@pytest.mark.parametrize(
    ("access", "headers", "read", "change"),
    [
        (LOCAL, {}, 200, 401),
        (LOCAL, {"authorization": "Bearer secret"}, 200, 200),
        (LOCAL, {"authorization": "bearer secret"}, 200, 200),
        (LOCAL, {"authorization": "Bearer wrong"}, 401, 401),
        (LOCAL, {"authorization": "Bearer sécret"}, 401, 401),
        (LOCAL, {"authorization": "Basic secret"}, 401, 401),
        (LOCAL, {"authorization": "Bearer "}, 200, 401),
        (LOCAL, {"x-forwarded-for": "1.2.3.4"}, 401, 401),
        (LOCAL, {"forwarded": "for=1.2.3.4"}, 401, 401),
        (PUBLIC, {}, 401, 401),
        (PUBLIC, {"authorization": "Bearer secret"}, 200, 200),
        (Access("secret", names=named(["reid.example.org"])), {}, 401, 401),
        (Access("secret", private=True), {}, 401, 401),
        (Access("secret", read_only=True), {"authorization": "Bearer secret"}, 200, 403),
    ],
)
def test_the_token(access, headers, read, change):
    """Reading is free only where nobody else can ask, also not through a proxy; changing never is."""
    assert status(access.check_token, headers, changes=False) == read
    assert status(access.check_token, headers, changes=True) == change


@pytest.mark.parametrize("token", ["", "two words", "dé", "a\nb"])
def test_tokens_that_no_header_can_hold(token):
    """Are refused before anything starts."""
    with pytest.raises(ConfigError):
        Access(token)


def test_names():
    """Hosts are compared without port, in lower case."""
    assert hostname("Reid.Example.org:443") == "reid.example.org"
    assert (is_loopback("::1"), is_loopback("0.0.0.0"), is_loopback("localhost.evil")) == (True, False, False)  # noqa: S104
    with pytest.raises(ConfigError, match="no name"):
        named(["ok", " "])
