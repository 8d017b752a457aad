"""Errors of the client, as ours."""

import grpc
import pymilvus
import pytest

from reid.errors import ArtefactError, GalleryError
from reid.gallery.address import MilvusAddress
from reid.gallery.milvus.errors import NotLoadedError, told

ADDRESS = MilvusAddress("street", host="host", user="reid", password="secret")  # noqa: S106


class Call(grpc.RpcError):
    """What grpc raises."""

    def __init__(self, code, details):
        self._code, self._details = code, details

    def code(self):
        return self._code

    def details(self):
        return self._details


@pytest.mark.parametrize(
    ("raised", "kind", "words"),
    [
        (pymilvus.MilvusException(2, "Fail connecting to server"), ArtefactError, "no answer from http://host:19530"),
        (Call(grpc.StatusCode.UNAVAILABLE, "gone"), ArtefactError, "is the server running"),
        (Call(grpc.StatusCode.DEADLINE_EXCEEDED, "late"), ArtefactError, "while testing"),
        (pymilvus.MilvusException(1, "[search] Retry timeout: 2s"), ArtefactError, "no answer"),
        (Call(grpc.StatusCode.UNAUTHENTICATED, "auth check failure"), GalleryError, "refuses reid"),
        (pymilvus.MilvusException(1, "auth check failure, secret"), GalleryError, "refuses reid"),
        (pymilvus.MilvusException(101, "collection on recovering"), NotLoadedError, "try again"),
        (pymilvus.MilvusException(65535, "odd\n\x1b[31m thing"), ArtefactError, r"failed while testing: odd\\n\\x1b"),
        (Call(grpc.StatusCode.UNIMPLEMENTED, "Method not found"), ArtefactError, "Method not found"),
        (pymilvus.MilvusException(9, "disk quota exhausted"), ArtefactError, "disk quota exhausted"),
    ],
)
def test_they_say_what_to_do(raised, kind, words):
    """In one line with the address, without the password."""
    with pytest.raises(kind, match=words) as caught, told(ADDRESS, "testing"):
        raise raised
    assert str(caught.value).startswith("milvus://reid@host:19530/street")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_our_own_errors_pass():
    """And mistakes in the code as well."""
    for error in (GalleryError("own"), KeyError("bug")):
        with pytest.raises(type(error)), told(ADDRESS, "testing"):
            raise error
