"""The loss: how far the maps are from what the labels say, where they say something."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from hairscan.segment.spec import COVERAGE, FIRST_DIRECTION


def map_loss(logits: Tensor, target: Tensor, weight: Tensor) -> dict[str, Tensor]:
    """Loss of each kind of map; their sum is minimised.

    Parameters
    ----------
    logits, target, weight : float tensors, shape (N, N_CHANNELS, H, W)

    Notes
    -----
    Peaks and ridges: cross-entropy with the soft target, per unit of target mass, so that a hair weighs the same in a
    crowded and in an empty picture. Its minimum is the expected target: maps stay sharp and their sums mean lengths. (A
    focal loss was tried: it leaves a haze of ten times the target's mass, in which neighbouring shafts merge.)
    Coverage: cross-entropy and Dice.
    """
    entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none") * weight
    mass = (target * weight).sum(dim=(0, 2, 3))
    ends = slice(COVERAGE + 1, FIRST_DIRECTION)
    lines = slice(FIRST_DIRECTION, None)
    inside, guess = target[:, COVERAGE] * weight[:, COVERAGE], logits[:, COVERAGE].sigmoid() * weight[:, COVERAGE]
    dice = 1.0 - 2.0 * (inside * guess).sum() / (inside.square().sum() + guess.square().sum() + 1.0)
    return {
        "line": 0.5 * entropy[:, lines].sum() / (mass[lines].sum() + 1.0),
        "ends": 0.25 * entropy[:, ends].sum() / (mass[ends].sum() + 1.0),
        "coverage": entropy[:, COVERAGE].mean() * 2.0 + dice * 0.5,
    }
