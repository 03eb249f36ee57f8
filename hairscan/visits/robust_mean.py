"""Mean of measured changes of which a few are of no hair: two hairs taken for one, or two that touch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairscan.types import FloatArray

_MISREAD_SD_UM = 15.0
"""How far a misread change is off: widths of two hairs differ that much."""
_MISREAD_SHARES = np.array([0.02, 0.1, 0.2, 0.35])
_SPREADS_UM = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 10.0])
_SPREAD_PRIOR_UM = 4.0
_STEPS = 301
_ZOOMS_IN = 3
_REACH_SD = 7.0
_MARGIN_UM = 5.0


@dataclass(frozen=True, slots=True)
class RobustMean:
    """Mean, its standard deviation and 95 % limits, and the spread of the true changes, um."""

    mean: float
    sd: float
    low: float
    high: float
    spread: float


def robust_mean(change_um: FloatArray, se_um: FloatArray) -> RobustMean:
    """Mean change of those that were not misread.

    Parameters
    ----------
    change_um, se_um : float arrays, shape (N,)
        Changes, two or more, and their standard errors.

    Notes
    -----
    Random-effects mean with a mixture for outliers (Beath 2014, Research Synthesis Methods 5:285): a change is
    ``N(mean, se**2 + spread**2)`` or, if it was misread, as much as `_MISREAD_SD_UM` wider. Mean, spread and share of
    misread ones have their posterior on a grid: the mean's prior is flat, the spread's half normal, and so the limits
    hold what few hairs cannot tell.
    """
    low, high = float(change_um.min()) - _MARGIN_UM, float(change_um.max()) + _MARGIN_UM
    mean = sd = 0.0
    for _ in range(_ZOOMS_IN):
        at = np.linspace(low, high, _STEPS)
        weight = _posterior(at, change_um, se_um)
        own = weight.sum(axis=1)
        mean = float(own @ at)
        sd = float(np.sqrt(own @ (at - mean) ** 2))
        low, high = max(mean - _REACH_SD * sd, low), min(mean + _REACH_SD * sd, high)
    limits = np.interp((0.025, 0.975), np.cumsum(own), at)
    return RobustMean(mean, sd, float(limits[0]), float(limits[1]), float(weight.sum(axis=0) @ _SPREADS_UM))


def _posterior(mean_um: FloatArray, change_um: FloatArray, se_um: FloatArray) -> FloatArray:
    """Probability of each mean and spread, shape (M, S), whatever the share of misread changes."""
    off2 = (change_um - mean_um[:, None, None, None]) ** 2
    right = se_um**2 + (_SPREADS_UM**2)[:, None, None]
    wrong = right + _MISREAD_SD_UM**2
    share = _MISREAD_SHARES[:, None]
    likelihood = (1 - share) * np.exp(-0.5 * off2 / right) / np.sqrt(right)
    likelihood += share * np.exp(-0.5 * off2 / wrong) / np.sqrt(wrong)
    surprise = 0.5 * (_SPREADS_UM / _SPREAD_PRIOR_UM)[:, None] ** 2 - np.log(np.maximum(likelihood, 1e-300)).sum(
        axis=-1
    )
    weight = np.exp(surprise.min() - surprise).sum(axis=-1)
    return np.asarray(weight / weight.sum())
