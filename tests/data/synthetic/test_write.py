import hashlib
import re

import cv2
import pytest

from reid.data.layouts import LAYOUTS as READERS
from reid.data.synthetic import draw_dataset
from reid.errors import ConfigError, OutputError

SMALL = {"layout": "folder", "identities": 6, "images_per_identity": 4, "cameras": 2, "processes": 1}


def digests(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("change", [{"seed": 1}, {"kind": "person"}])
def test_another_seed_or_kind_draws_other_pictures(tmp_path, change):
    """No picture of one set is in the other."""
    draw_dataset(tmp_path / "one", **SMALL)
    draw_dataset(tmp_path / "other", **SMALL | change)

    assert not set(digests(tmp_path / "one").values()) & set(digests(tmp_path / "other").values())


def test_no_picture_is_drawn_twice(tmp_path):
    """Neither distractors and junk nor the pictures of one passage are byte-identical copies."""
    draw_dataset(tmp_path / "set", **SMALL | {"layout": "market"})

    drawn = digests(tmp_path / "set")
    assert len(set(drawn.values())) == len(drawn) == 24 + 8


def test_a_larger_set_begins_with_the_smaller_one(tmp_path):
    """A picture depends on seed, identity and its number only: more identities and pictures leave it as it is."""
    draw_dataset(tmp_path / "small", **SMALL | {"train_fraction": 0.5})
    draw_dataset(tmp_path / "large", **SMALL | {"identities": 12, "images_per_identity": 5, "train_fraction": 0.25})

    small, large = digests(tmp_path / "small"), digests(tmp_path / "large")
    assert len(small) == 24
    assert small.items() <= large.items()


@pytest.mark.parametrize("kind", ["vehicle", "person"])
def test_every_picture_decodes_at_a_sensible_size(tmp_path, kind):
    """Crops are as large as those of real sets, and persons are upright."""
    draw_dataset(tmp_path / "set", **SMALL | {"kind": kind})

    shapes = [cv2.imread(str(path)).shape for path in (tmp_path / "set").rglob("*.jpg")]
    assert len(shapes) == 24
    for height, width, _ in shapes:
        assert 64 <= max(height, width) <= 176
        assert (0.84 <= width / height <= 1.42) if kind == "vehicle" else (0.40 <= width / height <= 0.54)


def test_progress_adds_up_to_the_pictures_asked_for(tmp_path):
    """The sum is identities * images_per_identity, in any layout: a bar of that length ends full."""
    done = []
    draw_dataset(tmp_path / "set", **SMALL | {"layout": "market"}, progress=done.append)

    assert sum(done) == 24


def test_an_interrupted_set_leaves_nothing(tmp_path):
    """Whole or not at all."""

    def stop(_done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_dataset(tmp_path / "set", **SMALL, progress=stop)

    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_filled_and_any_other_left_alone(tmp_path):
    """What stands at the destination is never touched."""
    (tmp_path / "empty").mkdir()
    draw_dataset(tmp_path / "empty", **SMALL)
    before = digests(tmp_path)

    with pytest.raises(OutputError, match="exists"):
        draw_dataset(tmp_path / "empty", **SMALL)

    assert digests(tmp_path) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"layout": "markett"}, "layout .*'markett'; did you mean 'market'"),
        ({"kind": "vehicles"}, "kind .*'vehicles'; did you mean 'vehicle'"),
        ({"images_per_identity": 1}, "images_per_identity .* 2 or more, got 1"),
        ({"cameras": 0}, "cameras .* 1 or more, got 0"),
        ({"processes": 0}, "processes .* 1 or more, got 0"),
        ({"identities": 3}, "1 of 3 identities would train .*train_fraction 0.5"),
        ({"identities": 10, "train_fraction": 0.9}, "1 of 10 identities would test .*train_fraction 0.9"),
        ({"train_fraction": 1.5}, "train_fraction .* 0..1, got 1.5"),
        ({"train_fraction": float("nan")}, "train_fraction .* 0..1, got nan"),
        ({"layout": "cub", "train_fraction": 0.4}, "cub: train_fraction must be 0.5, got 0.4"),
        ({"seed": -1}, "seed must be 0 or larger, got -1"),
    ],
)
def test_a_wrong_argument_is_named(tmp_path, change, words):
    """The message says which argument, what it was and what it may be, and nothing is created."""
    with pytest.raises(ConfigError) as caught:
        draw_dataset(tmp_path / "set", **SMALL | change)

    assert re.search(words, str(caught.value))
    assert list(tmp_path.iterdir()) == []


def test_every_layout_that_can_be_drawn_can_be_read():
    """Writers and readers know the same layouts; msmt is an archive's own variant of market."""
    from reid.data.synthetic.layouts import LAYOUTS

    assert set(LAYOUTS) == set(READERS) - {"msmt"}
