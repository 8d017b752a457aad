"""What vectors and distances must be to be compared."""

from reid.errors import ShapeError
from reid.records import Integers


def refuse_odd_rows(bad: Integers, total: int, what: str) -> None:
    """Refuse rows that hold NaN or infinity.

    Args:
        bad: their numbers.
        total: how many rows there are.
        what: what they are, for the message.

    Raises:
        ShapeError: there are any; the first five are named.
    """
    if len(bad):
        more = ", ..." if len(bad) > 5 else ""
        listed = ", ".join(map(str, bad[:5].tolist()))
        raise ShapeError(
            f"{len(bad)} of {total} {what} hold NaN or infinity: row {listed}{more}; the model that made them "
            "has diverged or the file is damaged"
        )
