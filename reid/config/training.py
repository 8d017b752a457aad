"""Settings of the method and of the training loop."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from reid.config.kinds import STRICT, Count, Epoch, NotNegative, Positive


@dataclass(frozen=True)
class DivisionConfig:
    """Divide and conquer (Sanakoyeu et al., CVPR 2019 and PAMI 2021).

    Attributes:
        learners: number K of learners, slices and clusters; 1 is the plain loss.
        schedule: "flat" (K learners from the start) or "doubling" (1, 2, 4, ... up to K, twice as many at every division).
        every: epochs between two divisions.
        space: features that are clustered: the "pooled" backbone feature or the "embedding".
        unit: what is assigned to a cluster: every "image" for itself, or an "identity" as a whole.
        partition: "kmeans", or "random" as a control.
        subspaces: "fixed" (each learner has its own columns of the embedding) or "learned" (each has a weight for every column).
        mask_weight: of the term that keeps learned subspaces apart (mean cosine between them).
        mask_lr: learning rate of learned subspaces.
        mask_decay: weight decay of learned subspaces.
        iterations: of k-means.
        restarts: of k-means; the best of them is kept.
        conquer_from: first epoch whose loss sees the whole embedding, batches still from one cluster; None is never.
        finetune_from: first epoch whose batches come from the whole training set; None is never.
        freeze_backbone: number of epochs after each division in which the backbone rests (its learning rate is 0).
    """

    __pydantic_config__ = STRICT

    learners: Count = 8
    schedule: Literal["flat", "doubling"] = "flat"
    every: Count = 2
    space: Literal["pooled", "embedding"] = "pooled"
    unit: Literal["image", "identity"] = "image"
    partition: Literal["kmeans", "random"] = "kmeans"
    subspaces: Literal["fixed", "learned"] = "fixed"
    mask_weight: NotNegative = 0.01
    mask_lr: NotNegative = 1e-3
    mask_decay: NotNegative = 0.0
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
        identities: different identities in a batch. Where fewer are left to train on, batches are of those, and it is said; if
            you gave the number yourself (`--set`, a recipe file of your own), that is an error.
        images_each: images of each identity in a batch.
        optimiser: "adam", "adamw" or "sgd" (momentum 0.9).
        lr: learning rate.
        backbone_lr: learning rate of the backbone; None is `lr`.
        loss_lr: learning rate of what the loss learns (a boundary, class vectors); None is `lr`.
        weight_decay: on all of the network's parameters, not on the loss's own.
        scheduler: "constant", "cosine" (to zero over all epochs) or "multi-step" (times `decay` at each of `milestones`).
        milestones: epochs at which "multi-step" lowers the learning rate.
        decay: factor by which it does.
        warmup: epochs over which the learning rate rises linearly.
        accumulate: batches whose gradients are averaged into one step of the optimiser.
        clip: largest norm of the whole gradient, longer ones being scaled down to it; None does not clip.
        ema: decay of the moving average of the weights, such as 0.999, which is what is validated and kept; 0 keeps the weights themselves.
        patience: epochs without a better validation score after which the run ends early; 0 never does.
        precision: "fp32", "bf16", "fp16" (with a scaled loss, on a GPU), or "auto": bf16 where the hardware multiplies it natively.
        compile: whether the network is compiled by torch (slow to start, needs a C++ compiler on a CPU).
        channels_last: whether pictures keep their channels together in memory, which most processors prefer.
        sync_batchnorm: whether BatchNorm statistics are taken over the batch of all processes, which needs GPUs.
        on_nan: when the loss or its gradient is NaN or infinite: "stop", or "skip" the batch (a few times).
        save_every: epochs between two checkpoints.
        save_minutes: minutes after which a checkpoint is written in the middle of an epoch; 0 does not.
        tensorboard: whether events are also written for TensorBoard, where it is installed.
    """

    __pydantic_config__ = STRICT

    epochs: Count = 200
    identities: Annotated[int, Field(ge=2)] = 20
    images_each: Annotated[int, Field(ge=2)] = 4
    optimiser: Literal["adam", "adamw", "sgd"] = "adam"
    lr: Positive = 1e-5
    backbone_lr: NotNegative | None = None
    loss_lr: NotNegative | None = None
    weight_decay: NotNegative = 1e-4
    scheduler: Literal["constant", "cosine", "multi-step"] = "constant"
    milestones: tuple[Epoch, ...] = ()
    decay: Annotated[float, Field(gt=0, le=1)] = 0.1
    warmup: Epoch = 0
    accumulate: Count = 1
    clip: Positive | None = None
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.0
    patience: Epoch = 0
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    compile: bool = False
    channels_last: bool = True
    sync_batchnorm: bool = False
    on_nan: Literal["stop", "skip"] = "stop"
    save_every: Count = 1
    save_minutes: NotNegative = 10.0
    tensorboard: bool = True
