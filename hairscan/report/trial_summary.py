"""What a trial found, in sentences that claim no more than its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

import pandas as pd

from hairscan.report.trial_words import interval, number, p_text, plural, words_of
from hairscan.trial.mmrm import METHOD as PRIMARY_METHOD

if TYPE_CHECKING:
    from hairscan.trial.analysis import TrialResult
    from hairscan.trial.design import Design

INSTRUMENT = "hairscan is a measuring instrument for research; it does not diagnose."


def primary_effects(effects: pd.DataFrame) -> pd.DataFrame:
    """The rows of the primary analysis: its method, on the full set."""
    return effects[_is_primary(effects)]


def other_effects(effects: pd.DataFrame) -> pd.DataFrame:
    """The rows of all other analyses."""
    return effects[~_is_primary(effects)]


def summary_sentences(result: TrialResult) -> list[str]:
    """The primary result of every treatment with its interval, and what limits it."""
    design = result.design
    sentences = list(_results(result)) if design.control else [_without_control(design)]
    n_flagged, n_warnings = len(result.tables["flagged_photos"]), len(result.tables["warnings"])
    quality = f"{plural(n_flagged, 'photograph').capitalize()} carried a flag, and there {_are(n_warnings)}."
    return [*sentences, quality]


def responder_rule(design: Design, responders: pd.DataFrame) -> str:
    """Who counted as a responder, in words: the threshold of the design, and what it was raised to.

    Parameters
    ----------
    responders
        Rows of the table of that name, which say what gain was asked for.
    """
    rule = design.responder
    if rule is None:
        return ""
    words = words_of(rule.endpoint)
    size = f"{rule.percent:g} %" if rule.change is None else f"{rule.change:g} {words.unit}".strip()
    told = f"a gain in {words.name} of at least {size}"
    low, high = responders["least_gain_low"].min(), responders["least_gain_high"].max()
    if not high > (rule.change or 0.0):
        return told
    asked = number(low, words.decimals) if low == high else interval(low, high, words.decimals)
    how = "raised to" if rule.percent is None else "and of at least"
    return f"{told}, {how} the minimal detectable change ({f'{asked} {words.unit}'.strip()})"


def _is_primary(effects: pd.DataFrame) -> pd.Series[bool]:
    return (effects["set"] == "full") & (effects["method"] == PRIMARY_METHOD)


def _results(result: TrialResult) -> Iterator[str]:
    """One sentence per treatment on the first endpoint at the primary visit."""
    design, endpoint = result.design, result.design.endpoints[0]
    week = design.visits[design.primary_visit]
    rows = primary_effects(result.tables["effects"])
    rows = rows[(rows["endpoint"] == endpoint) & (rows["visit"] == design.primary_visit)]
    by_arm = {row["arm"]: row for row in rows.to_dict("records")}
    for arm in design.treatments:
        row = by_arm.get(arm)
        if row is None or not isfinite(row["estimate"]):
            reason = f" ({row['note']})" if row is not None and row["note"] else ""
            yield f"The effect of {arm} on {words_of(endpoint).name} at week {week:g} cannot be estimated{reason}."
        else:
            yield _result(row, endpoint, design)


def _result(row: Mapping[Any, Any], endpoint: str, design: Design) -> str:
    """The primary result of a treatment, and what its interval leaves open."""
    words = words_of(endpoint)
    size = f"{number(abs(row['estimate']), words.decimals)} {words.unit}".strip()
    direction = "more" if row["estimate"] >= 0 else "less"
    bounds = f"{design.level} confidence interval"
    low_high = interval(row["low"], row["high"], words.decimals)
    tested = f"p {_relation(p_text(row['p']))}"
    pairs = design.layout == "split-scalp"
    subjects = f"{row['n_arm']:.0f} pairs" if pairs else f"{row['n_arm']:.0f} and {row['n_control']:.0f}"
    told = (
        f"At week {row['week']:g}, {words.name} had changed by {size} {direction} under {row['arm']} than under "
        f"{row['control']} ({bounds} {low_high}; {tested}; n = {subjects})."
    )
    if row["low"] <= 0 <= row["high"]:
        told += " The interval holds zero: the trial does not show that the two differ."
    return told + _over_all_tests(row, design)


def _over_all_tests(row: Mapping[Any, Any], design: Design) -> str:
    """What is left once all tests of the design are taken into account; empty where that was not told."""
    adjusted = row.get("p_adjusted", float("nan"))
    how = {"fixed-sequence": "in their fixed sequence", "holm": "by Holm's method"}[design.multiplicity]
    if not isfinite(adjusted):
        is_hypothesis = isfinite(row["p"]) and row.get("significant", "") != ""
        return f" Over all tests, {how}, it was not tested: one before it is not estimable." if is_hypothesis else ""
    verdict = "significant" if adjusted <= design.alpha else "not significant"
    return f" Over all tests, {how}, p {_relation(p_text(adjusted))}: {verdict}."


def _relation(p: str) -> str:
    return p.replace("<", "<\N{NO-BREAK SPACE}") if p.startswith("<") else f"=\N{NO-BREAK SPACE}{p}"


def _without_control(design: Design) -> str:
    return (
        f"The trial has no control arm ({', '.join(design.treatments)} only): its changes hold everything that an "
        "untreated scalp would have gained or lost as well, and no effect of a treatment can be told from them."
    )


def _are(n_warnings: int) -> str:
    verb = "is" if n_warnings == 1 else "are"
    return f"{verb} {plural(n_warnings, 'warning')} about the data"
