#!/usr/bin/env python3
"""Print docs/losses.md, made from the losses themselves: python tools/losses_page.py > docs/losses.md."""

import inspect
import json
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import TypeAdapter

from reid.model.losses.keys import own_keys, takes_given, takes_miner
from reid.model.losses.miners import MINERS
from reid.model.losses.names import LOSSES

HEAD = """# Losses

A loss is chosen by its name, and its own keys follow; what is not given has its default. Mistakes in names, keys and
values are reported before anything is read, all at once.

```yaml
loss: {name: triplet, mining: hard, margin: soft}
```

A list is a weighted sum; `weight` is 1 where it is not given. This is the usual pair of re-identification:

```yaml
loss:
  - {name: softmax, label_smoothing: 0.1}
  - {name: triplet, mining: hard, weight: 0.5}
```

Where the model has a neck (`model.neck: batchnorm`), losses between images see the vector before it and those with class
vectors the one after it, which is what the model gives; losses between images alone all see the one after it, so that what is
deployed is what was trained. The key `neck: before` or `neck: after` of any loss decides otherwise.

All losses see unit vectors in float32, whatever precision the network multiplies in. Those with *class vectors* learn a
vector, or several, for every training identity ([below](#class-vectors)); the others compare the images of a batch with each
other, and need batches with several images of each identity (`train.images_each`).

This page is written by `python tools/losses_page.py`.

## Names

| name | | class vectors | miner |
|---|---|---|---|
"""

KEYS = """
## Keys

| loss | key | default | values | |
|---|---|---|---|---|
"""

MINER = """
## Miners

A miner chooses the pairs or triplets of each batch that a loss is to see: `miner: hard-aware`, or with keys of its own
`miner: {name: hard-aware, share: 0.3}`. `triplet`, `multi-similarity` and `margin` choose by keys of theirs.

| miner | |
|---|---|
"""

MINER_KEYS = """
| miner | key | default | values | |
|---|---|---|---|---|
"""

TAIL = """
## Class vectors

Class vectors are parameters of the loss: C x d numbers for C training identities and an embedding of length d, times
`centres`. They are trained by the same optimiser, without weight decay, and kept in checkpoints, but they are no part of the
model. They start at random and the network does not, so they usually want a larger learning rate: `train.loss_lr`, such as 10
to 100 times `train.lr`.

Under divide and conquer there is one set of them for all learners, and labels stay the same in every cluster. A learner sees
class vectors exactly as it sees embeddings: its own columns of them, or all columns times its mask, made unit length
afterwards. So a batch of learner k gives a gradient to its own columns only (the momentum of an optimiser still moves the others a
little). In the stages conquer and finetune the
class vectors are normalised as the embedding is (`model.normalise`). A learner compares an image with the vectors of *all*
identities, also of those that are in other clusters.

## Your own

Any `package.module:name` can stand in the place of a name. It is called with the keys that are given, and with `classes` (number
of training identities) and `dimension` (d) if it asks for them, and returns what is called as `loss(embeddings, labels)`: (B, d')
unit vectors and (B,) codes 0..C-1 in, a tensor with one number out. Python must find the module: install it, or start the
command with `PYTHONPATH=.`.

```python
# my_losses.py
import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize


def spread(*, power=2.0):
    \"\"\"Pushes images of different identities apart.\"\"\"

    def loss(embeddings, labels):
        others = labels[:, None] != labels[None, :]
        similar = (embeddings @ embeddings.T).relu().pow(power) * others
        return similar.sum() / others.sum().clamp(min=1)

    return loss


class Classes(nn.Module):
    \"\"\"Softmax over class vectors, in whatever subspace is being trained.\"\"\"

    def __init__(self, *, classes, dimension, scale=16.0):
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(classes, dimension))
        self.scale = scale

    def forward(self, embeddings, labels):
        return self.through(embeddings, labels, lambda vectors: vectors)

    def through(self, embeddings, labels, view):
        seen = normalize(view(self.vectors), dim=1)
        return cross_entropy(self.scale * embeddings @ seen.T, labels)
```

```yaml
loss:
  - {name: my_losses:Classes, scale: 20.0}
  - {name: my_losses:spread, weight: 0.1}
```

The method `through` is what makes class vectors work in subspaces; a loss without class vectors needs none. A module's parameters
are trained and kept in checkpoints. Draw from torch's default generator only: it is seeded before the loss is built and before
every step, so that runs can be repeated and resumed. A loss that sets an attribute `active_pairs` (a tensor with one whole number)
when it is called has it logged for every learner. Losses of pytorch-metric-learning without class vectors can be named as they
are: `{name: "pytorch_metric_learning.losses:PNPLoss", b: 2}`.
"""

Builder = Callable[..., Any]


def page() -> str:
    """The whole page."""
    names = [
        f"| `{name}` | {summary(build)} | {'yes' if takes_given(build) else ''} | {'yes' if takes_miner(build) else ''} |\n"
        for name, build in LOSSES.items()
    ]
    miners = [f"| `{name}` | {summary(build)} |\n" for name, build in MINERS.items()]
    return "".join([HEAD, *names, KEYS, *key_rows(LOSSES), MINER, *miners, MINER_KEYS, *key_rows(MINERS), TAIL])


def key_rows(builders: Mapping[str, Builder]) -> list[str]:
    """A table row for every key of every builder, but for the key `miner`, which is the same for all."""
    rows = []
    for name, build in builders.items():
        meanings = arguments(inspect.getdoc(build) or "")
        for key, item in own_keys(build).items():
            row = (f"`{name}`", f"`{key}`", f"`{json.dumps(item.default)}`", values(item.annotation), meanings[key])
            rows.append(f"| {' | '.join(row)} |\n")
    return rows


def summary(builder: Builder) -> str:
    """The first sentence of a docstring."""
    return (inspect.getdoc(builder) or "").partition("\n")[0]


def arguments(doc: str) -> dict[str, str]:
    """Meanings by name, from the Args section of a docstring."""
    _, _, listed = doc.partition("Args:\n")
    entries = re.split(r"\n(?=    \w+:)", listed.split("\n\n")[0])
    pairs = (entry.strip().partition(": ") for entry in entries)
    return {name: " ".join(meaning.split()).replace("None", "`null`") for name, _, meaning in pairs}


def values(annotation: Any) -> str:
    """What a key may be, in words."""
    schema = TypeAdapter(annotation).json_schema()
    return " or ".join(words(part) for part in schema.get("anyOf", [schema]))


def words(schema: Mapping[str, Any]) -> str:
    """One kind of value, in words."""
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{word}`" for word in schema.get("enum", [schema.get("const")]))
    bounds = {"exclusiveMinimum": "above", "minimum": "at least", "exclusiveMaximum": "below", "maximum": "at most"}
    limits = [f"{word} {schema[key]:.4g}" for key, word in bounds.items() if key in schema]
    kind = {"number": "number", "integer": "whole number", "null": "`null`"}[schema["type"]]
    return " ".join([kind, " and ".join(limits)]).strip()


if __name__ == "__main__":
    sys.stdout.write(page())
