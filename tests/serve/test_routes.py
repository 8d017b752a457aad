"""Every endpoint, over HTTP."""

import hashlib
import json

import milvus_servers
import numpy as np
import pytest
import served as servers
from served import DAY, EACH, IDENTITIES, TOKEN, picture

from reid.data.images import decode_image


def form(content: bytes, **fields: str) -> tuple[bytes, str]:
    """A form with a picture, and its content type."""
    parts = [f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields.items()]
    head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="../../x.png"\r\n\r\n'
    return b"".join([*parts, head, content, b"\r\n--b--\r\n"]), "multipart/form-data; boundary=b"


def test_a_picture_is_found_in_every_form(served):
    """As it is, in a form, as its vector, as an image of the gallery: the same images come up."""
    content = picture(2, 99)
    plain = served.ask("POST", "/search?k=3&by=identity", content)
    body, kind = form(content, k="3", by="identity")
    formed = served.ask("POST", "/search", body, Content_Type=kind)
    from reid.data.transforms import TestTransform

    vector = served.model.pictures(TestTransform((16, 16))(decode_image(content, "x"))[np.newaxis])[0].tolist()
    numbers = served.ask("POST", "/search", {"vector": vector, "k": 3, "by": "identity"})
    stored = served.ask("POST", "/search", {"image": 2 * EACH + 1, "k": EACH - 1, "by": "image"})

    assert plain.status == formed.status == numbers.status == 200
    assert plain.json() == formed.json() == numbers.json()
    assert plain.json()["identity"] == "car-2"
    assert {hit["id"] for hit in stored.json()["hits"]} == {10, 11, 12}
    assert stored.json()["itself"]
    assert b"/secret" not in plain.content


def test_options(served):
    """Conditions, number of hits and threshold hold in a query string and in JSON."""
    content = picture(3, 99)
    some = served.ask("POST", "/search?k=50&camera=0&camera=2", content).json()["hits"]
    none = served.ask("POST", "/search?k=50&not_camera=0&identity=car-3&identity=unknown", content).json()["hits"]
    late = served.ask("POST", f"/search?k=50&since={DAY + 3600}&until=2026-03-01T02:30", content).json()["hits"]
    strict = served.ask("POST", "/search", {"image": 1, "threshold": 1.0, "rerank": True}).json()

    assert {hit["camera"] for hit in some} == {0, 2}
    assert len(some) == 2 * IDENTITIES
    assert {hit["identity"] for hit in none} == {"car-3", None}
    assert {hit["camera"] for hit in late} == {1, 2}
    assert strict["unknown"]
    assert strict["identity"] is None
    assert strict["threshold"] == 1.0


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "words"),
    [
        ("/search?k=0", b"x", {}, 422, "k"),
        ("/search?nonsense=1", b"x", {}, 422, "nonsense"),
        ("/search?since=yesterday", b"x", {}, 422, "is no time"),
        ("/search", b"x", {}, 422, "cannot read image upload"),
        ("/search", b"", {}, 422, "no bytes"),
        ("/search", b"x", {"Content_Type": "text/plain"}, 415, "send a picture"),
        ("/search", b"{", {"Content_Type": "application/json"}, 400, "no JSON"),
        ("/search", b"[" * 100_000, {"Content_Type": "application/json"}, 400, "no JSON"),
        ("/search", b"[]", {"Content_Type": "application/json"}, 422, "object"),
        ("/search", {"vector": [1.0]}, {}, 422, "numbers"),
        ("/search", {"vector": [0.0] * 12}, {}, 422, "zero"),
        ("/search", {"vector": [1e308] * 12}, {}, 422, ""),
        ("/search", {"vector": [1.0] * 12, "image": 3}, {}, 422, "either"),
        ("/search", {"image": 10**6}, {}, 404, "no image"),
        ("/search", b"--b", {"Content_Type": "multipart/form-data; boundary=b"}, 422, ""),
        ("/search", b"x", {"Content_Type": "multipart/form-data"}, 400, ""),
    ],
)
def test_mistakes_in_a_search(served, path, body, headers, status, words):
    """Each is told in one sentence, as a problem."""
    reply = served.ask("POST", path, body, **headers)

    assert reply.status == status, reply.content
    assert reply.headers["content-type"] == "application/problem+json"
    assert words in reply.json()["detail"]


