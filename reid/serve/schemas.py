"""What requests may say and answers hold; from these the OpenAPI document is made."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from reid.errors import GalleryError
from reid.gallery.filters import Where, parse_time

UNKNOWN = "unknown"
"""What stands for no identity in requests, as on the command line."""
_LARGEST = 2**53 - 1  # whole numbers that every reader of JSON can tell apart


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it must be printable text on one line")
    return text


def _time(value: float | str) -> float:
    try:
        return parse_time(value)
    except GalleryError as error:
        raise ValueError(str(error)) from None


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
Id = Annotated[int, Field(ge=1, le=_LARGEST)]
Camera = Annotated[int, Field(ge=0, le=_LARGEST)]
Time = Annotated[
    Annotated[float, Field(allow_inf_nan=False)] | Annotated[str, Field(max_length=40)], AfterValidator(_time)
]


class Filters(BaseModel):
    """A condition on images: all that is given must hold; of several values, any."""

    model_config = ConfigDict(extra="forbid")

    camera: list[Camera] = Field([], max_length=100, description="Of one of these cameras.")
    not_camera: list[Camera] = Field([], max_length=100, description="Of none of these; those without a camera pass.")
    since: Time | None = Field(
        None, description="At or after it: 2026-03-01, 2026-03-01T08:30 (UTC), +01:00 after it, or a number."
    )
    until: Time | None = Field(None, description="Before it.")
    identity: list[Name] = Field([], max_length=100, description=f"Of one of these; '{UNKNOWN}' has none.")

    def where(self) -> Where:
        """The condition of a gallery."""
        return Where(
            cameras=tuple(self.camera) or None,
            not_cameras=tuple(self.not_camera),
            since=None if self.since is None else float(self.since),
            until=None if self.until is None else float(self.until),
            identities=tuple(named(name) for name in self.identity) or None,
        )


class Listing(Filters):
    """Which images are listed."""

    limit: int = Field(50, ge=1, le=500, description="Images at most.")


class Options(Filters):
    """What is wanted of a search."""

    k: int = Field(10, ge=1, le=1000, description="Hits, or as many as there are.")
    by: Literal["image", "identity"] = Field("image", description="Rank images, or identities by their best images.")
    best_of: int = Field(1, ge=1, le=100, description="Images that an identity's score is the mean of.")
    rerank: bool = Field(False, description="Order the best 100 images anew by k-reciprocal neighbours.")
    threshold: float | None = Field(
        None, ge=-1, le=1, description="Best score below which the answer is unknown.  [default: calibrated]"
    )


class Question(Options):
    """A search for a vector of the gallery's model, or for what looks like an image of the gallery."""

    vector: list[Annotated[float, Field(allow_inf_nan=False)]] | None = Field(None, max_length=65_536)
    image: Id | None = Field(None, description="Id of an image of the gallery; it is not among the hits.")

    @model_validator(mode="after")
    def _one(self) -> "Question":
        if (self.vector is None) == (self.image is None):
            raise ValueError("give either vector or image")
        return self


class Told(BaseModel):
    """What is known of an image that is added."""

    model_config = ConfigDict(extra="forbid")

    identity: Name | None = Field(None, description=f"Its name; '{UNKNOWN}', or nothing, where it is not known.")
    camera: Camera | None = None
    time: Time | None = Field(None, description="2026-03-01T08:30 (UTC), or a number.")
    source: Name = Field("upload", description="What it belongs to, such as the name of a recording.")


class Change(BaseModel):
    """Which identity some images show, or that several identities are one: `ids` or `merge`, and a name."""

    model_config = ConfigDict(extra="forbid")

    ids: list[Id] | None = Field(None, min_length=1, max_length=10_000, description="Images that show it.")
    merge: list[Name] | None = Field(None, min_length=1, max_length=1000, description="Identities that are this one.")
    identity: Name | None = Field(description=f"The name; null or '{UNKNOWN}' says that it is not known.")

    @model_validator(mode="after")
    def _one(self) -> "Change":
        if (self.ids is None) == (self.merge is None):
            raise ValueError("give either ids or merge")
        return self


class Image(BaseModel):
    """An image of the gallery."""

    id: int
    identity: str | None = Field(description="null where it is not known")
    camera: int | None
    time: float | None = Field(description="Seconds since 1970-01-01 UTC, or a frame number.")
    box: list[int] | None = Field(description="left, top, right, bottom in its frame; null is all of it")


class ImageHit(Image):
    """An image that was found."""

    rank: int
    score: float = Field(description="Cosine similarity with the query, -1..1.")
    probability: float | None = Field(description="That both show the same; null where the model is not calibrated.")


class Found(ImageHit):
    """A hit: an image, or an identity by its best image, with its best images."""

    images: list[ImageHit] = Field(description="Of an identity the best five, best first; of an image itself.")


class Answer(BaseModel):
    """What a search found."""

    unknown: bool = Field(description="No score reaches the threshold: the gallery has no image of it.")
    threshold: float | None
    identity: str | None = Field(description="Of the best hit; null where that is unknown, or it has none.")
    itself: bool = Field(description="The very same file is in the gallery, and left out.")
    hits: list[Found]


class Added(BaseModel):
    """What became of an image that was sent."""

    id: int | None = Field(description="null where it was there already and could not be found again")
    added: bool = Field(description="Whether it is new; an image that is there already is left as it is.")


class Removed(BaseModel):
    """How many images were removed."""

    removed: int


class Changed(BaseModel):
    """For how many images the identity is new."""

    changed: int


class Images(BaseModel):
    """Some images."""

    images: list[Image]
    more: bool = Field(description="Whether there are more than the limit.")


class CameraTimes(BaseModel):
    """Where and when an identity was seen."""

    camera: int | None
    images: int
    first: float | None
    last: float | None


class Timeline(Images):
    """Where else did it appear: images of one identity by time, those without a time last."""

    identity: str
    cameras: list[CameraTimes]


class Statistics(BaseModel):
    """What the gallery holds, and what the server takes."""

    images: int
    identities: int
    unlabelled: int
    cameras: int
    bytes: int = Field(description="On disk; 0 where that is not known.")
    dimension: int
    precision: str
    model: str
    created: str
    unknown_below: float | None
    writable: bool = Field(description="Whether the holder of the token may change the gallery.")
    upload_bytes: int


class Health(BaseModel):
    """The server answers."""

    status: Literal["ok"] = "ok"


class Trouble(BaseModel):
    """Why a request was not answered as it was meant."""

    title: str
    status: int
    detail: str
    request: str = Field(description="The number under which the server's log knows it.")


def named(name: str | None) -> str | None:
    """An identity by the name in a request; None for "unknown"."""
    return None if name in {None, UNKNOWN} else name
