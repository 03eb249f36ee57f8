"""The rows of the tidy tables, one per unit of analysis, visit by visit, and the arithmetic they share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
import pandas as pd
from scipy import stats

from hairscan.types import FloatArray

_VALUES = ["value", "base", "change", "area_cm2"]
_DIFFERENCES = ["difference", "base_difference", "treated_change", "control_change"]
EQUAL = 1e-12
"""Values that differ by less than this share of the largest are equal: what is left is rounding."""


_TEXT = ("endpoint", "subject", "site", "visit", "arm", "control", "method", "kind", "layout", "missing", "note")


@dataclass(frozen=True, slots=True)
class Mean:
    """Mean with its t interval; NaN where it cannot be told."""

    n: int
    mean: float
    sd: float
    se: float
    low: float
    high: float


def subject_means(observations: pd.DataFrame) -> pd.DataFrame:
    """Analysed values, one row per endpoint, visit, arm and subject.

    Several rows of one subject in one arm (sites, sides) are averaged, so that a subject counts once in an arm.

    Returns
    -------
    DataFrame
        ``endpoint, visit, week, arm, subject, value, base, change, area_cm2, is_baseline, percent_change``; the
        percentage is that of the averaged change, NaN for a base of zero.
    """
    keys = ["endpoint", "visit", "week", "arm", "subject"]
    analysed = observations[observations["analysed"].astype(bool)]
    typed = analysed.astype({**dict.fromkeys(_VALUES, float), "week": float, "is_baseline": bool})
    means = typed.groupby(keys, sort=False, as_index=False).agg(
        {**dict.fromkeys(_VALUES, "mean"), "is_baseline": "first"}
    )
    means["percent_change"] = 100 * means["change"] / means["base"].where(means["base"] != 0)
    return means


def pair_means(pairs: pd.DataFrame) -> pd.DataFrame:
    """Differences, one row per endpoint, visit, two arms and subject; those of several sites are averaged."""
    keys = ["endpoint", "visit", "week", "arm", "control", "subject"]
    typed = pairs.astype({**dict.fromkeys(_DIFFERENCES, float), "week": float})
    return typed.groupby(keys, sort=False, as_index=False)[_DIFFERENCES].mean()


def table_of(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> pd.DataFrame:
    """Rows as a table of exactly these columns; what a row lacks is NaN, and all but names and notes is a number."""
    table = pd.DataFrame(rows, columns=list(columns))
    # a column that every row lacks has no type of its own
    untyped = [name for name in columns if name not in _TEXT and table[name].dtype == object]
    return table.astype(dict.fromkeys(untyped, float))


def visits_of(rows: pd.DataFrame) -> Iterator[tuple[dict[str, object], pd.DataFrame]]:
    """Each endpoint's visits with their rows: endpoints in the order of the table, visits by week."""
    for endpoint, of_endpoint in rows.groupby("endpoint", sort=False):
        for (week, visit), at_visit in of_endpoint.groupby(["week", "visit"]):
            yield {"endpoint": endpoint, "visit": visit, "week": week}, at_visit


def treated_arms(means: pd.DataFrame, control: str | None) -> list[str]:
    """Arms other than the control, in alphabetical order."""
    return sorted(set(means["arm"]) - {control})


def finite(column: pd.Series) -> FloatArray:
    """Values that could be measured, shape (N,)."""
    values = column.to_numpy(np.float64)
    return np.asarray(values[np.isfinite(values)])


def has_spread(values: FloatArray) -> bool:
    """Whether the values, shape (N,), differ by more than rounding."""
    return bool(values.size > 1 and np.ptp(values) > EQUAL * np.abs(values).max())


def mean_of(values: FloatArray, alpha: float) -> Mean:
    """Mean, SD and t interval of the values, shape (N,); no SD and no interval from a single one."""
    n = values.size
    if n < 2:
        return Mean(n, float(values[0]) if n else nan, nan, nan, nan, nan)
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    se = sd / sqrt(n)
    half = float(stats.t.ppf(1 - alpha / 2, n - 1)) * se
    return Mean(n, mean, sd, se, mean - half, mean + half)


def correlation(first: pd.Series, second: pd.Series) -> float:
    """Pearson's correlation of the rows that have both; NaN below three of them or without spread."""
    both = np.column_stack([first.to_numpy(np.float64), second.to_numpy(np.float64)])
    both = both[np.isfinite(both).all(axis=1)]
    if len(both) < 3 or not (has_spread(both[:, 0]) and has_spread(both[:, 1])):
        return nan
    return float(np.corrcoef(both.T)[0, 1])