def test_add_label_merge_and_remove(served, tmp_path):
    """An image lives its life; sending it again changes nothing; its file goes with it."""
    content, json_ = picture(1, 50), {"token": TOKEN}
    first = served.ask("POST", "/images?camera=9&time=2026-03-01T05:00&identity=new", content, **json_)
    body, kind = form(content, identity="other")
    again = served.ask("POST", "/images", body, Content_Type=kind, **json_)
    number = first.json()["id"]
    file = served.service.uploads.folder / f"{hashlib.sha256(content).hexdigest()}.png"
    kept = file.read_bytes()
    labelled = served.ask("PATCH", "/identities", {"ids": [number], "identity": "newer"}, **json_)
    merged = served.ask("PATCH", "/identities", {"merge": ["newer"], "identity": "newest"}, **json_)
    line = served.ask("GET", "/identities/timeline?identity=newest").json()
    itself = served.ask("POST", "/search?k=1", content).json()["itself"]
    gone = served.ask("DELETE", f"/images/{number}", **json_)

    assert (first.status, again.status) == (201, 200)
    assert again.json() == {"id": number, "added": False}
    assert kept == content
    assert labelled.json() == merged.json() == {"changed": 1}
    assert line["images"][0] == {"id": number, "identity": "newest", "camera": 9, "time": DAY + 5 * 3600, "box": None}
    assert itself
    assert gone.json() == {"removed": 1}
    assert not file.exists()
    assert served.ask("DELETE", f"/images/{number}", **json_).status == 404


def test_changes_that_name_what_is_not_there_change_nothing(served):
    """A label for one image that exists and one that does not gives 404."""
    labelled = served.ask("PATCH", "/identities", {"ids": [1, 10**6], "identity": "x"}, token=TOKEN)
    merged = served.ask("PATCH", "/identities", {"merge": ["car-1", "nobody"], "identity": "x"}, token=TOKEN)

    assert labelled.status == merged.status == 404
    assert "nobody" in merged.json()["detail"]
    assert served.ask("GET", "/identities/timeline?identity=x").status == 404


def test_looking(served):
    """Lists, thumbnails, timelines and statistics."""
    some = served.ask("GET", "/images?identity=unknown&limit=2").json()
    small = served.ask("GET", "/images/3/thumbnail")
    line = served.ask("GET", "/identities/timeline?identity=car-4").json()
    held = served.ask("GET", "/gallery").json()

    assert [image["id"] for image in some["images"]] == [4, 8]
    assert some["more"]
    assert small.headers["content-type"] == "image/jpeg"
    assert decode_image(small.content, "thumbnail").shape == (40, 60, 3)
    assert [image["camera"] for image in line["images"]] == [0, 1, 2]
    assert line["cameras"][1] == {"camera": 1, "images": 1, "first": DAY + 3600, "last": DAY + 3600}
    assert (held["images"], held["identities"], held["unlabelled"], held["writable"]) == (24, 6, 6, True)
    assert served.ask("GET", "/images/1000000/thumbnail").status == 404
    assert served.ask("GET", "/images/99999999999999999999/thumbnail").status == 422


def test_names_from_outside_come_back_as_they_are(served):
    """Markup and other scripts are names like any other; control characters and half characters are refused."""
    name = '<img src=x onerror="alert(1)">дом車'
    number = served.ask("POST", "/images", picture(0, 60), token=TOKEN).json()["id"]
    served.ask("PATCH", "/identities", {"ids": [number], "identity": name}, token=TOKEN)
    shown = served.ask("GET", "/images?limit=500").json()["images"][-1]["identity"]
    bad = [
        served.ask(
            "PATCH",
            "/identities",
            json.dumps({"ids": [1], "identity": value}).encode(),
            token=TOKEN,
            Content_Type="application/json",
        )
        for value in ("\ud800", "a\x00b", "", "x" * 201)
    ]
    served.ask("DELETE", f"/images/{number}", token=TOKEN)

    assert shown == name
    assert [reply.status for reply in bad] == [422] * 4


