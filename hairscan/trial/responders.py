"""How many subjects responded, and how much more often under treatment."""

from __future__ import annotations

from dataclasses import asdict
from math import nan
from typing import Literal

import numpy as np
import pandas as pd

from hairscan.trial.design import Responder
from hairscan.trial.detectable import detectable_changes, few_repeats_words
from hairscan.trial.groups import table_of, treated_arms
from hairscan.trial.proportions import Contrast, contrast_of_groups, contrast_of_pairs, number_needed

NO_RESPONSE, LEFT_OUT = "no response", "left out"
RESPONDER_COLUMNS = (
    *(
        "arm",
        "control",
        "missing",
        "n_arm",
        "n_control",
        "responders_arm",
        "responders_control",
        "share_arm",
        "share_control",
    ),
    *("difference", "difference_low", "difference_high", "odds_ratio", "odds_low", "odds_high"),
    *("nnt", "nnt_low", "nnt_high", "p", "least_gain_low", "least_gain_high", "note"),
)


def responders(
    observations: pd.DataFrame,
    rule: Responder,
    errors: pd.DataFrame,
    *,
    control: str,
    alpha: float,
    visit: str,
    layout: Literal["parallel", "split-scalp"],
) -> pd.DataFrame:
    """Responders of each treated arm beside those of the control, two rows per treated arm.

    Parameters
    ----------
    observations : DataFrame
        The tidy table: one row per subject, arm, visit and endpoint.
    rule : Responder
        The gain from baseline that makes a responder.
    errors : DataFrame
        As `hairscan.trial.detectable.errors_of` gives them: a gain below a subject's own minimal detectable change
        never makes a responder, for it may be measurement error; the note says where this raised the threshold.

    Returns
    -------
    DataFrame
        `RESPONDER_COLUMNS`. Of everyone with a baseline (in a split-scalp trial on both sides), the subjects without a
        figure at the visit count as non-responders in the rows whose `missing` is ``no response``, and are left out in
        those where it is ``left out``; so are those without a percentage, as none exists of a baseline of 0. The note
        says how many. `least_gain_low` and `least_gain_high` are the least and the largest gain that was asked of a
        subject in the unit of the endpoint; NaN where only a percentage was.
    """
    started = observations[(observations["endpoint"] == rule.endpoint) & observations["base"].notna()]
    changes = started[(started["visit"] == visit) & started["change"].notna()]
    judged = changes.join(judge_gains(changes, rule, errors))
    measured = judged[judged["is_judged"]]
    arms = sorted({*started["arm"], control})
    has_base = _by_arm(started, "base", arms).notna()
    responded = _by_arm(measured, "responded", arms).reindex(has_base.index)
    counted = {NO_RESPONSE: responded.fillna(0.0).where(has_base), LEFT_OUT: responded}
    if layout == "split-scalp":
        counted = {missing: table.dropna() for missing, table in counted.items()}
    of_zero = _by_arm(judged[~judged["is_judged"]], "base", arms).reindex(has_base.index)
    compared = counted[NO_RESPONSE].reindex(has_base.index).notna()
    rows = []
    for arm in treated_arms(started, control):
        least = measured.loc[measured["arm"].isin([arm, control]), "least_gain"]
        who = [arm, control]
        told = [_raised(least, rule), few_repeats_words(errors)]
        told += _not_judged(
            has_base[who], *(table.where(compared)[who] for table in (responded, of_zero)), compared[who]
        )
        head = {"arm": arm, "control": control, "least_gain_low": least.min(), "least_gain_high": least.max()}
        compare = _compare_sides if layout == "split-scalp" else _compare_arms
        for missing, table in counted.items():
            counts, contrast = compare(table[arm], table[control], alpha)
            rows.append(head | {"missing": missing} | _row(counts, contrast, told))
    return table_of(rows, RESPONDER_COLUMNS)


def _by_arm(rows: pd.DataFrame, name: str, arms: list[str]) -> pd.DataFrame:
    """One column of the rows as a number for every subject and arm; NaN where there is none."""
    numbers = rows.astype({name: float}).pivot_table(index="subject", columns="arm", values=name, aggfunc="first")
    return numbers.reindex(columns=arms)


def judge_gains(observations: pd.DataFrame, rule: Responder, errors: pd.DataFrame) -> pd.DataFrame:
    """Whether each row's change makes a responder: columns least_gain, is_judged, responded, in the rows' own order.

    `least_gain` is the gain that was asked for in the unit of the endpoint, NaN where only a percentage was. A row
    without a change, or without the percentage that the rule is about, is not judged.
    """
    change, base = observations["change"].astype(float), observations["base"].astype(float)
    least = np.fmax(detectable_changes(observations, errors), nan if rule.change is None else rule.change)
    measured, responded = change.notna(), ~(change < least)
    if rule.percent is not None:
        percent_change = 100 * change / base.where(base != 0)
        measured &= percent_change.notna()
        responded &= percent_change >= rule.percent
    return pd.DataFrame({"least_gain": least, "is_judged": measured, "responded": responded & measured})


def _compare_arms(treated: pd.Series, untreated: pd.Series, alpha: float) -> tuple[dict[str, int], Contrast]:
    """Counts and contrast of two separate groups of subjects, NaN for those of another group."""
    counts = _counts(treated.dropna(), untreated.dropna())
    k, n, k_control, n_control = (
        counts[name] for name in ("responders_arm", "n_arm", "responders_control", "n_control")
    )
    return counts, contrast_of_groups(k, n, k_control, n_control, alpha)


def _compare_sides(treated: pd.Series, untreated: pd.Series, alpha: float) -> tuple[dict[str, int], Contrast]:
    """Counts and contrast of the two sides of the same subjects."""
    counts = _counts(treated, untreated)
    both = int((treated * untreated).sum())
    treated_only, control_only = counts["responders_arm"] - both, counts["responders_control"] - both
    neither = len(treated) - both - treated_only - control_only
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


def _raised(least_gain: pd.Series, rule: Responder) -> str:
    """What the minimal detectable change did to the threshold; empty where nothing."""
    low, high = least_gain.min(), least_gain.max()
    if not high > (rule.change or 0.0):
        return ""
    asked = f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
    if rule.change is None:
        return f"a responder also gained at least the minimal detectable change, {asked}"
    return f"threshold raised from {rule.change:.4g} to the minimal detectable change of the subject: {asked}"


def _not_judged(
    has_base: pd.DataFrame, responded: pd.DataFrame, of_zero: pd.DataFrame, compared: pd.DataFrame
) -> list[str]:
    """Why and how many subjects with a baseline have no judgement of their own, each count by arm."""
    n_compared, n_zero = compared.sum(), of_zero.count()
    reasons = {
        "no baseline on the other side": has_base.sum() - n_compared,
        "no figure at this visit": n_compared - responded.count() - n_zero,
        "no percentage of a baseline of 0 exists": n_zero,
    }
    words = {why: ", ".join(f"{n} of {arm}" for arm, n in numbers.items() if n) for why, numbers in reasons.items()}
    return [f"{why}: {numbers}" for why, numbers in words.items() if numbers]
