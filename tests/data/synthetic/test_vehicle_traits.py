import numpy as np

from reid.data.synthetic.vehicle_traits import MODELS, draw_vehicle

FLEET = [draw_vehicle(0, identity) for identity in range(500)]


def test_vehicles_share_models():
    """Some models are common, so that shape alone does not name a vehicle, and many are driven."""
    shapes = [vehicle.shape for vehicle in FLEET]
    counts = sorted((shapes.count(shape) for shape in set(shapes)), reverse=True)

    assert len(counts) > MODELS / 2
    assert counts[0] > 10


def test_vehicles_share_colours():
    """White, black, grey and silver are most of the traffic: colour alone does not name a vehicle."""
    paints = np.array([vehicle.paint for vehicle in FLEET])

    assert 0.4 < (np.ptp(paints, axis=1) < 30).mean() < 0.8


def test_no_two_vehicles_are_the_same():
    """Paint alone differs a little between any two of one model."""
    assert len({(vehicle.shape, vehicle.paint) for vehicle in FLEET}) == len(FLEET)


def test_a_vehicle_is_a_function_of_seed_and_identity():
    """The same again, and another with another seed."""
    again, other = draw_vehicle(0, 7), draw_vehicle(1, 7)

    assert (again.shape, again.paint, again.roof, again.spokes) == (
        FLEET[7].shape, FLEET[7].paint, FLEET[7].roof, FLEET[7].spokes,
    )  # fmt: skip
    assert other.paint != FLEET[7].paint
