"""Published trials beside this one, and what of each cannot be compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

import pandas as pd

from hairscan.shipped import shipped

CHANGE, AGAINST = "change from baseline", "against control"
"""The two kinds of published numbers: they are never set side by side."""

NO_TREATMENT = ("placebo", "saline", "vehicle", "control of each trial")
"""Controls that are no treatment, as far as the source says."""

LITERATURE_COLUMNS = (
    *("study", "year", "kind", "arm", "design", "comparison", "control", "endpoint", "unit", "device", "week", "n"),
    *("effect", "effect_low", "effect_high", "not_comparable", "verified", "source_url"),
)
_UNITS = {
    "density_per_cm2": "hairs/cm2",
    "terminal_per_cm2": "hairs/cm2",
    "mean_width_um": "um",
    "cumulative_width_mm_per_cm2": "mm/cm2",
}
"""Unit in which an endpoint is compared; counts of an area that differs from trial to trial have none."""

_NUMBERS = ("year", "area_cm2", "week", "n", "baseline", "effect", "effect_low", "effect_high", "sd")
_SAME_TIME_WEEKS = 4.0


def published_trials() -> pd.DataFrame:
    """All published numbers: one row per arm, or effect between arms, and endpoint; the columns are in the card.

    Numbers are float, NaN where nothing was published; texts are empty there.
    """
    table = pd.read_csv(shipped("datasets") / "published_trials.csv", dtype=str, keep_default_na=False)
    return table.assign(**{name: pd.to_numeric(table[name]) for name in _NUMBERS})


def published_effects(published: pd.DataFrame, endpoint: str, comparison: str) -> pd.DataFrame:
    """The published numbers that share an endpoint, its unit and a kind of comparison, treatment by treatment.

    Parameters
    ----------
    endpoint : str
        A column of images.csv.
    comparison : str
        `CHANGE` or `AGAINST`.
    """
    same = (published["endpoint"] == endpoint) & (published["comparison"] == comparison)
    fits = same & (published["unit"] == _UNITS.get(endpoint)) & published["effect"].notna()
    return published[fits].sort_values(["kind", "effect"], ignore_index=True)


def literature_table(published: pd.DataFrame, effects: pd.DataFrame) -> pd.DataFrame:
    """The published numbers with a column `not_comparable`: in words, what sets each apart from this trial.

    Parameters
    ----------
    published : DataFrame
        `published_trials`.
    effects : DataFrame
        This trial's endpoints and weeks, in columns ``endpoint`` and ``week``.
    """
    endpoints = set(effects["endpoint"])
    weeks = sorted({float(week) for week in effects["week"]})
    words = ["; ".join(_differences(row, endpoints, weeks)) for row in published.to_dict("records")]
    return published.assign(not_comparable=words)[list(LITERATURE_COLUMNS)]


def _differences(row: Mapping[Any, Any], endpoints: set[str], weeks: list[float]) -> Iterator[str]:
    """What sets a published number apart, what matters most first."""
    if not isfinite(row["effect"]):
        yield "no number published"
    yield from _control_difference(row)
    yield from _unit_differences(row, endpoints)
    yield "device not stated" if not row["device"] else f"device: {row['device']}"
    if isfinite(row["effect"]) and row["uncertainty_kind"] == "none":
        yield "no SD and no interval"
    yield from _time_difference(row["week"], weeks)


def _control_difference(row: Mapping[Any, Any]) -> Iterator[str]:
    """Another control, or none."""
    if row["comparison"] == CHANGE and row["kind"] == "placebo":
        yield "change of a control"
    elif row["comparison"] == CHANGE:
        yield "no control arm" if "single arm" in row["design"] else "no control subtracted"
    elif row["control"] not in NO_TREATMENT:
        yield f"control is {row['control']}"


def _unit_differences(row: Mapping[Any, Any], endpoints: set[str]) -> Iterator[str]:
    """Another endpoint, denominator or cut-off."""
    unit, own_unit = row["unit"], _UNITS.get(row["endpoint"])
    if row["endpoint"] == "terminal_per_cm2":
        yield "cut-off of terminal hairs not stated"
    elif row["endpoint"] not in endpoints | {"hair_count"}:
        yield "not an endpoint of this trial"
    if unit == "hairs":
        area = f"in {row['area_cm2']:g} cm2" if isfinite(row["area_cm2"]) else "in an area that is not stated"
        yield f"other denominator: hairs {area}"
    elif unit == "% of baseline":
        yield "other denominator: percent of the baseline"
    elif unit != own_unit:
        yield f"other unit: {unit}"


def _time_difference(week: float, weeks: list[float]) -> Iterator[str]:
    """Another time, or none."""
    if not isfinite(week):
        yield "time not stated"
    elif weeks:
        nearest = min(weeks, key=lambda own: abs(own - week))
        if abs(nearest - week) > _SAME_TIME_WEEKS:
            yield f"other time: week {week:g}, here {nearest:g}"
