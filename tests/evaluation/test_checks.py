"""Arguments that every protocol refuses."""

import pytest
from samples import records

from reid.errors import ConfigError, DataError
from reid.evaluation import checks


@pytest.mark.parametrize("values", [(), (0,), (1, -5)])
def test_ranks_start_at_one(values):
    """There is no rank 0."""
    with pytest.raises(ConfigError, match="ranks must be 1 or more"):
        checks.ranks(values)


def test_average_precision_has_two_definitions():
    """A slip of the pen is answered with the nearest name."""
    with pytest.raises(ConfigError, match=r"'trapezoids' is not known; did you mean 'trapezoid'\?"):
        checks.average_precision("trapezoids")
    checks.average_precision("step")


def test_sets_of_nothing_or_of_junk_are_refused():
    """The message names the set and says why it cannot be scored."""
    with pytest.raises(DataError, match="the query set of set cannot be scored: it holds no images"):
        checks.not_empty(records([]), "query")
    with pytest.raises(DataError, match="all its 2 images are junk"):
        checks.not_empty(records([-1, -1]), "gallery")
    checks.not_empty(records([0]), "gallery")


def test_resamples_are_none_or_more():
    """0 leaves the intervals out; fewer there are not."""
    with pytest.raises(ConfigError, match="number of resamples, 0 for none; got -1"):
        checks.resamples(-1)
    checks.resamples(0)
