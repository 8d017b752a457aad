"""Vehicles as solids."""

from reid.data.synthetic import vehicle_body as body
from reid.data.synthetic import vehicle_details as details
from reid.data.synthetic import vehicle_wheels as wheels
from reid.data.synthetic.bodywork import Bodywork
from reid.data.synthetic.mesh import Mesh, Solid
from reid.data.synthetic.vehicle_surfaces import surfaces_of
from reid.data.synthetic.vehicle_traits import Vehicle


def vehicle_mesh(vehicle: Vehicle) -> Mesh:
    """The faces of `vehicle`, standing on the ground around the origin with its front towards x."""
    shape = vehicle.shape
    cab = (shape.front - shape.bonnet, 0.0) if shape.cargo else (0.0, 0.0)
    work = Bodywork(Solid(), vehicle, surfaces_of(shape), cab, (-shape.front, 0.0))
    wheels.add_tyres(work)
    body.add_lower_body(work)
    body.add_doors(work)
    details.add_front(work)
    details.add_rear(work)
    wheels.add_wheels(work)
    body.add_cabin(work)
    body.add_mirrors(work)
    if shape.cargo:
        body.add_box(work)
    details.add_windows(work)
    details.add_marks(work)
    details.add_roof_load(work)
    return work.solid.mesh()
