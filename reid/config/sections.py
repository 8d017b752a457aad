"""All settings, their defaults and ranges: frozen dataclasses, one for each section of a recipe.

Defaults live here and in `reid.config.training`, and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field

from reid.config.kinds import STRICT, Chance, Count, Fraction, Name, Pixels, Positive, Size
from reid.config.training import DivisionConfig, TrainConfig

DEFAULT_LOSS: Mapping[str, Any] = MappingProxyType({"name": "margin"})
"""What the keys of a loss belong to when none is named."""


@dataclass(frozen=True)
class DataConfig:
    """What is trained on and how images are prepared.

    Attributes:
        dataset: name of a card, or the path of one.
        root: the dataset's folder; None looks in $REID_DATA/<name>, then data/<name>.
        image_size: (height, width) in pixels; one number is the width, persons being twice as high as wide.
        workers: loader processes, which never changes results; None chooses. On a CPU, more than its threads leave cores for
            slow the network down.
        cache: memory for training pictures at the size of the network, such as 500MB, so that each is decoded only once;
            for crops "pad" and "none". None keeps nothing.
        on_bad_image: "error" stops at the first unreadable image; "skip" leaves unreadable ones out and lists them.
        max_megapixels: larger pictures are refused before they are decoded.
        crop: "random-resized", "pad" (shift by up to a twenty-fifth) or "none".
        crop_scale: smallest and largest share of the area that a random resized crop keeps.
        flip: chance of mirroring an image; true means 0.5.
        erase: chance of erasing a rectangle (Zhong et al., AAAI 2020); true means 0.5.
        colour: strength of brightness, contrast, saturation and hue changes, 0 is none.
        validation: share of the training identities held out to choose the best epoch and to learn what scores mean; 0
            trains on all, and galleries cannot tell what is unknown then.
    """

    __pydantic_config__ = STRICT

    dataset: Name = "demo"
    root: Name | None = None
    image_size: Pixels | tuple[Pixels, Pixels] = 224
    workers: Annotated[int, Field(ge=0, le=256)] | None = None
    cache: Size | None = None
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
        backbone: a name from timm, a ResNet with IBN-a such as "resnet50-ibn-a", or "small-cnn".
        weights: "pretrained" (published ones of the backbone, from the local cache or downloaded), "random", a file, or a run.
        partial_weights: whether a file of weights may lack some of the backbone's, which then start at random.
        last_stride: 1 leaves the maps of a ResNet's last stage as large as those before it; 2 is the network as it is.
        dimension: length of the embedding; the number of learners must divide it.
        pooling: of the feature map or the patches: "average", "max" or "generalised-mean"; "cls" is a transformer's class token.
        layer: between pooling and embedding: "linear", or "none" (the dimension is then what the backbone gives).
        neck: "batchnorm" normalises the embedding over the batch: losses between images see it before, classifiers after it.
        normalise: "slices" (each learner's slice on its own, then the whole) or "whole".
        dropout: on the pooled feature while training.
        freeze_batchnorm: whether BatchNorm keeps the statistics it came with; scale and shift are trained all the same.
    """

    __pydantic_config__ = STRICT

    backbone: str = "resnet50"
    weights: Name = "pretrained"
    partial_weights: bool = False
    last_stride: Literal[1, 2] = 2
    dimension: Count = 128
    pooling: Literal["average", "max", "generalised-mean", "cls"] = "average"
    layer: Literal["linear", "none"] = "linear"
    neck: Literal["none", "batchnorm"] = "none"
    normalise: Literal["slices", "whole"] = "slices"
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.01
    freeze_batchnorm: bool = True


@dataclass(frozen=True)
class EvaluateConfig:
    """How test sets are scored.

    Attributes:
        splits: names of test sets; empty is all.
        protocols: "single-shot", "all-vs-all", "query-gallery"; empty is the card's.
        trials: random galleries of "single-shot".
        average_precision: "step", or "trapezoid" as Market-1501's MATLAB code.
        memory: bound on the working memory of the ranking, such as 500MB or 2GiB.
        bootstrap: resamples of identities for the 95 % intervals; 0 leaves them out.
        camera_pairs: also score every pair of a query and a gallery camera, where the gallery has cameras.
        rerank: "none", "k-reciprocal", "ecn" or "ecn-vectors" (expanded neighbourhoods by rank lists or by distances), or "graph".
        rerank_options: parameters of the re-ranking, such as {k1: 20, k2: 6, weight: 0.3}; what is not given is as published.
        expand: replace each query by the mean of it and so many nearest gallery images; 0 does not.
        expand_alpha: weight of each of them in that mean: its similarity to this power; 0 weighs all alike.
        augment: replace each gallery image by the mean of it and so many nearest others; 0 does not.
    """

    __pydantic_config__ = STRICT

    splits: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    trials: Count = 10
    average_precision: Literal["step", "trapezoid"] = "step"
    memory: Size = "1GB"
    bootstrap: Annotated[int, Field(ge=0, le=100_000)] = 1000
    camera_pairs: bool = True
    rerank: Literal["none", "k-reciprocal", "ecn", "ecn-vectors", "graph"] = "none"
    rerank_options: dict[str, int | float] = field(default_factory=dict)
    expand: Annotated[int, Field(ge=0)] = 0
    expand_alpha: Annotated[float, Field(ge=0)] = 0.0
    augment: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True)
class Config:
    """All settings of a run.

    Attributes:
        seed: of everything left to chance.
        data: what is trained on.
        model: the network.
        division: divide and conquer.
        loss: a loss's name with its own keys, or a list of such, each with an optional weight.
        train: the training loop.
        evaluate: how test sets are scored.
    """

    __pydantic_config__ = STRICT

    seed: Annotated[int, Field(ge=0)] = 0
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    division: DivisionConfig = field(default_factory=DivisionConfig)
    loss: dict[str, Any] | list[dict[str, Any]] = field(default_factory=lambda: dict(DEFAULT_LOSS))
    train: TrainConfig = field(default_factory=TrainConfig)
    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)
