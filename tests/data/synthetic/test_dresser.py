import numpy as np

from reid.data.synthetic.dresser import Dresser, shortened, toned
from reid.data.synthetic.person_body import stride
from reid.data.synthetic.person_traits import draw_person
from reid.data.synthetic.sketch import Loft, Sketch

TUBE = Loft(np.array([0.0, 1.0]), np.array([0.2, 0.2]), np.array([0.2, 0.2]))
ROWS = np.array([0.0, 1.0])


def dresser(light=(0.0, 1.0, 0.0)):
    return Dresser(Sketch(), draw_person(0, 1), stride(0.0, 0.4, 1.0), 0.0, np.array(light))


def test_limbs_are_cut_by_bones():
    """Half of two bones is the first, three quarters ends in the middle of the second, all is all."""
    joints = [np.array([0.0, 0, 0]), np.array([0.0, 0, 2]), np.array([0.0, 0, 4])]

    assert [joint[2] for joint in shortened(joints, 0.5)] == [0, 2, 2]
    assert [joint[2] for joint in shortened(joints, 0.75)] == [0, 2, 3]
    assert [joint[2] for joint in shortened(joints, 0.25)] == [0, 1]
    assert shortened(joints, 1.0) is joints


def test_tones_stay_within_the_range():
    """Lighter than white is white."""
    assert toned((100, 200, 250), 1.2) == (120, 240, 255)


def test_edges_are_on_their_side_of_the_light():
    """A camera at azimuth 0 has y on its right: light from there brightens y > 0 and darkens y < 0."""
    for sign in (1.0, -1.0):
        work = dresser((0.0, sign, 0.0))
        work.edge(TUBE, (1, 1, 1), ROWS, 0.6, layer=1.0)
        work.edge(TUBE, (1, 1, 1), ROWS, -0.6, layer=1.0)
        light, dark = (np.sin((table[3, 0] + table[4, 0]) / 2) for table in work.sketch.patches)
        assert np.sign(light) == sign
        assert np.sign(dark) == -sign


def test_bones_have_a_lighter_core_on_the_light_side():
    """Two limbs, the second thinner, lighter and nearer to the light."""
    work = dresser()
    work.bone([np.zeros(3), np.ones(3)], [0.1, 0.2], (100, 100, 100), layer=1.0, place=(0.0, 0.0))
    dark, lit = work.sketch.limbs

    assert (lit[:, 6:] < dark[:, 6:]).all()
    assert (lit[:, [1, 4]] > dark[:, [1, 4]]).all()
    assert work.sketch.colours[0][0] < work.sketch.colours[1][0]
