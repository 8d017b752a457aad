"""A small gallery of drawn pictures, and a real server of it on a port of this machine."""

import asyncio
import hashlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pictures import encode, photo

from reid.data.thumbnails import thumbnail
from reid.embed import Embedder
from reid.gallery.entries import Entry
from reid.gallery.gallery import Gallery
from reid.gallery.opening import create_store
from reid.gallery.store import About
from reid.model.embedder import Architecture
from reid.model.store import Description
from reid.serve.access import Access
from reid.serve.app import make_app
from reid.serve.limits import Limits
from reid.serve.running import Running
from reid.serve.server import answering, listen, make_server
from reid.serve.service import Service
from reid.serve.uploads import Uploads

TOKEN = "a-token-for-tests-only"  # noqa: S105
DIMENSION, SIDE = 12, 16
IDENTITIES, EACH = 6, 4
DAY = 1_772_323_200.0  # 2026-03-01


DESCRIPTION = Description(Architecture("small-cnn", DIMENSION, 1), (SIDE, SIDE), "resize", "area", "vehicle", "drawn")


@dataclass
class Colours:
    """A model without weights: what a picture's corners look like, after a fixed random turn."""

    description: Description = DESCRIPTION
    fingerprint: str = "c" * 64
    dimension: int = DIMENSION
    device: None = None
    calls: list[int] = field(default_factory=list)

    def pictures(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(B, 16, 16, 3) -> (B, 12)."""
        self.calls.append(len(batch))
        corners = batch.reshape(len(batch), 2, SIDE // 2, 2, SIDE // 2, 3).mean(axis=(2, 4)).reshape(len(batch), -1)
        turned = (corners - 128.0) @ np.random.default_rng(0).standard_normal((12, DIMENSION)) + 1e-3
        return (turned / np.linalg.norm(turned, axis=1, keepdims=True)).astype(np.float32)


def picture(identity: int, number: int) -> bytes:
    """A PNG file: one of an identity's pictures, which differ in noise."""
    clean = photo(40, 60, seed=identity).astype(np.int64)
    noise = np.random.default_rng([identity, number]).integers(-12, 13, clean.shape)
    return encode(np.clip(clean + noise, 0, 255).astype(np.uint8), "PNG")


def fill(place: Path | str) -> Gallery:
    """A gallery of car-0 ... car-5, each seen by four cameras an hour apart; the last of each is not named."""
    from reid.data.images import decode_image
    from reid.data.transforms import TestTransform

    model = Colours()
    store = create_store(place, About(DIMENSION, model.fingerprint, {}))
    entries, pictures, small = [], [], []
    for n in range(IDENTITIES * EACH):
        identity, number = divmod(n, EACH)
        content = picture(identity, number)
        name = None if number == EACH - 1 else f"car-{identity}"
        digest = hashlib.sha256(content).hexdigest()
        entries.append(Entry(f"/secret/{n}.png", name, number, DAY + 3600 * number, "drawn", None, digest))
        pixels = decode_image(content, "drawn")
        pictures.append(TestTransform((SIDE, SIDE))(pixels))
        small.append(thumbnail(pixels))
    store.add(entries, model.pictures(np.stack(pictures)), small)
    return Gallery(store)


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """Its content."""
        return json.loads(self.content)


@dataclass
class Server:
    """A server that answers, and a client."""

    port: int
    service: Service
    running: Running
    model: Colours
    access: Access

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Mapping[str, Any] | None = None,
        *,
        token: str | None = None,
        **headers: str,
    ) -> Reply:
        """One request on a connection of its own; a dictionary is sent as JSON, bytes as a picture."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if isinstance(body, Mapping):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        elif body is not None:
            sent.setdefault("Content-Type", "image/png")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()


def until(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Wait for what happens just after an answer; whether it did."""
    end = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < end:
        time.sleep(0.005)
    return held


@contextmanager
def server(
    folder: Path,
    *,
    limits: Limits | None = None,
    model: Colours | None = None,
    place: Path | str | None = None,
    **access: Any,
) -> Iterator[Server]:
    """A server of `fill(place)`, by default `folder / "g"`, that ends with the block."""
    chosen, rules, colours = limits or Limits(), Access(TOKEN, **access), model or Colours()
    with fill(place or folder / "g") as gallery:
        service = Service(gallery, Uploads(folder / "uploads"))
        running = Running(service, Embedder(colours), chosen, processes=2)
        bound, ready = listen("127.0.0.1", 0), threading.Event()
        port = bound.getsockname()[1]
        answers = make_server(make_app(running, rules), chosen, ready.set)
        thread = threading.Thread(target=lambda: asyncio.run(answering(answers, running, bound)))
        thread.start()
        try:
            if not ready.wait(60):
                raise TimeoutError("the server did not start")
            yield Server(port, service, running, colours, rules)
        finally:
            answers.should_exit = True
            thread.join(30)
