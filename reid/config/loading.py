"""From a recipe, a file and the command line to checked settings."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reid import shipped
from reid.config.kinds import STAND_INS
from reid.config.mistakes import describe, shown
from reid.config.sections import DEFAULT_LOSS, Config
from reid.errors import ConfigError, MissingInputError
from reid.strict_yaml import load_yaml, parse_yaml
from reid.text import did_you_mean, printable

_MOST = 20


def load_config(
    recipe: str | Sequence[str] | None, assignments: Sequence[str] = (), options: Mapping[str, object] | None = None
) -> Config:
    """The configuration of a run: defaults, then the recipe, then `assignments`, then `options`.

    Args:
        recipe: name of a shipped recipe, or a path; of several, each changes what those before it say; None is
            defaults only.
        assignments: `key=value` texts, as given to `--set`; the value is read as YAML.
        options: full key path -> value, from command-line options of their own; None values are left out.

    Raises:
        MissingInputError: no such recipe file.
        ConfigError: everything that is wrong with the settings, all at once.
    """
    recipes = [recipe] if isinstance(recipe, str) else list(recipe or ())
    settings: dict[str, Any] = {}
    for name in recipes:
        settings = _layered(settings, read_recipe(name))
    pairs = [_pair(assignment) for assignment in assignments]
    for key, value in sorted(pairs, key=lambda pair: pair[0] != "loss.name"):  # it clears the other keys of loss
        _assign(settings, key, value)
    for key, value in (options or {}).items():
        if value is not None:
            _assign(settings, key, value)
    title = f"recipe {printable(' + '.join(recipes))} with the options given" if recipes else "the configuration"
    return check(settings, title)


def read_recipe(recipe: str) -> dict[str, Any]:
    """The settings in a recipe, by name or path, unchecked; its key `base` names a recipe that it is a change of.

    Raises:
        MissingInputError: it looks like a path, and there is no such file.
        ConfigError: unknown name, the file does not hold a mapping, or bases go round in a circle.
    """
    settings, seen = _read(recipe), [recipe]
    while (base := settings.pop("base", None)) is not None:
        if not isinstance(base, str) or base in seen:
            wanted = "wanted the name of a recipe" if not isinstance(base, str) else "which is a change of this one"
            raise ConfigError(f"recipe {printable(seen[-1])}: base: got {shown(base)}, {wanted}")
        seen.append(base)
        settings = _layered(_read(base), settings)
    return settings


def own_file_sets(recipe: str, section: str, key: str) -> bool:
    """Whether a recipe given by its path, or one given so that it is a change of, says this; shipped ones do not count."""
    name: object = recipe
    while isinstance(name, str) and Path(name).suffix in {".yaml", ".yml"}:
        settings = _read(name)
        if key in (settings.get(section) or {}):
            return True
        name = settings.get("base")
    return False


def _layered(settings: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """`settings` with what `change` says instead; a section that is null goes, and a loss with a name replaces the other."""
    whole = dict(settings)
    for key, value in change.items():
        before = whole.get(key)
        merges = isinstance(before, dict) and isinstance(value, dict) and not (key == "loss" and "name" in value)
        whole[key] = {**before, **value} if merges and before is not None else value
    return whole


def _read(recipe: str) -> dict[str, Any]:
    path = Path(recipe)
    if path.suffix not in {".yaml", ".yml"}:
        known = shipped.names("configs")
        if recipe not in known:
            raise ConfigError(
                f"no recipe '{printable(recipe)}'{did_you_mean(recipe, known)} Known: {', '.join(known)}; or give the path of a .yaml file"
            )
        path = shipped.folder("configs") / f"{recipe}.yaml"
    elif not path.is_file():
        raise MissingInputError(f"there is no recipe file {printable(path)}")
    settings = load_yaml(path)
    if settings is None:  # nothing but comments
        return {}
    if not isinstance(settings, dict):
        raise ConfigError(f"{printable(path)}: wanted sections such as 'train:', got {shown(settings)}")
    return settings


def check(settings: Mapping[str, Any], where: str) -> Config:
    """`settings` as a Config; a section that is None has its defaults.

    Args:
        settings: nested plain values, as a recipe holds them.
        where: what they are called in messages.

    Raises:
        ConfigError: everything that is wrong, one line each.
    """
    sections = {"loss", *(item.name for item in dataclasses.fields(Config) if dataclasses.is_dataclass(item.type))}
    given = {key: value for key, value in settings.items() if value is not None or key not in sections}
    try:
        config = TypeAdapter(Config).validate_json(_to_json(given, where), strict=True)
    except ValidationError as error:
        mistakes = describe(error.errors(), Config, most=_MOST)
    else:
        mistakes = _contradictions(config)
        if not mistakes:
            return config
    title = f"{len(mistakes)} mistake{'s' * (len(mistakes) > 1)} in {printable(where)}:"
    more = [f"and {len(mistakes) - _MOST} more"] if len(mistakes) > _MOST else []
    raise ConfigError("\n  ".join([title, *mistakes[:_MOST], *more]))


def to_settings(config: Config) -> dict[str, Any]:
    """The complete configuration as nested plain values, which `check` accepts."""
    settings: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return settings


def _contradictions(config: Config) -> list[str]:
    division, mistakes = config.division, []
    if config.model.dimension % division.learners:
        mistakes.append(
            f"model.dimension: {config.model.dimension} cannot be shared equally by division.learners = {division.learners}"
        )
    if division.conquer_from is None and division.finetune_from is not None:
        mistakes.append("division.finetune_from: the finetune stage follows conquer, and division.conquer_from is null")
    elif division.finetune_from is not None and (division.conquer_from or 0) > division.finetune_from:
        mistakes.append(
            f"division.conquer_from: {division.conquer_from} must not be larger than division.finetune_from = {division.finetune_from}"
        )
    if division.schedule == "doubling" and division.learners & (division.learners - 1):
        mistakes.append(
            f"division.learners: got {division.learners}, wanted a power of two (2, 4, 8, ...), for division.schedule is doubling"
        )
    if config.train.milestones and config.train.scheduler != "multi-step":
        mistakes.append(
            f"train.milestones: train.scheduler must be multi-step where they are given, and is {config.train.scheduler}"
        )
    if config.train.scheduler == "multi-step" and not config.train.milestones:
        mistakes.append(
            "train.scheduler: multi-step wanted the epochs at which to lower the rate, such as train.milestones=[20,40]"
        )
    if config.train.warmup > config.train.epochs:
        mistakes.append(
            f"train.warmup: {config.train.warmup} must not be larger than train.epochs = {config.train.epochs}"
        )
    if config.data.crop_scale[0] > config.data.crop_scale[1]:
        mistakes.append(f"data.crop_scale: the smaller number comes first, got {list(config.data.crop_scale)}")
    return mistakes + _nameless_losses(config) + _neckless_losses(config)


def _nameless_losses(config: Config) -> list[str]:
    if config.loss == []:
        return ["loss: got [], wanted at least one loss, such as {name: margin}"]
    if isinstance(config.loss, dict):
        losses = {"loss": config.loss}
    else:
        losses = {f"loss.{place}": loss for place, loss in enumerate(config.loss)}
    return [
        f"{key}.name: got {shown(loss.get('name'))}, wanted the name of a loss, such as margin"
        for key, loss in losses.items()
        if not isinstance(loss.get("name"), str)
    ]


def _neckless_losses(config: Config) -> list[str]:
    losses = [("loss", config.loss)] if isinstance(config.loss, dict) else []
    losses += [(f"loss.{place}", loss) for place, loss in enumerate(config.loss) if isinstance(loss, dict)]
    return [
        f"{key}.neck: got {shown(loss['neck'])}, and there is no neck to be {loss['neck']}: set model.neck=batchnorm"
        for key, loss in losses
        if loss.get("neck") in ("before", "after") and config.model.neck == "none"
    ]


def _pair(assignment: str) -> tuple[str, Any]:
    key, found, written = assignment.partition("=")
    parts = [part.strip() for part in key.split(".")]
    if not found or not all(parts):
        raise ConfigError(f"--set {printable(assignment)}: wanted KEY=VALUE, such as --set train.epochs=20")
    return ".".join(parts), parse_yaml(written, f"--set {key}")


def _assign(settings: dict[str, Any], key: str, value: object) -> None:
    *sections, last = key.split(".")
    if key == "loss.name":
        settings["loss"] = {}  # the keys of another loss mean nothing to this one
    elif sections[:1] == ["loss"] and settings.get("loss") is None:
        settings["loss"] = dict(DEFAULT_LOSS)
    place = settings
    for section in sections:
        if place.get(section) is None:
            place[section] = {}
        place = place[section]
        if not isinstance(place, dict):
            raise ConfigError(f"--set {printable(key)}: '{printable(section)}' is not a section with keys of its own")
    place[last] = value


def _to_json(settings: Mapping[str, Any], where: str) -> bytes:
    try:
        return json.dumps(settings, ensure_ascii=False).translate(STAND_INS).encode()
    except UnicodeEncodeError as error:
        name = printable(error.object[max(0, error.start - 40) : error.end])
        raise ConfigError(f"{printable(where)} holds '{name}', which is not valid text") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"{printable(where)} holds something that is not a plain value ({printable(error)})"
        ) from None
