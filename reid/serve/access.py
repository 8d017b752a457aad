"""Who may ask: names that the server goes by, pages that may call it, and the token."""

import hmac
import ipaddress
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from reid.errors import ConfigError
from reid.serve.problems import Problem
from reid.text import printable

_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
_BEARER = {"WWW-Authenticate": 'Bearer realm="reid"'}


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


@dataclass(frozen=True)
class Access:
    """The rules for every request.

    Attributes:
        token: what shows the right to change the gallery, and to read it where that is not free.
        host: that the server listens on.
        names: further ones that it is reached by, such as that of a proxy.
        private: whether reading needs the token on this machine too.
        read_only: whether nobody may change the gallery.

    Raises:
        ConfigError: the token is empty, or cannot be sent in a header.
    """

    token: str
    host: str = "127.0.0.1"
    names: frozenset[str] = frozenset()
    private: bool = False
    read_only: bool = False

    def __post_init__(self) -> None:
        if not self.token or not self.token.isascii() or not self.token.isprintable() or " " in self.token:
            raise ConfigError("the token must be letters, digits and signs of ASCII without spaces, and not empty")

    @property
    def free_reading(self) -> bool:
        """Whether nobody but this machine can ask, so that reading needs no token."""
        return is_loopback(self.host) and not self.names and not self.private

    def check_host(self, headers: Mapping[str, str]) -> None:
        """Refuse names that are not the server's: a page elsewhere could have its own name point here.

        Raises:
            Problem: 421.
        """
        if not self._known(hostname(headers.get("host", ""))):
            raise Problem(421, "this server does not go by that name; allow it with --allow-host")

    def check_origin(self, headers: Mapping[str, str]) -> None:
        """Refuse requests of other sites' pages.

        Raises:
            Problem: 403.
        """
        origin = headers.get("origin")
        foreign = origin is not None and urlsplit_host(origin) != headers.get("host", "").lower()
        if foreign or headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
            raise Problem(403, "pages of other sites may not ask this server")

    def check_token(self, headers: Mapping[str, str], *, changes: bool) -> None:
        """Ask for the token where it is needed.

        Raises:
            Problem: 401, or 403 where nobody may.
        """
        if changes and self.read_only:
            raise Problem(403, "this server only lets people read (--read-only)")
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._right(given.strip()):
            return
        if given:
            raise Problem(401, "the token is not the right one", _BEARER)
        through = any(name in headers for name in _FORWARDED)  # somebody else asks, by a proxy of this machine
        if changes or through or not self.free_reading:
            raise Problem(401, "this needs the token: send the header Authorization: Bearer TOKEN", _BEARER)

    def _right(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode())

    def _known(self, host: str) -> bool:
        """A name of an attacker's can point to any address, but an address cannot be made to point elsewhere."""
        if is_loopback(host) or host in self.names or host == self.host.lower():
            return True
        own = socket.gethostname().lower()
        return not is_loopback(self.host) and (_address(host) is not None or host == own)


def named(hosts: Iterable[str]) -> frozenset[str]:
    """Names as they are compared.

    Raises:
        ConfigError: one is none.
    """
    names = {hostname(host) for host in hosts}
    if "" in names:
        raise ConfigError(f"{printable(list(hosts))} holds an entry that is no name of a host")
    return frozenset(names)


def hostname(header: str) -> str:
    """The name in a Host header, without port, in lower case; "" where there is none."""
    try:
        return (urlsplit(f"//{header.strip()}").hostname or "").rstrip(".") if "@" not in header else ""
    except ValueError:
        return ""


def urlsplit_host(origin: str) -> str:
    """Host and port of an Origin header as a Host header says them; "" for "null" and what is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
