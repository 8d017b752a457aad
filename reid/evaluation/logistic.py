"""A logistic curve from scores to probabilities, fitted to matching and other pairs that weigh equally."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid.records import Integers

_STEPS = 200  # Newton's, far more than are needed
_SMALL = 1e-12  # of the loss: no step that gains less is taken


def fit_logistic(
    scores: NDArray[Any], matching: Integers, others: Integers, *, spread: float = 1e-9
) -> tuple[float, float]:
    """Slope and intercept of the curve 1 / (1 + exp(-(slope * score + intercept))) of the largest likelihood.

    All matching pairs together weigh as much as all others, which makes it the probability for a prior of 1/2. Where a
    score separates the two kinds, the likelihood grows without end with the slope; so a matching pair counts as one
    with probability (M + 1) / (M + 2), and another with 1 / (O + 2), which is what M and O pairs can tell (Platt,
    "Probabilistic outputs for support vector machines", 1999). With many pairs this changes nothing else.

    Args:
        scores: (B,) different scores.
        matching: (B,) matching pairs with each score; at least one in all.
        others: (B,) other pairs with each score; at least one in all.
        spread: standard deviation of the scores below which they tell nothing.

    Returns:
        The slope, 0 or larger: where matching pairs score no higher than others it is 0, for a higher score never is
        a sign of another identity; and the intercept.
    """
    of_matches, of_others = _weights(matching, others)
    total = of_matches + of_others
    mean = float((total * scores).sum())
    deviation = float(np.sqrt((total * (scores - mean) ** 2).sum()))
    flat = 0.0, float(np.log(of_matches.sum() / of_others.sum()))
    if deviation < spread:
        return flat
    slope, intercept = _newton((scores - mean) / deviation, of_matches, of_others)
    if slope <= 0:
        return flat
    return slope / deviation, intercept - slope * mean / deviation


def _weights(matching: Integers, others: Integers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How much each score counts as one of a matching pair, and as one of another; 1 in all."""
    number, rest = float(matching.sum()), float(others.sum())
    sure, unsure = (number + 1) / (number + 2), 1 / (rest + 2)
    near, far = matching / (2 * number), others / (2 * rest)
    return near * sure + far * unsure, near * (1 - sure) + far * (1 - unsure)


def _newton(
    scores: NDArray[np.float64], of_matches: NDArray[np.float64], of_others: NDArray[np.float64]
) -> tuple[float, float]:
    """The minimum of a convex loss by Newton's steps, each halved until the loss falls."""
    design = np.stack([scores, np.ones_like(scores)], axis=1)
    at = np.zeros(2)
    loss = _loss(design @ at, of_matches, of_others)
    for _ in range(_STEPS):
        sure = 1 / (1 + np.exp(-np.clip(design @ at, -700, 700)))
        gradient = design.T @ ((of_matches + of_others) * sure - of_matches)
        curvature = design.T @ (design * ((of_matches + of_others) * sure * (1 - sure))[:, np.newaxis])
        step = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        size, moved = 1.0, _loss(design @ (at - step), of_matches, of_others)
        while moved > loss and size > _SMALL:
            size /= 2
            moved = _loss(design @ (at - size * step), of_matches, of_others)
        if not loss - moved > _SMALL * loss:
            break
        at, loss = at - size * step, moved
    return float(at[0]), float(at[1])


def _loss(odds: NDArray[np.float64], of_matches: NDArray[np.float64], of_others: NDArray[np.float64]) -> float:
    """Cross-entropy."""
    return float((of_matches * np.logaddexp(0, -odds) + of_others * np.logaddexp(0, odds)).sum())
