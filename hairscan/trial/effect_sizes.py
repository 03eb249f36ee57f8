"""Effects without a unit, with intervals: Hedges' g, Cliff's delta of two arms and the dominance of pairs."""

from __future__ import annotations

from collections.abc import Iterator
from math import nan, sqrt
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special, stats

from hairscan.trial.groups import finite, has_spread, pair_means, subject_means, table_of, treated_arms, visits_of
from hairscan.types import FloatArray

EFFECT_SIZE_COLUMNS = (
    *("endpoint", "visit", "week", "arm", "control", "n_arm", "n_control"),
    *("hedges_g", "g_low", "g_high", "cliffs_delta", "delta_low", "delta_high"),
    *("dominance_of_pairs", "dominance_low", "dominance_high"),
)
_G, _DELTA, _DOMINANCE = (EFFECT_SIZE_COLUMNS[first : first + 3] for first in (7, 10, 13))
Interval = tuple[float, float, float]
"""Estimate, low, high."""
_NONE: Interval = (nan, nan, nan)


def effect_sizes(
    table: pd.DataFrame, *, control: str, alpha: float, layout: Literal["parallel", "split-scalp"]
) -> pd.DataFrame:
    """Effect sizes of the change from baseline at every later visit, one row per treated arm.

    Parameters
    ----------
    table : DataFrame
        Observations of a parallel trial; pairs of a split-scalp one.

    Returns
    -------
    DataFrame
        `EFFECT_SIZE_COLUMNS`. Between arms: `hedges_g` and `cliffs_delta`; between sides: `hedges_g_of_pairs`, on the
        scale of the former, and `dominance_of_pairs`, which is no Cliff's delta. What a layout does not have is NaN.
    """
    rows = []
    for head, treated, untreated in _pairs(table) if layout == "split-scalp" else _arms(table, control):
        if layout == "split-scalp":
            names, g = (*_G, *_DOMINANCE), hedges_g_of_pairs(treated, untreated, alpha)
            ahead = dominance_of_pairs(treated - untreated, alpha)
        else:
            names, g = (*_G, *_DELTA), hedges_g(treated, untreated, alpha)
            ahead = cliffs_delta(treated, untreated, alpha)
        figures = dict(zip(names, (*g, *ahead), strict=True))
        rows.append(head | {"n_arm": treated.size, "n_control": untreated.size} | figures)
    return table_of(rows, EFFECT_SIZE_COLUMNS)


def hedges_g(treated: FloatArray, untreated: FloatArray, alpha: float) -> Interval:
    """Standardised mean difference of two groups, shapes (N,) and (M,), corrected for small samples.

    NaN below two values in a group or without spread.

    Notes
    -----
    Difference over the pooled SD, times Hedges' correction ``J(n + m - 2)``; the interval is normal with the variance
    ``J^2 ((n + m) / (n m) + d^2 / (2 (n + m)))`` (Borenstein et al. 2009, equations 4.18 to 4.24), so that a
    meta-analysis gets its variance back from the interval.
    """
    n, m = treated.size, untreated.size
    if min(n, m) < 2 or not (has_spread(treated) or has_spread(untreated)):
        return _NONE
    pooled = sqrt(((n - 1) * treated.var(ddof=1) + (m - 1) * untreated.var(ddof=1)) / (n + m - 2))
    d = float(treated.mean() - untreated.mean()) / pooled
    half = float(stats.norm.ppf(1 - alpha / 2)) * sqrt((n + m) / (n * m) + d**2 / (2 * (n + m)))
    correction = _correction(n + m - 2)
    return correction * d, correction * (d - half), correction * (d + half)


def hedges_g_of_pairs(treated: FloatArray, untreated: FloatArray, alpha: float) -> Interval:
    """Standardised mean difference of paired changes, both of shape (N,), on the scale of two separate groups.

    NaN below three pairs or without spread.

    Notes
    -----
    The difference is divided by the SD of the changes, averaged over both sides (g_av), not by the SD of the
    differences (d_z), which grows with their correlation and cannot be pooled with parallel trials; Hedges' correction
    is ``J(n - 1)`` (Borenstein et al. 2009, equations 4.26 to 4.30). The interval is Bonett's (2008), around the
    uncorrected difference: that of Borenstein et al. holds the truth too seldom once the sides correlate.
    """
    n = treated.size
    if n < 3 or not (has_spread(treated) or has_spread(untreated)):
        return _NONE
    (of_treated, shared), (_, of_untreated) = np.cov(treated, untreated).tolist()
    average = (of_treated + of_untreated) / 2
    d = float(treated.mean() - untreated.mean()) / sqrt(average)
    of_sd = d**2 * (of_treated**2 + of_untreated**2 + 2 * shared**2) / (8 * average**2)
    of_mean = max(of_treated + of_untreated - 2 * shared, 0.0) / average
    half = float(stats.norm.ppf(1 - alpha / 2)) * sqrt((of_sd + of_mean) / (n - 1))
    return _correction(n - 1) * d, d - half, d + half


