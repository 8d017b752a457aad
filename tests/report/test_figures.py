"""Pictures: their size, their colours, and names that must not break them."""

import cv2
import numpy as np
import pytest

from reid.errors import ConfigError, OutputError, ShapeError
from reid.report.figures import HITS_IN_A_LINE, MOST_LINES, RankRow, Tile, rank_lists
from reid.report.tiles import WIDTH, Layout

GREEN, RED, GREY, BLUE = (26, 150, 75), (214, 48, 40), (158, 158, 158), (60, 72, 88)


def tile(identity: str | None = None, **about) -> Tile:
    return Tile(np.full((120, 100, 3), 90, dtype=np.uint8), identity, **about)


def drawn(path) -> np.ndarray:
    return cv2.imread(str(path))[:, :, ::-1]


def test_frames_tell_right_from_wrong_from_unknown(tmp_path):
    """Green for the query's identity, red for another, grey where either is unknown."""
    row = RankRow(tile("a", camera=1), (tile("a", camera=2, score=0.9), tile("b", score=0.5), tile(None, score=-0.1)))
    rank_lists([row, RankRow(tile(None), row.hits)], tmp_path / "ranks.png")
    picture = drawn(tmp_path / "ranks.png")
    layout = Layout(lines=2, columns=4, height=216, top=18, bottom=52, caption=50)
    found = [
        [tuple(picture[y + 2, x + 2].tolist()) for x, y in (layout.corner(line, column) for column in range(4))]
        for line in range(2)
    ]

    assert picture.shape[1::-1] == layout.size
    assert found == [[BLUE, GREEN, RED, GREY], [BLUE, GREY, GREY, GREY]]


def test_images_are_drawn_pixel_by_pixel(tmp_path):
    """An image that has the size of its place arrives unchanged: crisp, in the right colours."""
    generator = np.random.Generator(np.random.Philox(1))
    image = generator.integers(0, 256, (WIDTH - 10, WIDTH - 10, 3)).astype(np.uint8)
    rank_lists([RankRow(Tile(image), (Tile(image),))], tmp_path / "ranks.png")
    picture = drawn(tmp_path / "ranks.png")

    assert (picture[18 + 5 : 18 + WIDTH - 5, 16 + 5 : 16 + WIDTH - 5] == image).all()


def test_words_stand_under_their_tiles(tmp_path):
    """The rank in the colour of the frame, the name below it; a title above; nothing but white where nothing is said."""
    rank_lists([RankRow(tile("a"), (tile("a"), Tile(tile().image)))], tmp_path / "ranks.png", title="title")
    picture = drawn(tmp_path / "ranks.png").astype(int)
    layout = Layout(lines=1, columns=3, height=216, top=62, bottom=52, caption=50)
    below = [
        picture[y + 216 : y + 266, x : x + WIDTH]
        for x, y in (layout.corner(0, column) for column in range(layout.columns))
    ]
    ranks, names = [part[5:25] for part in below], [part[27:47] for part in below]

    for words, colour in zip(ranks, (BLUE, GREEN, GREY), strict=True):
        assert (abs(words - colour).sum(axis=2) < 30).sum() > 20
    assert [words.min() < 200 for words in names] == [True, True, False]
    assert picture[10:40].min() < 100
    assert picture[:10].min() == picture[44:62].min() == 255


def test_long_lists_go_on_in_the_next_line(tmp_path):
    """Twelve hits need two lines; a query without hits needs one."""
    rank_lists(
        [RankRow(tile(), (tile(score=0.5),) * (HITS_IN_A_LINE + 2)), RankRow(tile(), ())], tmp_path / "a.png", title="t"
    )
    layout = Layout(lines=3, columns=HITS_IN_A_LINE + 1, height=216, top=62, bottom=52, caption=50)

    assert drawn(tmp_path / "a.png").shape[1::-1] == layout.size


@pytest.mark.parametrize(
    "name", ["$x^2$", "$\\frac{", "a\nb\x1b[0m", "x" * 300, "\udcff\udcfe", "车辆 ١٢", "", "\\", "%s {}"]
)
def test_any_name_can_be_drawn(tmp_path, name):
    """Formulas are not set, control characters and broken bytes are escaped, missing letters are no error."""
    row = RankRow(tile(name, camera=3), (tile(name, camera=name, score=0.5),))
    rank_lists([row], tmp_path / "ranks.png", title=name)

    assert drawn(tmp_path / "ranks.png").shape[1] == drawn(tmp_path / "ranks.png").shape[1]


def test_nothing_is_left_behind(tmp_path):
    """No global figure stays open, no temporary file stays, and an older picture is replaced."""
    import sys

    rank_lists([RankRow(tile(), (tile(),))], tmp_path / "ranks.png")
    rank_lists([RankRow(tile(), (tile(), tile()))], tmp_path / "ranks.png")

    assert [path.name for path in tmp_path.iterdir()] == ["ranks.png"]
    assert "matplotlib.pyplot" not in sys.modules


def test_what_cannot_be_drawn(tmp_path):
    """Too many lines, none, no folder, and images that are none."""
    with pytest.raises(ConfigError, match="not 0"):
        rank_lists([], tmp_path / "ranks.png")
    with pytest.raises(ConfigError, match=f"1 to {MOST_LINES} lines"):
        rank_lists([RankRow(tile(), ())] * (MOST_LINES + 1), tmp_path / "ranks.png")
    with pytest.raises(OutputError):
        rank_lists([RankRow(tile(), ())], tmp_path / "nowhere" / "ranks.png")
    for bad in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(ShapeError, match="uint8"):
            Tile(bad)
