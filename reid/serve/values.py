"""What a gallery knows as the values of answers: without paths, which are nobody's business."""

from typing import Any

from reid.gallery.answers import Answer, IdentityHit
from reid.gallery.entries import Hit, Stored


def image_values(image: Stored) -> dict[str, Any]:
    """Of `Image`."""
    box = None if image.box is None else list(image.box)
    return {"id": image.id, "identity": image.identity, "camera": image.camera, "time": image.time, "box": box}


def hit_values(hit: Hit) -> dict[str, Any]:
    """Of `ImageHit`."""
    return {**image_values(hit.image), "rank": hit.rank, "score": hit.score, "probability": hit.probability}


def answer_values(answer: Answer, *, itself: bool) -> dict[str, Any]:
    """Of `Answer`."""
    return {
        "unknown": answer.unknown,
        "threshold": answer.threshold,
        "identity": answer.identity,
        "itself": itself,
        "hits": [_found(hit) for hit in answer.hits],
    }


def _found(hit: Hit | IdentityHit) -> dict[str, Any]:
    if isinstance(hit, Hit):
        return {**hit_values(hit), "images": [hit_values(hit)]}
    best = hit_values(hit.images[0])
    whole = {"rank": hit.rank, "score": hit.score, "probability": hit.probability}
    return {**best, **whole, "images": [hit_values(one) for one in hit.images]}


def camera_times(camera: int | None, images: list[Stored]) -> dict[str, Any]:
    """Of `CameraTimes`, for the images of a camera."""
    times = [image.time for image in images if image.time is not None]
    return {
        "camera": camera,
        "images": len(images),
        "first": min(times, default=None),
        "last": max(times, default=None),
    }
