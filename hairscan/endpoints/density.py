"""Hairs per cm2 with their interval, by class of thickness."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, hypot, inf, log

import numpy as np

from hairscan.types import FloatArray

CUT_OFFS_UM = (30.0, 40.0)
"""A hair of this width or more is terminal, a thinner one vellus; the field uses both."""

Z95 = 1.959963984540054
"""Of a normal quantity 95 % lies within so many standard deviations of its mean."""


@dataclass(frozen=True, slots=True)
class Density:
    """Hairs per cm2 and the ends of the 95 % interval."""

    per_cm2: float
    low_per_cm2: float
    high_per_cm2: float


def hair_density(count: int, area_cm2: float, um_per_px: float, um_per_px_sd: float) -> Density:
    """Density of `count` hairs on `area_cm2`, with a 95 % interval for the chance of the site and the scale's error.

    Notes
    -----
    With N hairs on A cm2 the density is D = N / A. The exact Poisson interval of N (Garwood 1936) is
    L = gammaincinv(N, 0.025) to U = gammainccinv(N + 1, 0.025). An error of the scale is a relative error of the area
    of twice its size: r = 2 sd / um_per_px. Both are independent and multiply, so they add as squares on the log scale:
    ``low = D exp(-hypot(ln(N/L), 1.96 r))`` and ``high = D exp(hypot(ln(U/N), 1.96 r))``. For N = 0 low is 0 and
    ``high = U / A exp(1.96 r)``.

    Examples
    --------
    >>> d = hair_density(100, 0.5, 2.0, 0.0)
    >>> round(d.per_cm2), round(d.low_per_cm2, 1), round(d.high_per_cm2, 1)
    (200, 162.7, 243.3)
    """
    # scipy.special alone: scipy.stats would add half a second to every start
    from scipy.special import gammainccinv, gammaincinv

    scale_term = Z95 * 2 * um_per_px_sd / um_per_px
    upper = float(gammainccinv(count + 1, 0.025))
    if count == 0:
        return Density(0.0, 0.0, upper / area_cm2 * exp(scale_term))
    lower = float(gammaincinv(count, 0.025))
    per_cm2 = count / area_cm2
    return Density(
        per_cm2,
        per_cm2 * exp(-hypot(log(count / lower) if lower > 0 else inf, scale_term)),
        per_cm2 * exp(hypot(log(upper / count), scale_term)),
    )


def terminal_share(widths_um: FloatArray, cut_off_um: float) -> float:
    """Share of the measured hairs that are `cut_off_um` wide or more; NaN when none was measured.

    The density of a class is this share of the whole density: counted hairs without a width are taken to be spread
    over the classes as the measured ones are, so that terminal and vellus always add up to the density. The flag
    `width-missing` says how many hairs that concerns.

    Parameters
    ----------
    widths_um : float array, shape (N,)
        Widths of the counted hairs; NaN where not measured.
    """
    known_um = widths_um[np.isfinite(widths_um)]
    return float(np.mean(known_um >= cut_off_um)) if known_um.size else float("nan")


def cumulative_width_mm_per_cm2(widths_um: FloatArray, area_cm2: float) -> float:
    """Sum of the widths of all counted hairs per cm2; 0 with no hair, NaN when none was measured.

    Hairs without a width enter with the mean of the measured ones.

    Parameters
    ----------
    widths_um : float array, shape (N,)
        Widths of the counted hairs; NaN where not measured.
    """
    if not widths_um.size:
        return 0.0
    known_um = widths_um[np.isfinite(widths_um)]
    return widths_um.size * float(known_um.mean()) / 1000 / area_cm2 if known_um.size else float("nan")