def cliffs_delta(treated: FloatArray, untreated: FloatArray, alpha: float) -> Interval:
    """Chance that a treated value is the larger minus that it is the smaller, of groups of shapes (N,) and (M,).

    NaN below two values in a group.

    Notes
    -----
    Cliff's (1993) unbiased variance, at least ``(1 - d^2) / (n m - 1)``, and the asymmetric interval of Feng and Cliff
    (2004) with Student's t.
    """
    n, m = treated.size, untreated.size
    if min(n, m) < 2:
        return _NONE
    above = np.sign(treated[:, None] - untreated[None, :])
    delta = float(above.mean())
    of_rows, of_columns, of_cells = (
        float(np.sum((means - delta) ** 2)) for means in (above.mean(axis=1), above.mean(axis=0), above)
    )
    variance = (m**2 * of_rows + n**2 * of_columns - of_cells) / (n * m * (n - 1) * (m - 1))
    floor = (1 - delta**2) / (n * m - 1)
    return _bounded(delta, max(variance, floor), min(n, m), n + m - 2, alpha)


def dominance_of_pairs(differences: FloatArray, alpha: float) -> Interval:
    """Share of pairs in which the treated side is ahead minus the share in which it is behind, shape (N,).

    NaN below two pairs.

    Notes
    -----
    Cliff's (1996) within-pair delta, which grows with the correlation of the sides as the delta of two groups does not:
    the two are not to be set side by side. Variance of the mean of the signs, interval as in `cliffs_delta`.
    """
    n = differences.size
    if n < 2:
        return _NONE
    signs = np.sign(differences)
    return _bounded(float(signs.mean()), float(signs.var(ddof=1)) / n, n, n - 1, alpha)


def _arms(observations: pd.DataFrame, control: str) -> Iterator[tuple[dict[str, object], FloatArray, FloatArray]]:
    """Changes of each treated arm and of the control at each visit after baseline."""
    means = subject_means(observations)
    for cell, at_visit in visits_of(means[~means["is_baseline"]]):
        changes = {arm: finite(at_visit.loc[at_visit["arm"] == arm, "change"]) for arm in {*means["arm"], control}}
        for arm in treated_arms(means, control):
            yield cell | {"arm": arm, "control": control}, changes[arm], changes[control]


def _pairs(pairs: pd.DataFrame) -> Iterator[tuple[dict[str, object], FloatArray, FloatArray]]:
    """Changes of the two sides at each visit."""
    for cell, at_visit in visits_of(pair_means(pairs)):
        for (arm, control), group in at_visit.groupby(["arm", "control"]):
            whole = group.dropna(subset=["treated_change", "control_change"])
            head = cell | {"arm": arm, "control": control}
            yield head, finite(whole["treated_change"]), finite(whole["control_change"])


def _correction(df: int) -> float:
    """Hedges' (1981) correction J of a standardised difference."""
    return float(np.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2))) / sqrt(df / 2)


def _bounded(delta: float, variance: float, n: int, df: int, alpha: float) -> Interval:
    """Delta with its asymmetric interval; n is the smaller group."""
    t2 = float(stats.t.ppf(1 - alpha / 2, df)) ** 2
    if abs(delta) == 1:
        # no variance is left to go by: the limit of Feng and Cliff (2004) for groups that do not overlap
        inner = (n - t2) / (n + t2)
        return (1.0, inner, 1.0) if delta > 0 else (-1.0, -1.0, -inner)
    if variance == 0:
        return delta, nan, nan
    scale = 1 - delta**2 + t2 * variance
    half = sqrt(t2 * variance * ((1 - delta**2) ** 2 + t2 * variance))
    return delta, (delta - delta**3 - half) / scale, (delta - delta**3 + half) / scale
