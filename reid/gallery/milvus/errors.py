"""What the client of Milvus raises, as errors that say what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from reid.errors import ArtefactError, GalleryError
from reid.gallery.address import MilvusAddress
from reid.text import printable

_NOT_LOADED = {101, 106}  # collection not loaded, not fully loaded
_LONGEST = 500


class NotLoadedError(ArtefactError):
    """The gallery is not in the server's memory, as while its index is made anew."""


@contextmanager
def told(address: MilvusAddress, doing: str) -> Iterator[None]:
    """Errors of the client as ours.

    Args:
        address: of the gallery; shown without its password.
        doing: what was asked of the server, such as "adding images".

    Raises:
        GalleryError: the server refuses the user.
        NotLoadedError: the gallery is not loaded.
        ArtefactError: the server cannot be reached, took too long or failed.
    """
    import grpc
    import pymilvus

    try:
        yield
    except (pymilvus.MilvusException, grpc.RpcError) as error:
        raise _translated(error, address, doing) from error


def _translated(error: Exception, address: MilvusAddress, doing: str) -> GalleryError | ArtefactError:
    code, message = _what(error)
    if address.password:
        message = message.replace(address.password, "***")
    message, lower = printable(message[:_LONGEST]), message.lower()
    if code in {"UNAUTHENTICATED", "PERMISSION_DENIED"} or "auth check failure" in lower or "unauthenticated" in lower:
        who = address.user or ("the token" if address.password else "anybody without a user")
        return GalleryError(f"{address} refuses {printable(who)}; write milvus://USER:PASSWORD@... ({message})")
    if code in _NOT_LOADED or "not loaded" in lower:
        return NotLoadedError(
            f"{address} is not loaded: its index is being made anew, or somebody released it; try again"
        )
    if code == 2 or code in {"UNAVAILABLE", "DEADLINE_EXCEEDED"} or "timeout" in lower or "fail connecting" in lower:
        return ArtefactError(
            f"{address}: no answer from {address.uri} while {doing}; is the server running there, and does it "
            f"{'expect' if address.tls else 'do without'} TLS? ({message})"
        )
    return ArtefactError(f"{address}: the server failed while {doing}: {message}")


def _what(error: Exception) -> tuple[object, str]:
    """Code and message of an error, of the client or of what it speaks through."""
    code = getattr(error, "code", None)
    if not callable(code):
        return code, str(getattr(error, "message", "") or error)
    details = getattr(error, "details", None)
    return getattr(code(), "name", None), str(details() if callable(details) else error)
