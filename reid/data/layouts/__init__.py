"""How datasets lie on the disk: one module per layout, each a function from a folder to plain columns.

A new layout is a module with `OPTIONS` (what a card may set, with defaults) and `read`, and one line in `LAYOUTS`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from reid.data.layouts import cars, cub, folder, inshop, market, msmt, sop, table, vehicleid
from reid.data.layouts.listing import Listing


class Layout(Protocol):
    """What every module in `LAYOUTS` has."""

    OPTIONS: Mapping[str, Any]
    """The layout's own keys with their defaults; a card's value must have the default's type."""

    def read(self, root: Path, options: Mapping[str, Any]) -> Listing:
        """The dataset in `root`.

        Args:
            root: the dataset's folder.
            options: a value for every key of `OPTIONS`.

        Raises:
            MissingInputError: a file or folder of the layout is missing.
            DataError: a file says something that it must not.
        """


LAYOUTS: dict[str, Layout] = {
    "vehicleid": vehicleid,
    "inshop": inshop,
    "market": market,
    "msmt": msmt,
    "sop": sop,
    "cub": cub,
    "cars": cars,
    "folder": folder,
    "table": table,
}
