"""Drawn re-identification sets: vehicles and persons before several cameras, in any layout on the disk.

They are the project's demo, its tests and its benchmarks. Identity lies in shape, paint, clothes, signs and wear;
cameras differ in viewpoint, light, colour, sharpness and surroundings, and things get in the way.
"""

from reid.data.synthetic.write import draw_dataset

__all__ = ["draw_dataset"]
