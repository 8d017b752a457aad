"""Settings: frozen dataclasses with ranges, filled from a recipe, a file and `--set key=value`.

Defaults live here and nowhere else. Recipes hold only what differs. All mistakes are reported at once, each with
the full path of its key.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from reid import shipped
from reid.errors import ConfigError, MissingInputError
from reid.strict_yaml import load_yaml, parse_yaml
from reid.text import did_you_mean, printable

_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


def _switch(value: object) -> object:
    return 0.5 * value if isinstance(value, bool) else value


Fraction = Annotated[float, Field(ge=0, le=1)]
Chance = Annotated[Fraction, BeforeValidator(_switch)]
Count = Annotated[int, Field(ge=1)]
Epoch = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Pixels = Annotated[int, Field(ge=16, le=2048)]


@dataclass(frozen=True)
class DataConfig:
    """What is trained on and how images are prepared.

    Attributes:
        dataset: name of a card, or the path of one.
        root: the dataset's folder; None looks in $REID_DATA/<name>, then data/<name>.
        image_size: (height, width) in pixels; one number is the width, persons being twice as high as wide.
        workers: loader processes; None chooses by the number of cores.
        on_bad_image: "error" stops at the first unreadable image; "skip" leaves unreadable ones out and lists them.
        max_megapixels: larger pictures are refused before they are decoded.
        crop: "random-resized", "pad" (shift by up to a twenty-fifth) or "none".
        crop_scale: smallest and largest share of the area that a random resized crop keeps.
        flip: chance of mirroring an image; true means 0.5.
        erase: chance of erasing a rectangle (Zhong et al., AAAI 2020); true means 0.5.
        colour: strength of brightness, contrast, saturation and hue changes, 0 is none.
        validation: share of the training identities held out to choose the best epoch; 0 trains on all.
    """

    __pydantic_config__ = _STRICT

    dataset: str = "demo"
    root: str | None = None
    image_size: Pixels | tuple[Pixels, Pixels] = 224
    workers: Annotated[int, Field(ge=0, le=256)] | None = None
    on_bad_image: Literal["error", "skip"] = "error"
    max_megapixels: Positive = 64.0
    crop: Literal["random-resized", "pad", "none"] = "random-resized"
    crop_scale: tuple[Annotated[float, Field(gt=0, le=1)], Annotated[float, Field(gt=0, le=1)]] = (0.08, 1.0)
    flip: Chance = 0.5
    erase: Chance = 0.0
    colour: Fraction = 0.0
    validation: Annotated[float, Field(ge=0, lt=1)] = 0.1


@dataclass(frozen=True)
class ModelConfig:
    """The network.

    Attributes:
        backbone: a name from timm, or "small-cnn".
        weights: "pretrained" (timm's, from its local cache or downloaded), "random", or a file.
        dimension: length of the embedding; the number of learners must divide it.
        pooling: of the feature map: "average", "max" or "generalised-mean".
        normalise: "slices" (each learner's slice on its own, then the whole) or "whole".
        dropout: on the pooled feature while training.
        freeze_batchnorm: whether BatchNorm keeps the statistics it came with; scale and shift are trained all the same.
    """

    __pydantic_config__ = _STRICT

    backbone: str = "resnet50"
    weights: str = "pretrained"
    dimension: Count = 128
    pooling: Literal["average", "max", "generalised-mean"] = "average"
    normalise: Literal["slices", "whole"] = "slices"
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.01
    freeze_batchnorm: bool = True


@dataclass(frozen=True)
class DivisionConfig:
    """Divide and conquer (Sanakoyeu et al., CVPR 2019).

    Attributes:
        learners: number K of learners, slices and clusters; 1 is the plain loss.
        every: epochs between two divisions.
        space: features that are clustered: the "pooled" backbone feature or the "embedding".
        unit: what is assigned to a cluster: every "image" for itself, or an "identity" as a whole.
        partition: "kmeans", or "random" as a control.
        iterations: of k-means.
        restarts: of k-means; the best of them is kept.
        conquer_from: first epoch whose loss sees the whole embedding, batches still from one cluster; None is never.
        finetune_from: first epoch whose batches come from the whole training set; None is never.
        freeze_backbone: number of epochs after each division in which the backbone rests.
    """

    __pydantic_config__ = _STRICT

    learners: Count = 8
    every: Count = 2
    space: Literal["pooled", "embedding"] = "pooled"
    unit: Literal["image", "identity"] = "image"
    partition: Literal["kmeans", "random"] = "kmeans"
    iterations: Count = 20
    restarts: Count = 5
    conquer_from: Epoch | None = 80
    finetune_from: Epoch | None = 190
    freeze_backbone: Epoch = 0


@dataclass(frozen=True)
class TrainConfig:
    """The training loop.

    Attributes:
        epochs: how many.
        identities: different identities in a batch.
        images_each: images of each identity in a batch.
        optimiser: "adam", "adamw" or "sgd" (momentum 0.9).
        lr: learning rate.
        weight_decay: on weights, not on biases, norms and the loss's own parameters.
        scheduler: "constant" or "cosine" (to zero over all epochs).
        warmup: epochs over which the learning rate rises linearly.
        precision: "fp32", "bf16", or "auto": bf16 where the hardware multiplies it natively.
        save_every: epochs between two checkpoints.
    """

    __pydantic_config__ = _STRICT

    epochs: Count = 200
    identities: Annotated[int, Field(ge=2)] = 20
    images_each: Annotated[int, Field(ge=2)] = 4
    optimiser: Literal["adam", "adamw", "sgd"] = "adam"
    lr: Positive = 1e-5
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    scheduler: Literal["constant", "cosine"] = "constant"
    warmup: Epoch = 0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    save_every: Count = 1


@dataclass(frozen=True)
class EvaluateConfig:
    """How test sets are scored.

    Attributes:
        splits: names of test sets; empty is all.
        protocols: "single-shot", "all-vs-all", "query-gallery"; empty is the card's.
        trials: random galleries of "single-shot".
        average_precision: "step", or "trapezoid" as Market-1501's MATLAB code.
        memory_gb: bound on the working memory of the ranking, in GiB.
    """

    __pydantic_config__ = _STRICT

    splits: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    trials: Count = 10
    average_precision: Literal["step", "trapezoid"] = "step"
    memory_gb: Positive = 1.0


@dataclass(frozen=True)
class Config:
    """All settings of a run; `loss` is a loss's name with its own keys, or a list of such with weights."""

    __pydantic_config__ = _STRICT

    seed: Annotated[int, Field(ge=0)] = 0
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    division: DivisionConfig = field(default_factory=DivisionConfig)
    loss: dict[str, Any] | list[dict[str, Any]] = field(default_factory=lambda: {"name": "margin"})
    train: TrainConfig = field(default_factory=TrainConfig)
    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)


def load_config(
    recipe: str | None, assignments: Sequence[str] = (), options: Mapping[str, object] | None = None
) -> Config:
    """The configuration of a run: defaults, then the recipe, then `assignments`, then `options`.

    Args:
        recipe: name of a shipped recipe, or a path; None is defaults only.
        assignments: `key=value` texts, as given to `--set`; the value is read as YAML.
        options: full key path -> value, from command-line options of their own; None values are left out.

    Raises:
        MissingInputError: no such recipe file.
        ConfigError: everything that is wrong with the settings, all at once.
    """
    settings = {} if recipe is None else read_recipe(recipe)
    for assignment in assignments:
        path, found, written = assignment.partition("=")
        if not found:
            raise ConfigError(f"--set {printable(assignment)}: wanted KEY=VALUE, such as --set train.epochs=20")
        _assign(settings, path.strip(), parse_yaml(written, f"--set {path}"))
    for key, value in (options or {}).items():
        if value is not None:
            _assign(settings, key, value)
    return check(
        settings, "the configuration" if recipe is None else f"recipe {printable(recipe)} with the options given"
    )


def read_recipe(recipe: str) -> dict[str, Any]:
    """The settings in a recipe, by name or path, unchecked.

    Raises:
        MissingInputError: it looks like a path, and there is no such file.
        ConfigError: unknown name, or the file does not hold a mapping.
    """
    path = Path(recipe)
    if path.suffix not in {".yaml", ".yml"}:
        known = shipped.names("configs")
        if recipe not in known:
            raise ConfigError(
                f"no recipe {printable(recipe)!r}{did_you_mean(recipe, known)} Known: {', '.join(known)}; or give the path of a .yaml file"
            )
        path = shipped.folder("configs") / f"{recipe}.yaml"
    elif not path.is_file():
        raise MissingInputError(f"there is no recipe file {printable(path)}")
    settings = load_yaml(path) or {}
    if not isinstance(settings, dict):
        raise ConfigError(f"{printable(path)}: wanted sections such as 'train:', got {type(settings).__name__}")
    return settings


def check(settings: Mapping[str, Any], where: str) -> Config:
    """`settings` as a Config.

    Raises:
        ConfigError: everything that is wrong, one line each.
    """
    try:
        config = TypeAdapter(Config).validate_json(json.dumps(settings), strict=True)
    except (TypeError, ValueError) as error:
        if not isinstance(error, ValidationError):
            raise ConfigError(f"{where} holds something that is not a plain value ({printable(error)})") from None
        found: Sequence[Any] = error.errors()
        mistakes = sorted({_mistake(details) for details in found})
    else:
        mistakes = _contradictions(config)
        if not mistakes:
            return config
    raise ConfigError("\n  ".join([f"{len(mistakes)} mistake{'s' * (len(mistakes) > 1)} in {where}:", *mistakes]))


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
    if config.train.warmup >= config.train.epochs:
        mistakes.append(f"train.warmup: {config.train.warmup} must be less than train.epochs = {config.train.epochs}")
    if config.data.crop_scale[0] > config.data.crop_scale[1]:
        mistakes.append(f"data.crop_scale: the smaller number comes first, got {list(config.data.crop_scale)}")
    return mistakes


def _assign(settings: dict[str, Any], key: str, value: object) -> None:
    *sections, last = key.split(".")
    place = settings
    for section in sections:
        place = place.setdefault(section, {})
        if not isinstance(place, dict):
            raise ConfigError(f"--set {printable(key)}: {printable(section)!r} is not a section with keys of its own")
    if (sections, last) == (["loss"], "name"):
        place.clear()  # the keys of another loss mean nothing to this one
    place[last] = value


def _mistake(details: Mapping[str, Any]) -> str:
    place: list[str] = []
    known: set[str] = set(_keys(Config))
    for part in details["loc"]:
        # Between the keys pydantic names the alternatives of a union it tried, which mean nothing to a user.
        if isinstance(part, int) or ".".join([*place, part]) in known:
            place.append(str(part))
    if details["type"] == "unexpected_keyword_argument":
        key = ".".join([*place, str(details["loc"][-1])])
        return f"{printable(key)}: unknown key{did_you_mean(key, known)}"
    return f"{'.'.join(place)}: got {printable(json.dumps(details['input']))[:80]}, {_wanted(details)}"


def _wanted(details: Mapping[str, Any]) -> str:
    message = str(details["msg"])
    for prefix in ("Input should be ", "Value should be "):
        message = message.removeprefix(prefix)
    return f"wanted {message[:1].lower()}{message[1:]}"


def _keys(section: Any, prefix: str = "") -> list[str]:
    found = []
    for item in dataclasses.fields(section):
        found.append(prefix + item.name)
        if dataclasses.is_dataclass(item.type):
            found.extend(_keys(item.type, f"{prefix}{item.name}."))
    return found
