"""From the widths at the stations of a hair to the hair's width and its standard error."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np

from hairscan.measure.robust import median, robust_sd
from hairscan.types import FloatArray

_FLOOR_PX = 0.02
"""Bias of the method on drawn shafts, which no averaging removes (tests/accuracy/test_width.py)."""


@dataclass(frozen=True, slots=True)
class Width:
    """Width of one hair and its standard error, px; change of the width per px along the shaft; stations used."""

    width_px: float
    se_px: float
    taper: float
    stations: int


def summarise(arc_px: FloatArray, width_px: FloatArray, formal_se_px: FloatArray, *, shared: bool) -> Width:
    """Robust mean of the widths along a shaft, with the standard error that their likeness allows.

    Parameters
    ----------
    arc_px, width_px, formal_se_px : float array, shape (n,)
        Place along the shaft, ascending, the width there, and what the fit thought of its error.
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
        return Width(nan, nan, 0.0, 0)
    location, spread = _huber(width_px)
    if count < 3:
        return Width(location, max(spread, median(formal_se_px), 0.1 * location), 0.0, count)
    residual, taper = width_px - location, 0.0
    if count >= 6:
        taper = _slope(arc_px, residual)
        residual = residual - taper * (arc_px - arc_px.mean())
        spread = min(spread, max(robust_sd(residual), 0.8 * float(residual.std())))
    limited = np.clip(residual, -3 * max(spread, 1e-6), 3 * max(spread, 1e-6))
    likeness = float(np.clip((limited[1:] @ limited[:-1]) / max(float(limited @ limited), 1e-12) + 1 / count, 0.0, 0.8))
    effective = max(count * (1 - likeness) / (1 + likeness), 1.0)
    doubt = median(formal_se_px) if shared else 0.0
    return Width(location, sqrt(1.1 * spread**2 / effective + doubt**2 + _FLOOR_PX**2), taper, count)


def _huber(value: FloatArray) -> tuple[float, float]:
    """Location and robust standard deviation."""
    location = median(value)
    spread = robust_sd(value, location)
    for _ in range(8):
        weight = np.minimum(1.0, 1.5 * max(spread, 1e-6) / np.maximum(np.abs(value - location), 1e-9))
        location = float(weight @ value / weight.sum())
    return location, spread


def _slope(arc_px: FloatArray, value: FloatArray) -> float:
    """Theil's slope: the median over pairs half the series apart."""
    lag = len(value) // 2
    return median((value[lag:] - value[:-lag]) / np.maximum(arc_px[lag:] - arc_px[:-lag], 1e-6))
