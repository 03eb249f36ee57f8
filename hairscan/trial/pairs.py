"""Split-scalp trials: the two sides of a subject become a difference, and differences are tested."""

from __future__ import annotations

from dataclasses import asdict
from math import nan, sqrt

import numpy as np
import pandas as pd
from scipy import stats

from hairscan.trial.groups import finite, has_spread, mean_of, pair_means, table_of, visits_of
from hairscan.trial.linear import EFFECT_COLUMNS
from hairscan.types import FloatArray

PAIR_COLUMNS = (
    *("endpoint", "subject", "site", "visit", "week", "arm", "control"),
    *("difference", "base_difference", "treated_change", "control_change"),
)
PAIR_EFFECT_COLUMNS = ("endpoint", *EFFECT_COLUMNS)
_EXACT_UP_TO = 50
"""Pairs up to which the signed rank distribution is enumerated; scipy's test changes over there too."""


def make_pairs(observations: pd.DataFrame, *, control: str) -> pd.DataFrame:
    """Treated minus control change of each subject and site after baseline, one row per treated arm.

    Parameters
    ----------
    observations : DataFrame
        The tidy table of a split-scalp trial, the arm differing between the sides of a subject. Sides of one subject
        and site that had the same treatment are averaged.

    Returns
    -------
    DataFrame
        `PAIR_COLUMNS`, in the order of the endpoints in the table, then week, arm and subject. A pair of which one
        change is missing is left out.
    """
    after = observations[observations["analysed"].astype(bool) & ~observations["is_baseline"].astype(bool)]
    return _pair_up(after, control).dropna(subset=["difference"], ignore_index=True)


def started_pairs(observations: pd.DataFrame, *, control: str) -> pd.DataFrame:
    """Every visit, the baseline as well, of each pair whose two sides have a baseline.

    Returns
    -------
    DataFrame
        As `make_pairs`; at the baseline there is no difference, and a visit that lacks a side has no row.
    """
    return _pair_up(observations[observations["base"].notna()], control)


def _pair_up(rows: pd.DataFrame, control: str) -> pd.DataFrame:
    """Rows of both sides side by side, in the order of `make_pairs`."""
    keys = ["endpoint", "subject", "site", "visit", "week"]
    typed = rows.astype({"change": float, "base": float, "week": float})
    sides = typed.groupby([*keys, "arm"], sort=False, as_index=False)[["change", "base"]].mean()
    is_control = sides["arm"] == control
    of_control = sides[is_control].rename(columns={"arm": "control"})
    pairs = sides[~is_control].merge(of_control, on=keys, suffixes=("_treated", "_control"))
    pairs = pairs.rename(columns={"change_treated": "treated_change", "change_control": "control_change"})
    pairs["difference"] = pairs["treated_change"] - pairs["control_change"]
    pairs["base_difference"] = pairs["base_treated"] - pairs["base_control"]
    place = {endpoint: position for position, endpoint in enumerate(rows["endpoint"].unique())}
    ordered = pairs.sort_values(
        ["endpoint", "week", "visit", "arm", "subject", "site"],
        key=lambda column: column.map(place) if column.name == "endpoint" else column,
        ignore_index=True,
    )
    return ordered[list(PAIR_COLUMNS)]


def pair_effects(pairs: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Effects by the paired t test and by the Wilcoxon signed rank test, two rows per visit and treated arm.

    Returns
    -------
    DataFrame
        `PAIR_EFFECT_COLUMNS`; the estimate is the mean difference for the t test and the Hodges-Lehmann pseudo-median
        for the Wilcoxon test. Several sites of a subject are averaged first: a subject is one pair.
    """
    rows = []
    for cell, at_visit in visits_of(pair_means(pairs)):
        for (arm, control), group in at_visit.groupby(["arm", "control"]):
            differences = finite(group["difference"])
            n = differences.size
            head = cell | {"arm": arm, "control": control, "n_arm": n, "n_control": n, "note": ""}
            rows.append(head | {"method": "paired t"} | _paired_t(differences, alpha))
            rows.append(head | {"method": "Wilcoxon signed rank"} | _signed_rank(differences, alpha))
    return table_of(rows, PAIR_EFFECT_COLUMNS)


def hodges_lehmann(differences: FloatArray, alpha: float) -> tuple[float, float, float]:
    """Pseudo-median of the differences, shape (N,), with the interval that belongs to the signed rank test.

    Returns
    -------
    estimate, low, high : float
        The interval is NaN where so few pairs cannot reach the level.

    Notes
    -----
    Median of the Walsh averages ``(d_i + d_j) / 2``, i <= j; the limits are the averages whose rank the signed rank
    distribution gives, enumerated up to 50 pairs, by its normal approximation beyond (Hollander and Wolfe 1999,
    section 3.3). With ties the interval is at least as wide as it need be.
    """
    if differences.size == 0:
        return nan, nan, nan
    first, second = np.triu_indices(differences.size)
    walsh = np.sort((differences[first] + differences[second]) / 2)
    rank = _rank_of_limit(differences.size, alpha)
    low, high = (walsh[rank], walsh[-1 - rank]) if rank >= 0 else (nan, nan)
    return float(np.median(walsh)), float(low), float(high)


def _paired_t(differences: FloatArray, alpha: float) -> dict[str, float | str]:
    """Estimate, interval and p of the mean difference."""
    note = _why_untested(differences)
    if note:
        return {"estimate": mean_of(differences, alpha).mean, "note": note}
    mean = asdict(mean_of(differences, alpha))
    p = float(stats.ttest_1samp(differences, 0.0).pvalue)
    return {"estimate": mean["mean"], **{k: mean[k] for k in ("se", "low", "high")}, "df": mean["n"] - 1, "p": p}


def _signed_rank(differences: FloatArray, alpha: float) -> dict[str, float | str]:
    """Estimate, interval and p of the pseudo-median."""
    estimate, low, high = hodges_lehmann(differences, alpha)
    note = _why_untested(differences)
    if note:
        return {"estimate": estimate, "note": note}
    notes = [] if np.isfinite(low) else [f"{differences.size} pairs are too few for an interval of this level"]
    n_zero = int(np.count_nonzero(differences == 0))
    if n_zero:
        notes.append(f"zero differences left out of the test: {n_zero}")
    p = float(stats.wilcoxon(differences).pvalue)
    return {"estimate": estimate, "low": low, "high": high, "p": p, "note": "; ".join(notes)}


def _why_untested(differences: FloatArray) -> str:
    """Reason why nothing can be tested; empty where it can."""
    if differences.size < 2:
        return "fewer than two pairs"
    return "" if has_spread(differences) else "all differences are equal"


def _rank_of_limit(n: int, alpha: float) -> int:
    """Rank, from 0, of the Walsh average that is the lower limit; -1 where none reaches the level."""
    largest = n * (n + 1) // 2
    if n > _EXACT_UP_TO:
        spread = sqrt(n * (n + 1) * (2 * n + 1) / 24)
        return int(largest / 2 - float(stats.norm.ppf(1 - alpha / 2)) * spread) - 1
    ways = np.zeros(largest + 1)
    ways[0] = 1
    for rank in range(1, n + 1):
        ways[rank:] += ways[:-rank].copy()
    return int(np.searchsorted(np.cumsum(ways) / 2.0**n, alpha / 2, side="right")) - 1
