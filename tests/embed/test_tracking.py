"""The appearance model of trackers, against crops that are embedded one by one."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pictures import photo
from PIL import Image

from reid.embed import Appearance, Embedder
from reid.embed.tracking import within
from reid.errors import ConfigError, ShapeError

FRAME = photo(60, 90)
BOXES = np.array([[10.0, 5, 40, 50], [60, 20, 95, 70]])


@pytest.fixture
def wanted(embedder: Embedder) -> np.ndarray:
    """Of the two boxes."""
    return embedder.embed([FRAME[5:50, 10:40], FRAME[20:60, 60:90]])


def test_boxes_of_every_kind(embedder: Embedder, wanted: np.ndarray) -> None:
    """Arrays with scores, tensors, and what detectors return: the vectors of the crops, as float32 of unit length."""
    model = Appearance(embedder, colours="rgb")
    scored = np.column_stack([BOXES, [0.9, 0.8], [2, 2]])
    results = SimpleNamespace(boxes=SimpleNamespace(xyxy=torch.from_numpy(BOXES)))
    for boxes in (BOXES, BOXES.tolist(), scored, SimpleNamespace(xyxy=BOXES), results):
        made = model(FRAME, boxes)
        assert made.dtype == np.float32
        assert made == pytest.approx(wanted, abs=1e-6)
    assert model.get_features(BOXES, FRAME) == pytest.approx(wanted, abs=1e-6)


def test_frames_and_detections_of_boxmot(embedder: Embedder, wanted: np.ndarray) -> None:
    """Frames are RGB tensors that are called `image`, boxes the values of a geometry; turned boxes are refused."""
    frame = SimpleNamespace(image=torch.from_numpy(FRAME.transpose(2, 0, 1).copy()))
    found = SimpleNamespace(geometry=SimpleNamespace(values=torch.from_numpy(BOXES)), is_obb=False)
    assert Appearance(embedder).encode([frame], [found])[0] == pytest.approx(wanted, abs=1e-6)
    found.is_obb = True
    with pytest.raises(ShapeError, match="the boxes of frame 0 are turned boxes; wanted left, top, right, bottom"):
        Appearance(embedder)(frame, found)
    with pytest.raises(ShapeError, match="the boxes of frame 0 are a SimpleNamespace without boxes"):
        Appearance(embedder)(FRAME, SimpleNamespace(boxes=None))


def test_orders_of_colours(embedder: Embedder, wanted: np.ndarray) -> None:
    """Arrays and tensors are BGR unless it is said; a Pillow image knows its own order."""
    model = Appearance(embedder)
    assert model(FRAME[:, :, ::-1], BOXES) == pytest.approx(wanted, abs=1e-6)
    assert model(torch.from_numpy(FRAME[:, :, ::-1].copy()), BOXES) == pytest.approx(wanted, abs=1e-6)
    assert model(Image.fromarray(FRAME), BOXES) == pytest.approx(wanted, abs=1e-6)
    crops = [FRAME[5:50, 10:40, ::-1], FRAME[20:60, 60:90, ::-1]]
    assert np.stack(model.predict(crops)) == pytest.approx(wanted, abs=1e-6)
    with pytest.raises(ConfigError, match="colours must be bgr or rgb, got 'yuv'"):
        Appearance(embedder, "yuv")


def test_several_frames(embedder: Embedder, wanted: np.ndarray) -> None:
    """Embedded together, an array for each, also where there is no box; a single frame is no list."""
    model = Appearance(embedder, colours="rgb")
    made = model.encode([FRAME, FRAME, FRAME], [BOXES[:1], [], BOXES])

    assert [one.shape for one in made] == [(1, 16), (0, 16), (2, 16)]
    assert np.concatenate(made) == pytest.approx(np.concatenate([wanted[:1], wanted]), abs=1e-6)
    assert model.encode(FRAME, BOXES) == pytest.approx(wanted, abs=1e-6)
    assert model(FRAME, []).shape == (0, 16)
    assert model.predict([]) == []
    with pytest.raises(ShapeError, match="2 frames came with boxes for 1"):
        model.encode([FRAME, FRAME], [BOXES])
    with pytest.raises(ShapeError, match=r"the boxes of frame 1 have shape \(1, 3\)"):
        model.encode([FRAME, FRAME], [BOXES, [[1, 2, 3]]])
    with pytest.raises(ShapeError, match="frame 0 is float64 of shape"):
        model(FRAME.astype(float), BOXES)


@given(st.tuples(*[st.integers(-200, 300)] * 4), st.integers(8, 100), st.integers(8, 100))
def test_every_box_means_some_pixels(box: tuple[int, int, int, int], width: int, height: int) -> None:
    """Law: what is cut lies within the frame and has 8 pixels or more; a box that has so many there keeps them all."""
    left, top, right, bottom = within(box, width, height)

    assert 0 <= left <= right - 8 <= width - 8
    assert 0 <= top <= bottom - 8 <= height - 8
    inside = max(0, box[0]), max(0, box[1]), min(width, box[2]), min(height, box[3])
    if inside[2] - inside[0] >= 8:
        assert (left, right) == (inside[0], inside[2])
    if inside[3] - inside[1] >= 8:
        assert (top, bottom) == (inside[1], inside[3])


def test_boxes_outside_the_frame_do_not_end_a_tracker(embedder: Embedder) -> None:
    """Every box has a unit vector, wherever it lies and however small it is."""
    boxes = [(-50, -50, -10, -10), (500, 10, 600, 40), (20, 20, 21, 21), (40, 30, 20, 10), (0, 0, 90, 1)]
    made = Appearance(embedder)(FRAME, boxes)

    assert np.linalg.norm(made, axis=1) == pytest.approx(np.ones(5), abs=1e-5)
