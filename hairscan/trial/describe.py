"""Numbers a meta-analysis needs, per endpoint, arm and visit."""

from __future__ import annotations

from dataclasses import asdict
from math import nan

import numpy as np
import pandas as pd

from hairscan.trial.groups import correlation, finite, mean_of, pair_means, subject_means, table_of, visits_of
from hairscan.types import FloatArray

DESCRIBE_COLUMNS = (
    *("endpoint", "arm", "visit", "week", "n", "mean", "sd", "median", "q1", "q3", "low", "high"),
    *("n_change", "change_mean", "change_sd", "change_median", "change_q1", "change_q3", "change_low", "change_high"),
    *("percent_change_mean", "percent_change_sd", "correlation", "area_cm2_mean"),
)
DESCRIBE_PAIRS_COLUMNS = (
    *("endpoint", "visit", "week", "arm", "control", "n_pairs"),
    *("difference_mean", "difference_sd", "difference_low", "difference_high", "correlation"),
)


def describe(observations: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Values, changes and percent changes of every arm at every visit, one row each.

    Parameters
    ----------
    observations : DataFrame
        The tidy table of the trial.
    alpha : float
        The intervals hold the mean with a probability of ``1 - alpha``, by Student's t.

    Returns
    -------
    DataFrame
        `DESCRIBE_COLUMNS`: ``correlation`` is Pearson's between baseline and visit. A baseline has no change; a base
        of zero has no percentage; NaN where there is nothing to tell, as for the SD of a single subject.

    Notes
    -----
    Quartiles interpolate linearly (type 7 of Hyndman and Fan 1996). Percentages are described because trials quote
    them, never tested (Vickers 2001).
    """
    rows = []
    for cell, at_visit in visits_of(subject_means(observations)):
        for arm, group in at_visit.groupby("arm"):
            rows.append(cell | {"arm": arm} | _describe_arm(group, alpha))
    return table_of(rows, DESCRIBE_COLUMNS)


def describe_pairs(pairs: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Differences between the two sides of a subject at every visit, one row per treated arm.

    Returns
    -------
    DataFrame
        `DESCRIBE_PAIRS_COLUMNS`: ``correlation`` is Pearson's between the changes of the two sides.
    """
    rows = []
    for cell, at_visit in visits_of(pair_means(pairs)):
        for (arm, control), group in at_visit.groupby(["arm", "control"]):
            mean = mean_of(finite(group["difference"]), alpha)
            rows.append(
                cell
                | {"arm": arm, "control": control, "n_pairs": mean.n}
                | {f"difference_{name}": getattr(mean, name) for name in ("mean", "sd", "low", "high")}
                | {"correlation": correlation(group["treated_change"], group["control_change"])}
            )
    return table_of(rows, DESCRIBE_PAIRS_COLUMNS)


def _describe_arm(group: pd.DataFrame, alpha: float) -> dict[str, float]:
    """Columns of one arm at one visit but for its names."""
    after = group[~group["is_baseline"]]
    changes = _location(finite(after["change"]), alpha)
    percent = mean_of(finite(after["percent_change"]), alpha)
    return {
        **_location(finite(group["value"]), alpha),
        "n_change": changes.pop("n"),
        **{f"change_{name}": figure for name, figure in changes.items()},
        "percent_change_mean": percent.mean,
        "percent_change_sd": percent.sd,
        "correlation": correlation(after["base"], after["value"]),
        "area_cm2_mean": mean_of(finite(group["area_cm2"]), alpha).mean,
    }


def _location(values: FloatArray, alpha: float) -> dict[str, float]:
    """Mean with its interval, SD, median and quartiles by name."""
    q1, median, q3 = np.percentile(values, (25, 50, 75)).tolist() if values.size else (nan, nan, nan)
    return asdict(mean_of(values, alpha)) | {"median": median, "q1": q1, "q3": q3}
