"""How large a run's model is, and how much it computes: what a dry run says of it."""

from collections.abc import Iterable
from typing import Any

from torch import nn

from reid.model.complexity import multiply_adds
from reid.train.plan import Plan


def model_sizes(plan: Plan) -> dict[str, Any]:
    """Parameters of the model, of each of its parts and of the loss, and multiply-adds for a picture.

    Those of the loss (class vectors, a boundary, masks) are trained and not deployed.
    """
    network, criterion = plan.learning.network, plan.learning.criterion
    parts = {
        "backbone": network.backbone,
        "pooling": network.pool,
        "embedding layer": network.layer,
        "neck": network.neck,
    }
    return {
        "parameters": _count(network.parameters()),
        "parameters_of": {name: _count(part.parameters()) for name, part in parts.items()},
        "loss_parameters": _count(criterion.parameters()),
        "multiply_adds": multiply_adds(network, plan.description.image_size),
    }


def sizes_lines(sizes: dict[str, Any]) -> list[str]:
    """The same in words."""
    parts = [f"{name} {count:,}" for name, count in sizes["parameters_of"].items() if count]
    products = sizes["multiply_adds"]
    return [
        f"parameters: {', '.join(parts)}; and {sizes['loss_parameters']:,} of the loss, which are not deployed",
        f"to compute for a picture: {_scaled(products)} multiply-adds ({_scaled(2 * products)}FLOPs); about three times that to train",
    ]


def _count(parameters: Iterable[nn.Parameter]) -> int:
    return sum(parameter.numel() for parameter in parameters)


def _scaled(number: float) -> str:
    for unit in ("", "k", "M"):
        if number < 999.5:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:,.3g} G"
