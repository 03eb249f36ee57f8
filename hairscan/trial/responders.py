"""How many subjects responded, and how much more often under treatment."""

from __future__ import annotations

from dataclasses import asdict
from math import nan
from typing import Literal

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from hairscan.trial.design import Responder
from hairscan.trial.detectable import detectable_changes, few_repeats_words
from hairscan.trial.groups import table_of, treated_arms
from hairscan.trial.proportions import Contrast, contrast_of_groups, contrast_of_pairs, number_needed

NO_RESPONSE, LEFT_OUT = "no response", "left out"
RESPONDER_COLUMNS = (
    *("arm", "control", "missing", "n_arm", "n_control", "responders_arm", "responders_control"),
    *("share_arm", "share_arm_low", "share_arm_high", "share_control", "share_control_low", "share_control_high"),
    *("difference", "difference_low", "difference_high", "odds_ratio", "odds_low", "odds_high"),
    *("nnt", "nnt_low", "nnt_high", "p", "least_gain_low", "least_gain_high", "note"),
)


def responders(
    observations: pd.DataFrame,
    rule: Responder,
    errors: pd.DataFrame,
    *,
    control: str | None,
    alpha: float,
    visit: str,
    layout: Literal["parallel", "split-scalp"],
) -> pd.DataFrame:
    """Responders of each treated arm beside those of the control, two rows per treated arm; alone without a control.

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
        says how many. Shares have Wilson's intervals; without a control there is no contrast. `least_gain_low` and
        `least_gain_high` are the least and the largest gain that was asked of a subject in the unit of the endpoint;
        NaN where only a percentage was.
    """
    started = observations[(observations["endpoint"] == rule.endpoint) & observations["base"].notna()]
    changes = started[(started["visit"] == visit) & started["change"].notna()]
    judged = changes.join(judge_gains(changes, rule, errors))
    measured = judged[judged["is_judged"]]
    arms = sorted({*started["arm"]} | ({control} if control else set()))
    has_base = _by_arm(started, "base", arms).notna()
    responded = _by_arm(measured, "responded", arms).reindex(has_base.index)
    counted = {NO_RESPONSE: responded.fillna(0.0).where(has_base), LEFT_OUT: responded}
    if layout == "split-scalp":
        counted = {missing: table.dropna() for missing, table in counted.items()}
    of_zero = _by_arm(judged[~judged["is_judged"]], "base", arms).reindex(has_base.index)
    compared = counted[NO_RESPONSE].reindex(has_base.index).notna()
    rows = []
    for arm in treated_arms(started, control):
        who = [arm, control] if control else [arm]
        least = measured.loc[measured["arm"].isin(who), "least_gain"]
        told = [_raised(least, rule), few_repeats_words(errors)]
        told += _not_judged(has_base[who], responded.where(compared)[who], of_zero.where(compared)[who], compared[who])
        head = {"arm": arm, "control": control or "", "least_gain_low": least.min(), "least_gain_high": least.max()}
        for missing, table in counted.items():
            contrast = _contrast(table[who], layout, alpha)
            rows.append(head | {"missing": missing} | _shares(table[who], alpha) | _row(contrast, told))
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
    change = observations["change"].astype(float)
    least = np.fmax(detectable_changes(observations, errors), nan if rule.change is None else rule.change)
    measured, responded = change.notna(), ~(change < least)
    if rule.percent is not None:
        percent_change = observations["percent_change"].astype(float)
        measured &= percent_change.notna()
        responded &= percent_change >= rule.percent
    return pd.DataFrame({"least_gain": least, "is_judged": measured, "responded": responded & measured})


def _contrast(table: pd.DataFrame, layout: Literal["parallel", "split-scalp"], alpha: float) -> Contrast:
    """How the share of the first column differs from that of the second; nothing without a second.

    Parameters
    ----------
    table
        1 or 0 for every subject of an arm, NaN for the others.
    """
    if table.shape[1] == 1:
        return Contrast(note="no control: holds what an untreated scalp gains")
    treated, untreated = (table.iloc[:, side] for side in (0, 1))
    k, k_control = int(treated.sum()), int(untreated.sum())
    if layout == "parallel":
        return contrast_of_groups(k, int(treated.count()), k_control, int(untreated.count()), alpha)
    both = int((treated * untreated).sum())
    return contrast_of_pairs(both, k - both, k_control - both, len(table) - k - k_control + both, alpha)


def _shares(table: pd.DataFrame, alpha: float) -> dict[str, float]:
    """Subjects, responders and their share with Wilson's interval, of every column."""
    told: dict[str, float] = {}
    for side, arm in zip(("arm", "control"), table, strict=False):
        k, n = int(table[arm].sum()), int(table[arm].count())
        low, high = proportion_confint(k, n, alpha, method="wilson") if n else (nan, nan)
        told |= {f"n_{side}": n, f"responders_{side}": k, f"share_{side}": k / n if n else nan}
        told |= {f"share_{side}_low": float(low), f"share_{side}_high": float(high)}
    return told


def _row(contrast: Contrast, notes: list[str]) -> dict[str, object]:
    """Columns of one comparison but for those of its arms."""
    needed = number_needed(contrast.difference, contrast.difference_low, contrast.difference_high)
    said = "; ".join(note for note in (*notes, contrast.note, needed.note) if note)
    return {**asdict(contrast), **asdict(needed), "note": said}


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
