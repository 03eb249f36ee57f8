"""Share of growing hairs and their rate, with intervals."""

from __future__ import annotations

from math import hypot, sqrt

import numpy as np
from scipy.special import bdtr, stdtrit

from hairscan.endpoints.density import Z95
from hairscan.files import Record
from hairscan.types import FloatArray


class Share(Record):
    """Anagen hairs as a share of the decided ones; None where none was decided.

    Attributes
    ----------
    low, high : float or None
        95 % interval for the chance of the decided hairs alone.
    low_if_undecided_telogen, high_if_undecided_anagen : float or None
        The same ends if every undecided hair were telogen, or anagen: however the undecided differ from the decided.
    """

    value: float | None
    low: float | None
    high: float | None
    low_if_undecided_telogen: float | None
    high_if_undecided_anagen: float | None


class Estimate(Record):
    """A growth rate over hairs and the ends of its 95 % interval; None where it cannot be told."""

    hairs: int
    um_per_day: float | None
    low_um_per_day: float | None
    high_um_per_day: float | None


def anagen_share(anagen: int, telogen: int, undecided: int) -> Share:
    """Share of anagen hairs, with the interval of Wilson (1927) and what the undecided hairs make of it.

    The doubt of the scale is not in it: of a rate at the threshold it is a share, 1 % of 100 um/day, which is less than
    the error of one hair's rate, and a hair so near the threshold is undecided.

    Examples
    --------
    >>> share = anagen_share(17, 3, 5)
    >>> round(share.value, 2), round(share.low, 2), round(share.high, 2)
    (0.85, 0.64, 0.95)
    """
    decided, every = anagen + telogen, anagen + telogen + undecided
    low, high = _wilson(anagen, decided)
    return Share(
        value=anagen / decided if decided else None,
        low=low,
        high=high,
        low_if_undecided_telogen=_wilson(anagen, every)[0],
        high_if_undecided_anagen=_wilson(anagen + undecided, every)[1],
    )


def mean_rate(rates_um_per_day: FloatArray, um_per_px_sd_share: float, enlargement_se_um_per_day: float) -> Estimate:
    """Mean rate with the interval of Student's t, widened by the doubt of the scale and of the enlargement.

    Parameters
    ----------
    um_per_px_sd_share : float
        Relative standard deviation of the scale.
    enlargement_se_um_per_day : float
        Standard error of the rates that comes from how much larger one photograph shows the skin than the other.

    Notes
    -----
    Both lengths of every hair are measured with the one scale of the baseline: its error is a share of every rate. The
    lengths in the second photograph are measured by the one registration, too. No number of hairs makes these smaller.
    """
    count, ends = len(rates_um_per_day), None
    mean = float(rates_um_per_day.mean()) if count else None
    if mean is not None and count > 1:
        half = float(stdtrit(count - 1, 0.975)) * float(rates_um_per_day.std(ddof=1)) / sqrt(count)
        ends = (mean - half, mean + half)
    return _estimate(count, mean, ends, um_per_px_sd_share, enlargement_se_um_per_day)


def median_rate(rates_um_per_day: FloatArray, um_per_px_sd_share: float, enlargement_se_um_per_day: float) -> Estimate:
    """Median rate with the interval of the sign test, widened as that of `mean_rate`; none below 6 hairs.

    The sign test takes order statistics and needs no assumption.
    """
    count, ordered = len(rates_um_per_day), np.sort(rates_um_per_day)
    below = [k for k in range(count // 2) if float(bdtr(k, count, 0.5)) <= 0.025]
    ends = (float(ordered[below[-1]]), float(ordered[-1 - below[-1]])) if below else None
    median = float(np.median(ordered)) if count else None
    return _estimate(count, median, ends, um_per_px_sd_share, enlargement_se_um_per_day)


def _estimate(
    count: int,
    value: float | None,
    ends: tuple[float, float] | None,
    um_per_px_sd_share: float,
    enlargement_se_um_per_day: float,
) -> Estimate:
    """Estimate whose interval holds the chance of the hairs and, independent of it, what all of them share."""
    if value is None or ends is None:
        return Estimate(hairs=count, um_per_day=value, low_um_per_day=None, high_um_per_day=None)
    doubt = Z95 * hypot(um_per_px_sd_share * value, enlargement_se_um_per_day)
    below, above = (hypot(end - value, doubt) for end in ends)
    return Estimate(hairs=count, um_per_day=value, low_um_per_day=value - below, high_um_per_day=value + above)


def _wilson(hits: int, trials: int) -> tuple[float | None, float | None]:
    """Ends of Wilson's 95 % interval of a share."""
    if not trials:
        return None, None
    share, z2 = hits / trials, Z95**2
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z95 * sqrt(share * (1 - share) / trials + z2 / (4 * trials**2)) / (1 + z2 / trials)
    return max(middle - half, 0.0), min(middle + half, 1.0)
