"""How much one client, and all together, may ask of the server."""

from dataclasses import dataclass

from reid.errors import ConfigError

MIB = 2**20


@dataclass(frozen=True)
class Gate:
    """How many requests of a kind are worked on, and how many wait for that; further ones are refused.

    Attributes:
        working: at once, 1 or more.
        waiting: 0 or more.
    """

    working: int
    waiting: int


@dataclass(frozen=True)
class Limits:
    """Bounds of what is taken in and kept in memory.

    Attributes:
        upload: bytes of a request's body.
        uploads: bytes of all bodies together that are in memory.
        megapixels: larger pictures are refused before they are decoded.
        decoding_memory: bytes that decoding a picture may take.
        decoding_seconds: of computing time for a picture.
        head_seconds: from the opening of a connection, or the first byte of a further request, to the end of its headers.
        body_seconds: to the end of a request's body.
        answer_seconds: from the end of the headers to the end of the answer.
        connections: open ones; beyond it those go first that have been silent for longest.
        search, add, change, look: requests of each kind.

    Raises:
        ConfigError: `upload` is too small for any picture.
    """

    upload: int = 16 * MIB
    uploads: int = 128 * MIB
    megapixels: float = 32.0
    decoding_memory: int = 512 * MIB
    decoding_seconds: float = 5.0
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    answer_seconds: float = 120.0
    connections: int = 512
    search: Gate = Gate(8, 64)
    add: Gate = Gate(4, 32)
    change: Gate = Gate(1, 32)
    look: Gate = Gate(8, 256)

    def __post_init__(self) -> None:
        if self.upload < 1000:
            raise ConfigError(f"uploads of at most {self.upload} bytes can be no pictures; allow 1,000 or more")
