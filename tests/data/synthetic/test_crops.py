import cv2
import numpy as np
import pytest

from reid.data.synthetic.crops import Shot, draw_site, encode, take
from reid.data.synthetic.subjects import KINDS


@pytest.fixture(scope="module", params=["vehicle", "person"])
def site(request):
    return draw_site(0, request.param, 2)


def drawn(site, shot):
    return take(site, KINDS[site.kind].subject(site.seed, shot.identity), shot)


def test_a_picture_is_a_function_of_its_shot(site):
    """Neither the order of drawing nor the number of cameras at the site matters."""
    shots = [Shot(identity, number, 1) for identity in (1, 2) for number in (0, 1)]
    forward = [drawn(site, shot) for shot in shots]
    wider = draw_site(0, site.kind, 3)
    backward = [drawn(wider, shot) for shot in shots[::-1]][::-1]

    for one, other in zip(forward, backward, strict=True):
        assert one.dtype == np.uint8
        assert one.ndim == 3
        assert np.array_equal(one, other)


@pytest.mark.parametrize("change", [{"identity": 2}, {"number": 1}, {"camera": 2}, {"misframed": True}])
def test_every_part_of_a_shot_changes_the_picture(site, change):
    """Another identity, number or camera gives another picture."""
    base = {"identity": 1, "number": 0, "camera": 1}
    one, other = drawn(site, Shot(**base)), drawn(site, Shot(**base | change))

    assert one.shape != other.shape or not np.array_equal(one, other)


def test_pictures_of_one_passage_are_alike(site):
    """Two pictures by one camera differ less than two by different ones, or removing the same camera would be idle."""

    def small(identity, number, camera):
        return cv2.resize(drawn(site, Shot(identity, number, camera)), (16, 16), interpolation=cv2.INTER_AREA) / 255

    within, across = [], []
    for identity in range(1, 13):
        first = small(identity, 0, 1)
        within.append(np.abs(first - small(identity, 2, 1)).mean())
        across.append(np.abs(first - small(identity, 2, 2)).mean())

    assert np.mean(within) < 0.9 * np.mean(across)


def test_files_hold_the_picture(site):
    """The JPEG decodes to the picture, up to compression, with its colours in order."""
    shot = Shot(3, 0, 1)
    picture = drawn(site, shot)
    decoded = cv2.imdecode(np.frombuffer(encode(site, shot, picture), np.uint8), cv2.IMREAD_COLOR_RGB)

    assert decoded.shape == picture.shape
    assert np.abs(decoded.astype(int) - picture).mean() < 8
