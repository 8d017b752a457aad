"""What requests may say."""

import pytest
from pydantic import ValidationError

from reid.gallery.filters import Where
from reid.serve.schemas import Change, Filters, Options, Question, Told, named


def test_filters_are_conditions():
    """Each as the gallery has it; nothing given is everything."""
    filters = Filters(camera=[1, 2], not_camera=[3], since="2026-03-01", until=2e9, identity=["a", "unknown"])

    assert Filters().where() == Where()
    assert filters.where() == Where((1, 2), (3,), 1_772_323_200.0, 2e9, ("a", None))


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Filters, {"camera": [-1]}),
        (Filters, {"camera": [2**60]}),
        (Filters, {"since": "soon"}),
        (Filters, {"since": float("nan")}),
        (Filters, {"identity": ["a\nb"]}),
        (Filters, {"identity": ["\ud800"]}),
        (Filters, {"path": "/etc/passwd"}),
        (Options, {"k": 0}),
        (Options, {"k": 1001}),
        (Options, {"threshold": 1.5}),
        (Options, {"threshold": float("nan")}),
        (Question, {}),
        (Question, {"vector": [1.0], "image": 1}),
        (Question, {"vector": [float("inf")]}),
        (Question, {"image": 0}),
        (Change, {"identity": "a"}),
        (Change, {"identity": "a", "ids": [1], "merge": ["b"]}),
        (Change, {"identity": "a", "ids": []}),
        (Change, {"ids": [1]}),
        (Told, {"path": "x.jpg"}),
        (Told, {"source": ""}),
    ],
)
def test_what_is_refused(model, values):
    """Values out of range, unknown keys, and two answers where one is asked for."""
    with pytest.raises(ValidationError):
        model.model_validate(values)


def test_unknown_is_no_name():
    """In requests; null stands for it in answers."""
    assert (named("unknown"), named(None), named("car-1")) == (None, None, "car-1")
