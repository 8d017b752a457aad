"""Body types and proportions of vehicles: what all vehicles of one model share."""

from dataclasses import dataclass

import numpy as np

Range = tuple[float, float]


@dataclass(frozen=True)
class Shape:
    """One model; lengths in metres.

    Attributes:
        body: body type, a key of `BODIES`.
        length: over the bumpers.
        width: over the sills, without mirrors.
        height: of the roof.
        clearance: height of the underside.
        wheel: radius of the tyres.
        overhang: from the front bumper to the front axle.
        wheelbase: between the axles.
        nose: height of the front edge of the bonnet.
        belt: height of the window sills.
        bonnet: from the front bumper to the foot of the windscreen.
        screen: horizontal run of the windscreen, its slope.
        tail: from the rear bumper to the foot of the rear window.
        slope: horizontal run of the rear window.
        tuck: by how much each side leans in up to the roof.
        deck: height of the boot lid or load bed.
        cargo: height of the cargo box, 0 for none.
        panes: number of side windows.
        grille: half width of the grille, as a share of the half width of the car.
        grille_foot: height of its lower edge on the nose, in 0..1.
        bars: number of bright bars in it.
        lamp: outline of the headlights, index into the shapes that `vehicle_details` knows.
        tail_lamp: the same for the tail lights.
    """

    body: str
    length: float
    width: float
    height: float
    clearance: float
    wheel: float
    overhang: float
    wheelbase: float
    nose: float
    belt: float
    bonnet: float
    screen: float
    tail: float
    slope: float
    tuck: float
    deck: float
    cargo: float
    panes: int
    grille: float
    grille_foot: float
    bars: int
    lamp: int
    tail_lamp: int

    @property
    def front(self) -> float:
        """x of the front bumper; the rear bumper is at minus this."""
        return self.length / 2

    @property
    def axles(self) -> tuple[float, float]:
        """x of the front and the rear axle."""
        front = self.front - self.overhang
        return front, front - self.wheelbase

    @property
    def boxy(self) -> bool:
        """Whether the sides carry a large blank surface, as those of vans, trucks and buses do."""
        return self.body in {"van", "truck", "bus"}


_CAR: dict[str, Range] = {
    "length": (4.3, 4.8), "width": (1.74, 1.86), "height": (1.40, 1.50), "clearance": (0.18, 0.22),
    "wheel": (0.30, 0.35), "overhang": (0.80, 0.95), "wheelbase": (0.58, 0.62), "nose": (0.66, 0.76),
    "belt": (0.88, 0.98), "bonnet": (1.00, 1.30), "screen": (0.65, 0.90), "tail": (0.70, 1.05),
    "slope": (0.60, 0.95), "tuck": (0.16, 0.24), "deck": (0.0, 0.06), "cargo": (0.0, 0.0), "panes": (2, 3),
}  # fmt: skip

BODIES: dict[str, dict[str, Range]] = {
    "saloon": _CAR,
    "hatchback": _CAR | {
        "length": (3.6, 4.3), "height": (1.44, 1.58), "bonnet": (0.75, 1.10), "tail": (0.08, 0.16),
        "slope": (0.30, 0.65), "panes": (1, 3), "wheelbase": (0.60, 0.64), "overhang": (0.72, 0.85),
    },
    "estate": _CAR | {
        "length": (4.5, 4.9), "tail": (0.08, 0.14), "slope": (0.15, 0.50), "panes": (3, 4), "height": (1.44, 1.54),
    },
    "suv": _CAR | {
        "length": (4.1, 4.9), "width": (1.80, 1.96), "height": (1.62, 1.86), "clearance": (0.26, 0.34),
        "wheel": (0.35, 0.41), "nose": (0.84, 1.00), "belt": (1.04, 1.18), "bonnet": (0.95, 1.30),
        "screen": (0.45, 0.75), "tail": (0.08, 0.14), "slope": (0.10, 0.45), "panes": (2, 4), "tuck": (0.12, 0.20),
    },
    "van": _CAR | {
        "length": (4.5, 5.4), "width": (1.86, 2.00), "height": (1.90, 2.35), "clearance": (0.22, 0.28),
        "nose": (0.88, 1.06), "belt": (1.10, 1.24), "bonnet": (0.50, 0.85), "screen": (0.55, 0.85),
        "tail": (0.03, 0.06), "slope": (0.02, 0.10), "tuck": (0.08, 0.16), "panes": (1, 4),
    },
    "pickup": _CAR | {
        "length": (4.9, 5.4), "width": (1.80, 1.94), "height": (1.70, 1.86), "clearance": (0.30, 0.38),
        "wheel": (0.36, 0.42), "nose": (0.90, 1.04), "belt": (1.06, 1.16), "bonnet": (1.15, 1.40),
        "screen": (0.55, 0.75), "tail": (1.55, 2.20), "slope": (0.08, 0.25), "tuck": (0.14, 0.20), "panes": (1, 2),
        "deck": (-0.06, 0.02),
    },
    "truck": _CAR | {
        "length": (5.8, 7.0), "width": (2.00, 2.25), "height": (2.20, 2.55), "clearance": (0.34, 0.42),
        "wheel": (0.40, 0.48), "overhang": (1.0, 1.2), "wheelbase": (0.56, 0.62), "nose": (1.10, 1.25),
        "belt": (1.35, 1.50), "bonnet": (0.10, 0.45), "screen": (0.15, 0.35), "tail": (3.9, 4.9), "slope": (0.0, 0.05),
        "tuck": (0.06, 0.12), "deck": (-0.58, -0.50), "cargo": (2.4, 3.3), "panes": (1, 1),
    },
    "bus": _CAR | {
        "length": (7.0, 8.6), "width": (2.25, 2.45), "height": (2.75, 3.15), "clearance": (0.30, 0.36),
        "wheel": (0.42, 0.48), "overhang": (1.6, 2.0), "wheelbase": (0.50, 0.58), "nose": (1.05, 1.20),
        "belt": (1.22, 1.40), "bonnet": (0.05, 0.12), "screen": (0.08, 0.25), "tail": (0.03, 0.06),
        "slope": (0.02, 0.08), "tuck": (0.04, 0.09), "panes": (5, 8),
    },
}  # fmt: skip

_SHARES = {"saloon": 26, "hatchback": 24, "suv": 20, "estate": 10, "van": 8, "pickup": 5, "truck": 4, "bus": 3}


def draw_shape(random: np.random.Generator) -> Shape:
    """A model of a random body type, in the shares of ordinary traffic."""
    shares = np.array([_SHARES[name] for name in BODIES], dtype=np.float64)
    body = list(BODIES)[int(random.choice(len(BODIES), p=shares / shares.sum()))]
    sizes = {name: float(random.uniform(*limits)) for name, limits in BODIES[body].items() if name != "panes"}
    fewest, most = BODIES[body]["panes"]
    sizes["wheelbase"] *= sizes["length"]  # the table gives it as a share of the length
    sizes["deck"] += sizes["belt"]  # and the deck relative to the sills
    return Shape(
        body=body,
        panes=int(random.integers(int(fewest), int(most) + 1)),
        grille=float(random.uniform(0.25, 0.62)),
        grille_foot=float(random.uniform(0.30, 0.58)),
        bars=int(random.integers(0, 4)),
        lamp=int(random.integers(4)),
        tail_lamp=int(random.integers(4)),
        **sizes,
    )
