import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reid.data.synthetic.person_body import head, reach, stride, torso

POSES = st.builds(stride, st.floats(0, 2 * math.pi), st.floats(0.0, 0.6), st.floats(0.8, 1.4))


def lengths(start, end):
    return np.linalg.norm(end - start, axis=1)


@given(POSES)
def test_bones_keep_their_length_while_walking(pose):
    """Thighs, shanks and forearms are rigid."""
    assert np.allclose(lengths(pose.hips, pose.knees), 0.42)
    assert np.allclose(lengths(pose.knees, pose.ankles), 0.41)
    assert np.allclose(lengths(pose.elbows, pose.wrists), 0.27)


@given(POSES)
def test_one_foot_is_always_on_the_ground(pose):
    """The lower ankle stands at its height above the sole, and a step never lifts the body above standing."""
    assert pose.ankles[:, 2].min() == pytest.approx(0.085)
    assert pose.lift <= 0.02


@given(POSES)
def test_left_is_left(pose):
    """Index 0 has the positive side."""
    for joints in (pose.hips, pose.knees, pose.ankles, pose.shoulders, pose.elbows, pose.wrists):
        assert joints[0, 1] > 0 > joints[1, 1]


def test_arms_swing_against_the_legs():
    """When the left leg is in front, the left hand is behind."""
    pose = stride(math.pi / 2, 0.5, 1.0)

    assert pose.knees[0, 0] > 0 > pose.wrists[0, 0]
    assert pose.knees[1, 0] < 0 < pose.wrists[1, 0]


def test_half_a_step_later_the_sides_are_swapped():
    """Left and right do the same, half a period apart."""
    one, other = stride(0.7, 0.4, 1.0), stride(0.7 + math.pi, 0.4, 1.0)

    assert np.allclose(one.knees, other.knees[::-1] * [1, -1, 1])
    assert np.allclose(one.wrists, other.wrists[::-1] * [1, -1, 1])


def test_the_reach_of_the_legs_is_that_of_the_joints():
    """At the height of a knee it is at least as far out, and nothing at the hips."""
    pose = stride(math.pi / 2, 0.5, 1.0)

    assert reach(pose, float(pose.knees[0, 2])) >= abs(pose.knees[0, 0]) - 1e-9
    assert reach(pose, float(pose.hips[0, 2])) == pytest.approx(0.0)


@pytest.mark.parametrize("loft", [torso(1.0, 0.0), torso(1.3, -0.02, 0.8), head(0.0), head(0.0, 1.2)])
def test_surfaces_are_proper_stacks(loft):
    """Heights increase and no radius is negative."""
    assert (np.diff(loft.heights) > 0).all()
    assert (loft.across > 0).all()
    assert (loft.along > 0).all()


def test_the_head_sits_on_the_torso():
    """Between collar and 1.78 m, and hair is outside the skin."""
    assert head(0.0).heights[0] < torso(1.0, 0.0).heights[-1] + 0.02
    assert head(0.0).heights[-1] < 1.78
    assert (head(0.0, 1.1).across > head(0.0).across).all()
