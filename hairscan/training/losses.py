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
    Peaks and ridges: quality focal loss, ``|t - p|^2 * BCE(p, t)`` (Li et al. 2020, arXiv:2006.04388), per unit of
    target mass, so that a hair weighs the same in a crowded and in an empty picture. Coverage: cross-entropy and Dice.
    """
    probability = logits.sigmoid()
    entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none") * weight
    focal = (target - probability).square() * entropy
    mass = (target * weight).sum(dim=(0, 2, 3))
    ends = slice(COVERAGE + 1, FIRST_DIRECTION)
    lines = slice(FIRST_DIRECTION, None)
    inside, guess = target[:, COVERAGE] * weight[:, COVERAGE], probability[:, COVERAGE] * weight[:, COVERAGE]
    dice = 1.0 - 2.0 * (inside * guess).sum() / (inside.square().sum() + guess.square().sum() + 1.0)
    return {
        "line": focal[:, lines].sum() / (mass[lines].sum() + 1.0),
        "ends": focal[:, ends].sum() / (mass[ends].sum() + 1.0),
        "coverage": entropy[:, COVERAGE].mean() * 2.0 + dice * 0.5,
    }
