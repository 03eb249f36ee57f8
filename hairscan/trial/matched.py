"""Matched change beside unmatched change: how much smaller its spread is, and what that can be worth in subjects."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
import pandas as pd
from scipy import stats

from hairscan.trial.design import Design
from hairscan.trial.groups import has_spread, table_of, visits_of
from hairscan.trial.pairs import make_pairs
from hairscan.types import FloatArray

_SHARE = "subjects_share_if_same_effect"
MATCHED_COLUMNS = (
    *("endpoint", "arm", "visit", "week", "n", "n_unmatched"),
    *("matched_mean", "matched_sd", "unmatched_mean", "unmatched_sd"),
    *("sd_ratio", "sd_ratio_low", "sd_ratio_high", _SHARE, f"{_SHARE}_low", f"{_SHARE}_high"),
    "undecided_share",
)
_ATTENUATED = ("density_per_cm2",)
"""Endpoints whose matched change falls short of the true one, so that a smaller spread saves no subjects."""
WITHIN_ARMS = "within the arms"
BETWEEN_SIDES = "between the sides"


@dataclass(frozen=True, slots=True)
class SdRatio:
    """Ratio of two standard deviations and its interval; NaN where it cannot be told."""

    ratio: float
    low: float
    high: float


def matched_change(matched: pd.DataFrame, observations: pd.DataFrame, design: Design) -> pd.DataFrame:
    """Matched and unmatched change of the same subjects and visits, one row per endpoint, visit and arm.

    Parameters
    ----------
    matched : DataFrame
        As `hairscan.trial.changes.matched_observations` gives it.
    observations : DataFrame
        The tidy table: how many subjects have an unmatched change.

    Returns
    -------
    DataFrame
        `MATCHED_COLUMNS`. One more row tells of the spread that the comparison with the control rests on: within the
        arms or, in a split-scalp trial, of the differences between the sides. `subjects_share_if_same_effect` is the
        share of the subjects that gives the same power where both changes show the same effect: power depends on the
        variance over the number of subjects. It is NaN for density, whose matched change shows less of the effect.
        `undecided_share` is the mean share of hairs that could not be decided; they count as unchanged.
    """
    rows = []
    for cell, at_visit in visits_of(matched):
        seen = observations[(observations["endpoint"] == cell["endpoint"]) & (observations["visit"] == cell["visit"])]
        counted = seen[seen["analysed"].astype(bool) & seen["change"].notna()].groupby("arm")["subject"].nunique()
        of_arms = {arm: _changes(at_visit[at_visit["arm"] == arm]) for arm in design.arms}
        shares = at_visit.groupby("arm")["undecided_share"].mean()
        for arm, changes in of_arms.items():
            known = {"arm": arm, "n_unmatched": counted.get(arm, 0), "undecided_share": shares.get(arm, nan)}
            rows.append(cell | known | _row(changes, [changes], design.alpha))
        if design.layout == "split-scalp":
            differences = _differences(at_visit, str(design.control))
            rows.append(cell | {"arm": BETWEEN_SIDES} | _row(differences, [differences], design.alpha))
        else:
            everyone = np.concatenate(list(of_arms.values()))
            told = _row(everyone, list(of_arms.values()), design.alpha)
            # Over the arms a mean change says nothing.
            rows.append(cell | {"arm": WITHIN_ARMS} | told | {"matched_mean": nan, "unmatched_mean": nan})
    table = table_of(rows, MATCHED_COLUMNS)
    shares = [_SHARE, f"{_SHARE}_low", f"{_SHARE}_high"]
    return table.assign(**{name: table[name].mask(table["endpoint"].isin(_ATTENUATED)) for name in shares})


def sd_ratio(groups: list[FloatArray], alpha: float) -> SdRatio:
    """Standard deviation of the first column over that of the second, within groups, each of shape (N, 2).

    Notes
    -----
    Both are of the same subjects, so the interval is that of correlated variances (Pitman 1939; Morgan 1939): with the
    variance ratio F and the correlation r on f degrees of freedom, the ends are ``F (K -+ sqrt(K^2 - 1))`` with
    ``K = 1 + 2 t^2 (1 - r^2) / (f - 1)`` and t the quantile of Student's t on f - 1.
    """
    residuals = np.concatenate([group - group.mean(axis=0) for group in groups if len(group) > 1] or [np.empty((0, 2))])
    df = sum(len(group) - 1 for group in groups if len(group) > 1)
    if df < 1 or not (has_spread(residuals[:, 0]) and has_spread(residuals[:, 1])):
        return SdRatio(nan, nan, nan)
    (first, both), (_, second) = residuals.T @ residuals
    ratio = first / second
    if df < 2:
        return SdRatio(sqrt(ratio), nan, nan)
    t = float(stats.t.ppf(1 - alpha / 2, df - 1))
    k = 1 + 2 * t**2 * max(1 - both**2 / (first * second), 0.0) / (df - 1)
    wide = k + sqrt(k**2 - 1)
    return SdRatio(sqrt(ratio), sqrt(ratio / wide), sqrt(ratio * wide))


def _changes(rows: pd.DataFrame) -> FloatArray:
    """Matched and unmatched change of every subject, shape (N, 2)."""
    means = rows.groupby("subject")[["change", "unmatched_change"]].mean()
    return np.asarray(means.to_numpy(np.float64)).reshape(-1, 2)


def _differences(rows: pd.DataFrame, control: str) -> FloatArray:
    """Matched and unmatched difference between the sides of every subject, shape (N, 2)."""
    keys = ["subject", "arm"]
    pairs = [
        make_pairs(table, control=control).groupby(keys)["difference"].mean()
        for table in (rows, rows.assign(change=rows["unmatched_change"]))
    ]
    return np.asarray(pd.concat(pairs, axis=1).to_numpy(np.float64)).reshape(-1, 2)


def _row(changes: FloatArray, groups: list[FloatArray], alpha: float) -> dict[str, float]:
    """Means, standard deviations within the groups, and their ratio."""
    df = sum(max(len(group) - 1, 0) for group in groups)
    squares = sum((((group - group.mean(axis=0)) ** 2).sum(axis=0) for group in groups if len(group)), np.zeros(2))
    sds = np.sqrt(squares / df) if df else np.full(2, nan)
    means = changes.mean(axis=0) if len(changes) else np.full(2, nan)
    found = sd_ratio(groups, alpha)
    return {
        "n": len(changes),
        "matched_mean": float(means[0]),
        "matched_sd": float(sds[0]),
        "unmatched_mean": float(means[1]),
        "unmatched_sd": float(sds[1]),
        "sd_ratio": found.ratio,
        "sd_ratio_low": found.low,
        "sd_ratio_high": found.high,
        _SHARE: found.ratio**2,
        f"{_SHARE}_low": found.low**2,
        f"{_SHARE}_high": found.high**2,
    }
