"""Losses of the user's own, named by where they are imported from."""

import importlib
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reid.errors import ConfigError, ReidError
from reid.model.losses.base import View, at_least_float32
from reid.model.losses.keys import GIVEN
from reid.model.losses.weighted import seen_through
from reid.text import did_you_mean, printable


class OwnLoss(nn.Module):
    """Somebody's own loss, which is given full precision and whose result is looked at.

    Args:
        loss: called as `loss(embeddings, labels)`; a module's parameters are trained with the model's. If it has class
            vectors and a method `through(embeddings, labels, view)`, learners see these in their own subspace.
        name: as in the settings, for messages.
    """

    def __init__(self, loss: Callable[[Tensor, Tensor], Tensor], name: str) -> None:
        super().__init__()
        self.loss, self.name = loss, name

    @property
    def active_pairs(self) -> Tensor | None:
        """The attribute of that name that the loss may set when it is called."""
        return getattr(self.loss, "active_pairs", None)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of (B, d') unit vectors with (B,) identities.

        Raises:
            ConfigError: it is no scalar tensor.
        """
        return self._checked(self.loss, embeddings, labels)

    def through(self, embeddings: Tensor, labels: Tensor, view: View) -> Tensor:
        """The loss in a subspace, (B, d') being what a learner sees; its class vectors, if any, are seen through `view`.

        Raises:
            ConfigError: it is no scalar tensor.
        """
        return self._checked(partial(seen_through, self.loss, view=view), embeddings, labels)

    def _checked(self, call: Callable[[Tensor, Tensor], Tensor], embeddings: Tensor, labels: Tensor) -> Tensor:
        with torch.autocast(embeddings.device.type, enabled=False):
            value: object = call(at_least_float32(embeddings), labels)
        if isinstance(value, Tensor) and value.shape == ():
            return value
        found = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"{type(value).__name__}"
        raise ConfigError(
            f"loss {self.name}: wanted a tensor with one number and no dimensions, and it returned {found}"
        )


def find(path: str) -> Callable[..., Any] | str:
    """What stands at `package.module:name`, or the sentence that says why it cannot be had."""
    module, _, name = path.partition(":")
    if not all(part.isidentifier() for part in [*module.split("."), *name.split(".")]):
        return f"got {printable(path)!r}, wanted package.module:name"
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        return _not_found(module, error)
    except Exception as error:  # noqa: BLE001  whatever somebody's module raises
        return f"importing {module} failed with {_told(error)}"
    for part in name.split("."):
        if not hasattr(found, part):
            return f"{module} has no {part!r}{did_you_mean(part, dir(found))}"
        found = getattr(found, part)
    return found if callable(found) else f"{path} is {type(found).__name__}, which cannot be called"


def check_own(path: str, values: Mapping[str, Any], where: str) -> tuple[Callable[..., Any] | None, list[str]]:
    """The factory at `path` with its keys filled in, and what is wrong with them, found without calling it.

    Args:
        path: `package.module:name`.
        values: the settings without the name.
        where: path of the settings, for messages.
    """
    factory = find(path)
    if isinstance(factory, str):
        return None, [f"{where}.name: {factory}"]
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):  # some compiled functions do not tell
        return partial(factory, **values), []
    named = {key for key, item in parameters.items() if item.kind in {item.POSITIONAL_OR_KEYWORD, item.KEYWORD_ONLY}}
    takes_any = any(item.kind == item.VAR_KEYWORD for item in parameters.values())
    keys = sorted(named.difference(GIVEN))
    mistakes = [
        f"{where}.{printable(key)}: {path} has no such key{did_you_mean(str(key), keys)} It has: {', '.join(keys) or 'none'}"
        for key in values
        if key in GIVEN or not (takes_any or key in named)
    ]
    needed = [key for key in keys if parameters[key].default is inspect.Parameter.empty and key not in values]
    mistakes += [f"{where}.{key}: {path} cannot do without this key" for key in needed]
    return partial(factory, **values), mistakes


def call_factory(factory: Callable[..., Any], path: str, where: str) -> OwnLoss:
    """The loss that a factory makes.

    Raises:
        ConfigError: it fails, or makes something that cannot be called.
    """
    try:
        loss = factory()
    except ReidError:
        raise
    except Exception as error:
        raise ConfigError(f"{where}.name: {path} failed with {_told(error)}") from error
    if not callable(loss):
        raise ConfigError(f"{where}.name: {path} made {type(loss).__name__}, which cannot be called as a loss")
    return OwnLoss(loss, path)


def _not_found(module: str, error: ModuleNotFoundError) -> str:
    missing = error.name or module
    if missing != module and not module.startswith(f"{missing}."):
        return f"importing {module} failed: it needs the module {missing!r}, which is not installed"
    first = missing.partition(".")[0]
    if Path(f"{first}.py").is_file() or Path(first).is_dir():
        return f"there is no module {missing!r} where Python looks, only in this folder: set PYTHONPATH=. before the command"
    return f"there is no module {missing!r}; install it, or name its folder in PYTHONPATH"


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {printable(error)}"
