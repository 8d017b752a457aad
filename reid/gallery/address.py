"""What people type to name a gallery: a folder, a Milvus server, or a file of Milvus Lite."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from reid.errors import GalleryError
from reid.text import did_you_mean, printable

PASSWORD = "REID_MILVUS_PASSWORD"  # noqa: S105  the name of a variable
"""The environment variable that holds the password where the address names only the user."""

PORT = 19530
CONSISTENCY = {"strong": "Strong", "bounded": "Bounded", "session": "Session", "eventually": "Eventually"}
_LITE = "milvus+lite"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_DEFAULT_NAME = "gallery"
_FORM = "milvus://[user:password@]host[:19530]/NAME"
_LITE_FORM = "milvus+lite:///folder/file.db/NAME"


@dataclass(frozen=True)
class MilvusAddress:
    """A gallery on a Milvus server, or in a file of Milvus Lite.

    Attributes:
        name: of the gallery there.
        host: of the server; "" for a file.
        port: of the server.
        file: of Milvus Lite; None for a server.
        user: whom to log in as; "" with a password is a token alone, and without one nobody.
        password: never shown.
        tls: whether the connection is encrypted.
        database: on the server; "" is its default one.
        consistency: what a search may miss of changes that others made just before: "strong" nothing, "bounded" the
            last seconds, "session" what others changed, "eventually" anything. Everything but searches is always strong.
        timeout: seconds that an answer may take.
    """

    name: str
    host: str = ""
    port: int = PORT
    file: Path | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    database: str = ""
    consistency: str = "strong"
    timeout: float = 30.0

    @property
    def uri(self) -> str:
        """The server without user and gallery, as clients take it."""
        if self.file is not None:
            return str(self.file)
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    @property
    def token(self) -> str:
        """How the client logs in."""
        return f"{self.user}:{self.password}" if self.user else self.password

    def __str__(self) -> str:
        """The address to show: without the password."""
        if self.file is not None:
            return f"{_LITE}://{printable(self.file)}/{self.name}"
        user = f"{quote(self.user)}@" if self.user else ""
        return f"milvus://{user}{self.uri.partition('://')[2]}/{self.name}"


def parse_address(text: str | os.PathLike[str], environ: Mapping[str, str] = os.environ) -> Path | MilvusAddress:
    """The folder, server or file that `text` names.

    Args:
        text: `galleries/street` (a folder), `milvus://[user:password@]host[:19530]/NAME` with the options `?tls=1`,
            `database=`, `consistency=` and `timeout=`, `milvus+lite:///folder/file.db/NAME`, or a path that ends in
            .db: Milvus Lite, and the gallery in it is called "gallery".
        environ: where `REID_MILVUS_PASSWORD` is looked up.

    Raises:
        GalleryError: a malformed address; passwords in it are not repeated.
    """
    text = os.fspath(text)
    if not text:
        raise GalleryError("a gallery is named by a folder or an address, found an empty text")
    scheme, separator, _ = text.partition("://")
    if not separator:
        path = Path(text)
        return MilvusAddress(_DEFAULT_NAME, file=path) if path.suffix == ".db" else path
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise GalleryError(f"{_shown(text)} is no address: {_reason(error)}; write {_FORM}") from None
    if scheme == "milvus":
        return _server(parts, port, _shown(text), environ)
    if scheme == _LITE:
        return _lite(parts, _shown(text))
    raise GalleryError(
        f"{_shown(text)} is no address of a gallery{did_you_mean(scheme, ['milvus', _LITE])} "
        f"Write a folder, {_FORM} or {_LITE_FORM}"
    )


def _server(parts: SplitResult, port: int | None, shown: str, environ: Mapping[str, str]) -> MilvusAddress:
    if not parts.hostname:
        raise GalleryError(f"{shown} names no host; write {_FORM}")
    if parts.fragment:
        raise GalleryError(f"{shown} has a part behind #, which means nothing here; write # in a password as %23")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return MilvusAddress(
        _name(unquote(parts.path.removeprefix("/")), shown),
        host=parts.hostname,
        port=PORT if port is None else port,
        user=user,
        password=password or (environ.get(PASSWORD, "") if user else ""),
        **_options(parts.query, shown),
    )


def _lite(parts: SplitResult, shown: str) -> MilvusAddress:
    path, _, name = unquote(parts.path).rpartition("/")
    if name.endswith(".db"):
        path, name = unquote(parts.path), _DEFAULT_NAME
    if parts.netloc or parts.query or parts.fragment or not path.endswith(".db"):
        raise GalleryError(f"{shown} names no file of Milvus Lite, which ends in .db; write {_LITE_FORM}")
    return MilvusAddress(_name(name, shown), file=Path(path))


def _name(name: str, shown: str) -> str:
    if not _NAME.fullmatch(name):
        found = f"found {printable(name)!r}" if name else "there is none"
        raise GalleryError(
            f"{shown}: the name of a gallery on Milvus is letters, digits and _, begins with no digit and has at most "
            f"200 of them; {found}"
        )
    return name


def _options(query: str, shown: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key == "tls" and value in {"0", "1"}:
            options[key] = value == "1"
        elif (key == "database" and _NAME.fullmatch(value)) or (key == "consistency" and value in CONSISTENCY):
            options[key] = value
        elif key == "timeout" and re.fullmatch(r"\d{1,5}(\.\d+)?", value) and float(value) > 0:
            options[key] = float(value)
        else:
            raise GalleryError(
                f"{shown}: {printable(key)}={printable(value)} is no option; known are tls=0 or 1, database=NAME, "
                f"consistency={' or '.join(CONSISTENCY)}, and timeout=SECONDS"
            )
    return options


def _shown(text: str) -> str:
    """The address without anything that may be a password."""
    scheme, _, rest = text.partition("://")
    secret, at, host = rest.rpartition("@")
    user = secret.partition(":")[0]
    return printable(f"{scheme}://{user}{':***' if ':' in secret else ''}{at}{host}")


def _reason(error: ValueError) -> str:
    """What urllib found wrong, without what it quotes from the address."""
    return "the port is a number from 0 to 65535" if "ort" in str(error) else "the host is malformed"
