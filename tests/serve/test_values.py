"""What a gallery knows as values of answers."""

from reid.gallery.answers import Answer, IdentityHit
from reid.gallery.entries import Hit, Stored
from reid.serve.values import answer_values, camera_times, hit_values, image_values

IMAGE = Stored("/secret/a.png", "car-1", 2, 60.0, "/secret", (1, 2, 3, 4), "f" * 64, 7)


def test_paths_stay_here():
    """Of an image its number, identity, camera, time and box are told."""
    assert image_values(IMAGE) == {"id": 7, "identity": "car-1", "camera": 2, "time": 60.0, "box": [1, 2, 3, 4]}


def test_hits():
    """Of an image with itself, of an identity with its score and its images."""
    hit = Hit(1, 0.5, IMAGE, 0.25)
    images = answer_values(Answer((hit,), unknown=False), itself=True)
    identities = answer_values(
        Answer((IdentityHit(1, "car-1", 0.4, (hit,), 0.2),), unknown=True, threshold=0.9), itself=False
    )

    assert images["hits"] == [{**hit_values(hit), "images": [hit_values(hit)]}]
    assert (images["identity"], images["itself"], images["unknown"]) == ("car-1", True, False)
    assert identities["hits"] == [{**hit_values(hit), "score": 0.4, "probability": 0.2, "images": [hit_values(hit)]}]
    assert (identities["identity"], identities["threshold"]) == (None, 0.9)


def test_times_of_a_camera():
    """From the first to the last, of images that have one."""
    untimed = Stored("a", id=8)

    assert camera_times(2, [IMAGE, untimed]) == {"camera": 2, "images": 2, "first": 60.0, "last": 60.0}
    assert camera_times(None, [untimed]) == {"camera": None, "images": 1, "first": None, "last": None}
