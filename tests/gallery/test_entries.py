"""What was found, as plain values."""

import json
from pathlib import Path

from reid.gallery.entries import Hit, Stored, stored


def test_a_hit_as_json():
    """With all that is known of the image; a probability only where the model was calibrated."""
    image = Stored("/a.jpg", "car", 3, 60.0, "street", (1, 2, 3, 4), "ab", 17)
    hit = Hit(1, 0.5, image)
    told = {
        "rank": 1,
        "identity": "car",
        "score": 0.5,
        "path": "/a.jpg",
        "camera": 3,
        "time": 60.0,
        "source": "street",
        "box": [1, 2, 3, 4],
        "id": 17,
    }

    assert json.loads(json.dumps(hit.to_dict())) == told
    assert Hit(1, 0.5, image, 0.25).to_dict() == {**told, "probability": 0.25}
    assert (hit.identity, hit.camera, hit.path) == ("car", 3, Path("/a.jpg"))


def test_an_image_made_quickly():
    """Is the image that the constructor makes."""
    values = ("/a.jpg", "car", 3, 60.0, "street", (1, 2, 3, 4), "ab", 17)

    assert stored(*values) == Stored(*values)
    assert hash(stored(*values)) == hash(Stored(*values))
    assert repr(stored(*values)) == repr(Stored(*values))
