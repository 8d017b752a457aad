from pathlib import Path

import pytest

from reid.data.layouts.names import NAMES, compiled, parsed
from reid.errors import ConfigError, DataError
from reid.records import NO_CAMERA

PATTERN = compiled(NAMES, ("identity", "camera"))
GOOD = {
    "0002_c1s1_000451_03.jpg": ("0002", 1, 451),
    "0002_c1_f0046302.jpg": ("0002", 1, 46302),
    "0002_c002_00030600_0.jpg": ("0002", 2, 30600),
    "0781_c11_0015.jpg": ("0781", 11, 15),
    "-1_c1s1_000401_03.jpg": ("-1", 1, 401),
    "0000_c6s3_000001_01.JPG": ("0000", 6, 1),
    "12345_c104s12_9_1.png": ("12345", 104, 9),
    "7_c0_0.jpeg": ("7", 0, 0),
    **{f"{i:04d}_c{i}s1_{i:06d}_00.jpg": (f"{i:04d}", i, i) for i in range(100)},
}
BAD = [
    "0001_c1s1.jpg",
    "0001_c1s1_000451_03.jpg.jpg",
    "x0001_c1s1_000451_03.jpg",
    "0001_c1s1_000451_03 (1).jpg",
    "0001_c1s1_000451_03\n.jpg",
    " 0001_c1s1_000451_03.jpg",
    "0001-c1s1-000451-03.jpg",
    "-2_c1s1_000451_03.jpg",
    "--1_c1s1_000451_03.jpg",
    "-01_c1s1_000451_03.jpg",
    "0001_cs1_000451_03.jpg",
    "0001_c_000451_03.jpg",
    "0001_c-1s1_000451_03.jpg",
    "0001_c1s_000451_03.jpg",
    "0001_c1s1_f_03.jpg",
    "0001_C1s1_000451_03.jpg",
    "_c1s1_000451_03.jpg",
    "0001_c1s1_000451_.jpg",
    "0001_c1s1_000451_03_9.jpg",
    "0001_c1234567890s1_000451_03.jpg",
    "0001_c1s1_1234567890123456_03.jpg",
    "\u0661_c1s1_000451_03.jpg",
    "0001_c\u0661s1_000451_03.jpg",
    "copy of 0001_c1s1_000451_03.jpg",
]


@pytest.mark.parametrize("name", GOOD)
def test_the_three_naming_variants_are_read_whole(name):
    """Identity as text, camera with all its digits, frame number."""
    identity, camera, time = GOOD[name]

    rows = parsed([f"query/{name}"], PATTERN, Path("query"))

    assert (rows.identities, rows.cameras, rows.times) == ([identity], [camera], [float(time)])


@pytest.mark.parametrize("name", BAD)
def test_any_other_name_is_an_error_that_names_the_file(name):
    """The pattern is anchored at both ends; nothing is guessed."""
    with pytest.raises(
        DataError, match=r"query: 1 of 2 file names are not of the form 0002_c1s1_000451_03.jpg"
    ) as caught:
        parsed([f"query/{name}", "query/0002_c1s1_000451_03.jpg"], PATTERN, Path("query"))
    assert name.strip("\n").split("\n")[0].split("\u0661")[0] in str(caught.value)


def test_many_wrong_names_are_counted_and_the_first_shown():
    """Twenty names are enough to see what is wrong."""
    with pytest.raises(DataError, match=r"30 of 30 .* bad0\.jpg, .* and 10 more"):
        parsed([f"query/bad{i}.jpg" for i in range(30)], PATTERN, Path("query"))


def test_a_pattern_of_ones_own_may_leave_groups_out():
    """Identity from elsewhere, camera only sometimes in the name, no time at all."""
    pattern = compiled(r"cam(?P<camera>[0-9]+)?_.*")

    rows = parsed(["a/cam7_x.jpg", "a/cam_y.jpg"], pattern, Path("a"), ["p", "q"])

    assert (rows.identities, rows.cameras, rows.times) == (["p", "q"], [7, NO_CAMERA], None)


def test_a_camera_that_is_no_number_is_an_error():
    """Cameras are numbers; a pattern that catches words is told so."""
    with pytest.raises(DataError, match=r"1 of 1 file names"):
        parsed(["a/camx_1.jpg"], compiled(r"cam(?P<camera>[a-z])_.*"), Path("a"), ["p"])


@pytest.mark.parametrize(
    ("expression", "words"), [("(", "no regular expression"), ("(?P<identity>x)", r"lacks the group \(\?P<camera>")]
)
def test_a_wrong_expression_is_a_mistake_of_the_card(expression, words):
    """Exit code 78."""
    with pytest.raises(ConfigError, match=words):
        compiled(expression, ("identity", "camera"))
