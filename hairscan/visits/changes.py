"""What changed between two visits: count, density, width, and hairs that passed from terminal to vellus or back."""

from __future__ import annotations

from math import hypot, sqrt

import numpy as np
from numpy.typing import NDArray

from hairscan.endpoints.density import CUT_OFFS_UM, Z95, hair_density
from hairscan.files import Record
from hairscan.types import FloatArray
from hairscan.visits.robust_mean import robust_mean

_LEAST_SE_UM = 0.05


class Change(Record):
    """A change and the ends of its 95 % interval; None where it cannot be told."""

    value: float | None
    low: float | None
    high: float | None


class WidthChange(Record):
    """Mean change of width of the matched hairs that were measured at both visits; misread ones hardly count.

    Attributes
    ----------
    hairs : int
        How many those are.
    spread_um : float or None
        Standard deviation of the hairs' true changes.
    """

    hairs: int
    mean_um: float | None
    se_um: float | None
    low_um: float | None
    high_um: float | None
    spread_um: float | None


class Transitions(Record):
    """Matched hairs that passed a cut-off between terminal and vellus; `sure`: by more than the noise."""

    cut_off_um: float
    miniaturised: int
    miniaturised_sure: int
    recovered: int
    recovered_sure: int


def count_change(lost: int, gained: int, undecided: int) -> Change:
    """Gained less lost hairs, with the interval for the chance of the site and the undecided hairs.

    Notes
    -----
    Lost and gained hairs are Poisson counts with exact limits (Garwood 1936), joined by the MOVER method (Zou and
    Donner 2008). An undecided hair is a change of one with a probability of one half, either way.
    """
    value = float(gained - lost)
    limits = [_poisson_limits(count) for count in (lost, gained)]
    doubt = Z95 * sqrt(undecided / 4.0)
    below = hypot(gained - limits[1][0], limits[0][1] - lost, doubt)
    above = hypot(limits[1][1] - gained, lost - limits[0][0], doubt)
    return Change(value=value, low=value - below, high=value + above)


def density_change(count: Change, area_cm2: float | None, um_per_px_sd_share: float) -> Change:
    """Change of the density, hairs per cm2; empty without a scale.

    Parameters
    ----------
    um_per_px_sd_share : float
        Relative standard deviation of the scale: it is one of the change too, twice over.
    """
    if area_cm2 is None or count.value is None or count.low is None or count.high is None:
        return Change(value=None, low=None, high=None)
    value = count.value / area_cm2
    doubt = 2.0 * Z95 * um_per_px_sd_share * abs(value)
    below, above = (hypot((end - count.value) / area_cm2, doubt) for end in (count.low, count.high))
    return Change(value=value, low=value - below, high=value + above)


def width_change(change_um: FloatArray, se_um: FloatArray, shared_se_um: float = 0.0) -> WidthChange:
    """Mean of paired width changes: precise hairs weigh more, misread ones hardly.

    Parameters
    ----------
    change_um, se_um : float arrays, shape (N,)
        Change and standard error of every matched hair; NaN where it was not measured.
    shared_se_um : float
        The part of the error that all hairs have in common, which `se_um` holds too: no mean makes it smaller.

    Notes
    -----
    See `hairscan.visits.robust_mean`.
    """
    known = np.isfinite(change_um) & np.isfinite(se_um) & (se_um > 0)
    d, se = change_um[known], se_um[known]
    count = int(known.sum())
    if count < 2:
        lone = (float(d[0]), float(se[0])) if count else (None, None)
        return WidthChange(hairs=count, mean_um=lone[0], se_um=lone[1], low_um=None, high_um=None, spread_um=None)
    own = robust_mean(d, np.sqrt(np.maximum(se**2 - shared_se_um**2, _LEAST_SE_UM**2)))
    doubt = Z95 * shared_se_um
    return WidthChange(
        hairs=count,
        mean_um=own.mean,
        se_um=hypot(own.sd, shared_se_um),
        low_um=own.mean - hypot(own.mean - own.low, doubt),
        high_um=own.mean + hypot(own.high - own.mean, doubt),
        spread_um=own.spread,
    )


def transitions(before_um: FloatArray, after_um: FloatArray, se_um: FloatArray) -> tuple[Transitions, ...]:
    """Hairs that passed each cut-off.

    Parameters
    ----------
    before_um, after_um, se_um : float arrays, shape (N,)
        Widths at both visits and the standard error of their difference; NaN where not measured.
    """
    sure = is_sure_change(after_um - before_um, se_um)
    out = []
    for cut_off in CUT_OFFS_UM:
        thinner = (before_um >= cut_off) & (after_um < cut_off)
        thicker = (before_um < cut_off) & (after_um >= cut_off)
        out.append(
            Transitions(
                cut_off_um=cut_off,
                miniaturised=int(thinner.sum()),
                miniaturised_sure=int((thinner & sure).sum()),
                recovered=int(thicker.sum()),
                recovered_sure=int((thicker & sure).sum()),
            )
        )
    return tuple(out)


def is_sure_change(change_um: FloatArray | float, se_um: FloatArray | float) -> NDArray[np.bool_]:
    """Whether a hair's change of width is more than the measurement's noise: outside its 95 % interval."""
    return np.asarray(np.abs(change_um) > Z95 * np.asarray(se_um))


def _poisson_limits(count: int) -> tuple[float, float]:
    """Exact 95 % limits of a Poisson mean: those of a density on a unit area of certain scale."""
    limits = hair_density(count, 1.0, 1.0, 0.0)
    return limits.low_per_cm2, limits.high_per_cm2