def a_life(server):
    """What every endpoint answers, one after another: statuses, and answers without what is another one's by nature."""
    told = {"token": TOKEN}
    vector = server.model.pictures(np.full((1, 16, 16, 3), 90, dtype=np.uint8))[0].tolist()
    content, told_of = picture(1, 70), "camera=9&time=2026-03-01T05:00&identity=new"
    added = server.ask("POST", f"/images?{told_of}", content, **told)
    number = added.json()["id"]
    asked = [
        ("POST", "/search?k=5&by=identity&best_of=2", picture(2, 99), {}),
        (
            "POST",
            f"/search?k=9&camera=0&camera=2&since={DAY}&until=2026-03-01T02:30&identity=unknown",
            picture(2, 99),
            {},
        ),
        ("POST", "/search?k=3&not_camera=1", content, {}),
        ("POST", "/search", {"vector": vector, "k": 4}, {}),
        ("POST", "/search", {"image": 7, "rerank": True}, {}),
        ("POST", "/search", {"image": 10**9}, {}),
        ("POST", "/search", mutant(content), {}),
        ("POST", "/images", content, told),
        ("GET", f"/images/{number}/thumbnail", None, {}),
        ("GET", "/images?camera=9", None, {}),
        ("GET", "/images?identity=unknown&limit=2", None, {}),
        ("PATCH", "/identities", {"ids": [number, 4], "identity": "newer"}, told),
        ("PATCH", "/identities", {"merge": ["newer", "car-5"], "identity": "n\u0435west"}, told),
        ("PATCH", "/identities", {"merge": ["nobody", "car-4"], "identity": "x"}, told),
        ("GET", "/identities/timeline?identity=n%D0%B5west", None, {}),
        ("DELETE", f"/images/{number}", None, told),
        ("DELETE", f"/images/{number}", None, told),
        ("DELETE", "/images/2", None, {}),
        ("GET", "/identities/timeline?identity=n%D0%B5west", None, {}),
        ("GET", "/gallery", None, {}),
        ("GET", "/health", None, {}),
    ]
    answers = []
    for method, path, body, rights in asked:
        reply = server.ask(method, path, body, **rights)
        said = reply.content if reply.headers["content-type"] == "image/jpeg" else reply.json()
        answers.append((method, path, reply.status, alike(said)))
    assert number == 25
    assert 'reid_requests_total{endpoint="/images",status="201"} 1.0' in server.ask("GET", "/metrics").content.decode()
    assert list(server.service.uploads.folder.iterdir()) == []
    return answers


def mutant(content):
    """Half of it."""
    return content[: len(content) // 2]


def alike(value):
    """Scores to six places, and nothing that tells one gallery, or one request, from another."""
    if isinstance(value, dict):
        return {key: alike(one) for key, one in value.items() if key not in {"created", "bytes", "request"}}
    if isinstance(value, list):
        return [alike(one) for one in value]
    return pytest.approx(value, abs=1e-6) if isinstance(value, float) else value


def test_a_gallery_on_milvus(tmp_path):
    """Every endpoint answers as it does for a gallery in a folder."""
    running = milvus_servers.lite(tmp_path / "milvus")
    try:
        with (
            servers.server(tmp_path / "one") as one,
            servers.server(tmp_path, place=str(running.address("g"))) as other,
        ):
            folder, milvus = a_life(one), a_life(other)
    finally:
        running.stop()

    assert milvus == folder
    refused = {6: 404, 7: 422, 14: 404, 17: 404, 18: 401}
    assert [status for _, _, status, _ in milvus] == [refused.get(n, 200) for n in range(1, len(milvus) + 1)]
