"""The error tree and its drawing."""

import inspect
import re

from reid import errors

CLASSES = {name: kind for name, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == "reid.errors"}


def test_drawing_shows_every_class_with_its_exit_code_and_parent() -> None:
    """The tree in the module's docstring is the tree of classes: same names, codes and nesting."""
    drawn = re.findall(r"^    ([ |+-]*)(\w+) +(\d+)  ", errors.__doc__ or "", re.MULTILINE)
    parents: list[str] = []
    found = {}
    for indent, name, code in drawn:
        depth = len(indent) // 4
        parents[depth:] = [name]
        found[name] = (int(code), parents[depth - 1] if depth else "Exception")

    assert found == {name: (kind.exit_code, kind.__base__.__name__) for name, kind in CLASSES.items()}


def test_all_are_reid_errors_with_codes_other_than_usage_and_success() -> None:
    """One `except ReidError` catches everything a user can mend; 0, 1 and 2 mean something else to a shell."""
    for kind in CLASSES.values():
        assert issubclass(kind, errors.ReidError)
        assert 64 <= kind.exit_code <= 78
