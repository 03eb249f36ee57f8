"""From the widths at the stations of a hair to the hair's width and its standard error."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np

from hairscan.types import FloatArray

_FLOOR_PX = 0.02
"""Bias of the method on drawn shafts, which no averaging removes (tests/accuracy/test_width.py)."""


@dataclass(frozen=True, slots=True)
class Width:
    """Width of one hair and its standard error, px; NaN where not measurable."""

    width_px: float
    se_px: float
    stations: int


def summarise(width_px: FloatArray, formal_se_px: FloatArray, *, shared: bool) -> Width:
    """Robust mean of the widths along a shaft, with the standard error that their likeness allows.

    Parameters
    ----------
    width_px, formal_se_px : float array, shape (n,)
        Widths in the order of the shaft, and what the fit thought of each.
    shared : bool
        The hair was separated from one that touches it: the doubt of the fit is the same at every station
        and is not averaged away.

    Notes
    -----
    Huber's location (k = 1.5). Standard error: the robust spread about a straight taper, divided by the root of the
    effective number of stations ``n (1 - r) / (1 + r)``, r the lag-one autocorrelation.
    """
    count = len(width_px)
    if count == 0:
        return Width(nan, nan, 0)
    location, spread = _huber(width_px)
    if count < 3:
        return Width(location, max(spread, float(np.median(formal_se_px)), 0.1 * location), count)
    residual = width_px - location
    if count >= 6:
        residual = residual - _slope(residual) * (np.arange(count) - (count - 1) / 2)
        spread = min(spread, max(1.4826 * float(np.median(np.abs(residual))), 0.8 * float(residual.std())))
    limited = np.clip(residual, -3 * max(spread, 1e-6), 3 * max(spread, 1e-6))
    likeness = float(np.clip((limited[1:] @ limited[:-1]) / max(float(limited @ limited), 1e-12) + 1 / count, 0.0, 0.8))
    effective = max(count * (1 - likeness) / (1 + likeness), 1.0)
    doubt = float(np.median(formal_se_px)) if shared else 0.0
    return Width(location, sqrt(1.1 * spread**2 / effective + doubt**2 + _FLOOR_PX**2), count)


def _huber(value: FloatArray) -> tuple[float, float]:
    """Location and robust standard deviation."""
    location = float(np.median(value))
    spread = 1.4826 * float(np.median(np.abs(value - location)))
    for _ in range(8):
        weight = np.minimum(1.0, 1.5 * max(spread, 1e-6) / np.maximum(np.abs(value - location), 1e-9))
        location = float(weight @ value / weight.sum())
    return location, spread


def _slope(value: FloatArray) -> float:
    """Theil's slope per step: the median over pairs half the series apart."""
    lag = len(value) // 2
    return float(np.median(value[lag:] - value[:-lag])) / lag
