"""Subjects that the next trial needs, from the spread just measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan, sqrt
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.power import TTestIndPower, TTestPower

from hairscan.trial.groups import table_of

_SPREAD_COLUMNS = ("endpoint", "visit", "layout", "sd")
SAMPLE_SIZE_COLUMNS = ("endpoint", "visit", "layout", "sd", "difference", "power", "n_per_arm")


def sample_sizes(
    spreads: pd.DataFrame,
    *,
    alpha: float,
    power: Sequence[float] = (0.8, 0.9),
    differences: Mapping[str, Sequence[float]],
) -> pd.DataFrame:
    """Subjects per arm, or pairs, that show each difference with each power, one row per endpoint and visit.

    Parameters
    ----------
    spreads : DataFrame
        The table of `describe` (a parallel trial: SD of the change, pooled over the arms), of `describe_pairs` (a
        split-scalp trial: SD of the difference), or ``endpoint, visit, layout, sd``.
    differences : mapping of str to sequence of float
        Differences worth showing by endpoint, in its unit; other endpoints get no row.

    Returns
    -------
    DataFrame
        `SAMPLE_SIZE_COLUMNS`; ``n_per_arm`` is the number of pairs of a split-scalp trial, as each has one side in
        each arm. Drop-outs are not provided for. A visit without an SD has no row.
    """
    rows = []
    table = _by_visit(spreads)
    for endpoint, visit, layout, sd in zip(*(table[name].tolist() for name in _SPREAD_COLUMNS), strict=True):
        for difference in differences.get(endpoint, ()):
            for wanted in power:
                n = subjects_needed(difference / sd, alpha, wanted, layout) if sd > 0 else nan
                figures = (endpoint, visit, layout, sd, difference, wanted, n)
                rows.append(dict(zip(SAMPLE_SIZE_COLUMNS, figures, strict=True)))
    return table_of(rows, SAMPLE_SIZE_COLUMNS)


def subjects_needed(
    effect: float, alpha: float, power: float, layout: Literal["parallel", "split-scalp"]
) -> int | float:
    """Smallest number of subjects per arm, or of pairs, whose two-sided t test has the power; NaN for no effect.

    Parameters
    ----------
    effect : float
        Difference over the SD.

    Notes
    -----
    Power of the noncentral t distribution, by statsmodels; the search starts at the normal approximation
    ``2 (z_(1 - alpha / 2) + z_power)^2 / effect^2`` (without the 2 for pairs), which is never too large.
    """
    if effect == 0 or not np.isfinite(effect):
        return nan
    groups = 2 if layout == "parallel" else 1
    normal = groups * float(stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)) ** 2 / effect**2
    test = TTestIndPower() if layout == "parallel" else TTestPower()
    n = max(2, int(normal))
    while test.power(abs(effect), n, alpha) < power:
        n += 1
    return n


def _by_visit(spreads: pd.DataFrame) -> pd.DataFrame:
    """``endpoint, visit, layout, sd``: the SDs of the arms pooled by degrees of freedom."""
    if "layout" in spreads:
        return spreads
    layout, sd, n = (
        ("split-scalp", "difference_sd", "n_pairs") if "n_pairs" in spreads else ("parallel", "change_sd", "n_change")
    )
    rows = []
    for (endpoint, visit), arms in spreads.dropna(subset=[sd]).groupby(["endpoint", "visit"], sort=False):
        df = arms[n] - 1
        pooled = sqrt(float((arms[sd] ** 2 * df).sum() / df.sum()))
        rows.append({"endpoint": endpoint, "visit": visit, "layout": layout, "sd": pooled})
    return table_of(rows, _SPREAD_COLUMNS)
