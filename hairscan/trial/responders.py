"""How many subjects responded, and how much more often under treatment."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite, nan
from typing import Literal

import numpy as np
import pandas as pd

from hairscan.trial.groups import subject_means, table_of, treated_arms
from hairscan.trial.proportions import Contrast, contrast_of_groups, contrast_of_pairs, number_needed

RESPONDER_COLUMNS = (
    *("arm", "control", "n_arm", "n_control", "responders_arm", "responders_control", "share_arm", "share_control"),
    *("difference", "difference_low", "difference_high", "odds_ratio", "odds_low", "odds_high"),
    *("nnt", "nnt_low", "nnt_high", "p", "least_gain_low", "least_gain_high", "note"),
)


def responders(
    observations: pd.DataFrame,
    *,
    control: str,
    alpha: float,
    endpoint: str,
    visit: str,
    threshold: float,
    is_percent: bool,
    layout: Literal["parallel", "split-scalp"],
    mdc95: float = nan,
) -> pd.DataFrame:
    """Responders of each treated arm beside those of the control, one row per treated arm.

    Parameters
    ----------
    threshold : float
        A gain from baseline of at least this makes a responder, in the unit of the endpoint or in percent.
    mdc95 : float
        Minimal detectable change in the unit of the endpoint; NaN where it is not known. A smaller gain never makes a
        responder, for it may be measurement error; the note says where this raised the threshold.

    Returns
    -------
    DataFrame
        `RESPONDER_COLUMNS`. Subjects without a figure at the visit, or in a split-scalp trial without one on both
        sides, are left out and their number is in the note; so are those without a percentage, as none exists of a
        baseline of 0. `least_gain_low` and `least_gain_high` are the least and the largest gain that was asked of a
        subject in the unit of the endpoint; NaN where only a percentage was.
    """
    of_endpoint = subject_means(observations[observations["endpoint"] == endpoint])
    changes = of_endpoint[of_endpoint["visit"] == visit]
    measured = changes.dropna(subset=["percent_change" if is_percent else "change"])
    responded = measured["percent_change" if is_percent else "change"] >= threshold
    if isfinite(mdc95):
        responded &= measured["change"] >= mdc95
    table = measured.assign(responded=responded).pivot_table(
        index="subject", columns="arm", values="responded", aggfunc="first"
    )
    table = table.reindex(columns=sorted({*of_endpoint["arm"], control}))
    without_percentage = changes[changes["change"].notna() & changes["percent_change"].isna() & is_percent]
    of_zero = of_endpoint[of_endpoint["subject"].isin(without_percentage["subject"])]
    everyone, n_zero = (some.groupby("arm")["subject"].nunique() for some in (of_endpoint, of_zero))
    raised = _raised(threshold, mdc95, is_percent)
    least = float(np.fmax(nan if is_percent else threshold, mdc95))
    rows = []
    for arm in treated_arms(of_endpoint, control):
        if layout == "split-scalp":
            counts, contrast = _compare_sides(table[[arm, control]].dropna(), alpha)
        else:
            counts, contrast = _compare_arms(table[arm].dropna(), table[control].dropna(), alpha)
        told = {arm: counts["n_arm"], control: counts["n_control"]}
        notes = [raised, *_left_out(told, everyone, n_zero)]
        asked = {"least_gain_low": least, "least_gain_high": least}
        rows.append({"arm": arm, "control": control} | asked | _row(counts, contrast, notes))
    return table_of(rows, RESPONDER_COLUMNS)


def _compare_arms(treated: pd.Series, untreated: pd.Series, alpha: float) -> tuple[dict[str, int], Contrast]:
    """Counts and contrast of two separate groups of subjects."""
    counts = _counts(treated, untreated)
    k, n, k_control, n_control = (
        counts[name] for name in ("responders_arm", "n_arm", "responders_control", "n_control")
    )
    return counts, contrast_of_groups(k, n, k_control, n_control, alpha)


def _compare_sides(sides: pd.DataFrame, alpha: float) -> tuple[dict[str, int], Contrast]:
    """Counts and contrast of the two sides of the same subjects."""
    treated, untreated = (sides.iloc[:, side].astype(bool) for side in (0, 1))
    counts = _counts(treated, untreated)
    both = int((treated & untreated).sum())
    treated_only, control_only = counts["responders_arm"] - both, counts["responders_control"] - both
    neither = len(sides) - both - treated_only - control_only
    return counts, contrast_of_pairs(both, treated_only, control_only, neither, alpha)


def _counts(treated: pd.Series, untreated: pd.Series) -> dict[str, int]:
    """Subjects and responders of both groups."""
    return {
        "n_arm": len(treated),
        "n_control": len(untreated),
        "responders_arm": int(treated.sum()),
        "responders_control": int(untreated.sum()),
    }


def _row(counts: dict[str, int], contrast: Contrast, notes: list[str]) -> dict[str, object]:
    """Columns of one comparison but for the names of its arms."""
    needed = number_needed(contrast.difference, contrast.difference_low, contrast.difference_high)
    shares = {
        f"share_{side}": counts[f"responders_{side}"] / counts[f"n_{side}"] if counts[f"n_{side}"] else nan
        for side in ("arm", "control")
    }
    said = "; ".join(note for note in (*notes, contrast.note, needed.note) if note)
    return {**counts, **shares, **asdict(contrast), **asdict(needed), "note": said}


def _raised(threshold: float, mdc95: float, is_percent: bool) -> str:
    """What the minimal detectable change does to the threshold; empty where nothing."""
    if not isfinite(mdc95) or (not is_percent and threshold >= mdc95):
        return ""
    if is_percent:
        return f"a responder also gained at least the minimal detectable change, {mdc95:.4g}"
    return f"threshold raised from {threshold:.4g} to the minimal detectable change, {mdc95:.4g}"


def _left_out(told: dict[str, int], everyone: pd.Series, of_zero: pd.Series) -> list[str]:
    """Why and how many subjects of each arm are not among those told of."""
    zero = {arm: of_zero.get(arm, 0) for arm in told}
    absent = {arm: everyone.get(arm, 0) - n - zero[arm] for arm, n in told.items()}
    reasons = {"no figure at this visit": absent, "no percentage of a baseline of 0 exists": zero}
    words = {why: ", ".join(f"{n} of {arm}" for arm, n in numbers.items() if n) for why, numbers in reasons.items()}
    return [f"{why}: {numbers}" for why, numbers in words.items() if numbers]
