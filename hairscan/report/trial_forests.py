"""Forest plots: the effects of a trial, and the trial among the published ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hairscan.report.trial_style import FAINT, INK, ArmStyle, new_figure, tidy
from hairscan.report.trial_words import interval, number, words_of
from hairscan.trial.literature import NO_TREATMENT

_ROW_IN, _HEAD_IN = 0.26, 0.75
_PUBLISHED = ArmStyle(FAINT, "o")
_OWN, _KINDS = "this trial", {"prp": "PRP"}


@dataclass(frozen=True, slots=True)
class ForestRow:
    """A line of a forest plot; without an estimate it is a heading."""

    label: str
    estimate: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    style: ArmStyle = _PUBLISHED
    bold: bool = False


def draw_effects(effects: pd.DataFrame, endpoints: Sequence[str], styles: Mapping[str, ArmStyle]) -> Figure:
    """Effect of every treatment at every visit, a panel with an axis of its own for every endpoint.

    Parameters
    ----------
    effects : DataFrame
        Rows of one method: endpoint, arm, control, week, estimate, low, high.
    """
    panels = [(endpoint, _effect_rows(effects[effects["endpoint"] == endpoint], styles)) for endpoint in endpoints]
    heights = [_ROW_IN * len(rows) + _HEAD_IN for _, rows in panels]
    figure = new_figure(6.8, sum(heights))
    all_axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights).ravel()
    for axes, (endpoint, rows) in zip(all_axes, panels, strict=True):
        words = words_of(endpoint)
        _draw_forest(axes, rows, words.decimals)
        axes.set_title(words.label, fontsize=10, weight="bold", loc="left")
    all_axes[-1].set_xlabel("difference from the control in change from baseline", fontsize=9)
    return figure


def draw_among_published(own: Sequence[ForestRow], published: pd.DataFrame, endpoint: str, comparison: str) -> Figure:
    """The numbers of the trial above the published ones of the same endpoint, unit and kind of comparison.

    Parameters
    ----------
    published : DataFrame
        `hairscan.trial.literature.published_effects`.
    """
    rows = [ForestRow(_OWN, bold=True), *own]
    for kind, of_kind in published.groupby("kind", sort=False):
        rows.append(ForestRow(_KINDS.get(str(kind), str(kind)), bold=True))
        rows += [
            ForestRow(_study_words(row), row["effect"], row["effect_low"], row["effect_high"])
            for row in of_kind.to_dict("records")
        ]
    figure = new_figure(9.6, _ROW_IN * len(rows) + _HEAD_IN)
    axes = figure.subplots()
    _draw_forest(axes, rows, words_of(endpoint).decimals)
    axes.set_xlabel(f"{words_of(endpoint).label}, {comparison}", fontsize=9)
    return figure


def _effect_rows(effects: pd.DataFrame, styles: Mapping[str, ArmStyle]) -> list[ForestRow]:
    """Lines of one endpoint, arm by arm, visit by visit."""
    ordered = effects.assign(rank=effects["arm"].map(list(styles).index)).sort_values(["rank", "week"])
    return [
        ForestRow(
            f"{row['arm']} against {row['control']}, week {row['week']:g}",
            row["estimate"],
            row["low"],
            row["high"],
            styles[row["arm"]],
        )
        for row in ordered.to_dict("records")
    ]


def _study_words(row: Mapping[Any, Any]) -> str:
    """Who, what, when and how many, as far as they are known; the control where it was a treatment."""
    parts = [f"{row['study']} {row['year']:.0f}" if isfinite(row["year"]) else row["study"]]
    parts[0] += f": {row['arm']}"
    if row["control"] and row["control"] not in NO_TREATMENT:
        parts[0] += f" against {row['control']}"
    parts += [f"week {row['week']:g}"] if isfinite(row["week"]) else []
    parts += [f"n = {row['n']:.0f}"] if isfinite(row["n"]) else []
    return ", ".join(parts)


def _draw_forest(axes: Axes, rows: Sequence[ForestRow], decimals: int) -> None:
    """Lines from top to bottom, with their numbers to the right; an open marker has no interval."""
    axes.axvline(0, color=FAINT, linewidth=0.8)
    for y, row in enumerate(rows):
        if not isfinite(row.estimate):
            continue
        known = isfinite(row.low) and isfinite(row.high)
        if known:
            axes.plot([row.low, row.high], [y, y], color=row.style.colour, linewidth=1.6)
        face = row.style.colour if known else "white"
        axes.plot(row.estimate, y, row.style.marker, color=row.style.colour, markerfacecolor=face, markersize=6)
        bounds = f" ({interval(row.low, row.high, decimals)})" if known else " (no interval)"
        text = number(row.estimate, decimals, signed=True) + bounds
        axes.annotate(text, (1.02, y), xycoords=("axes fraction", "data"), va="center", fontsize=8.5, color=INK)
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    for tick, row in zip(axes.get_yticklabels(), rows, strict=True):
        tick.set_fontweight("bold" if row.bold else "normal")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    tidy(axes, grid="x")
    axes.tick_params(axis="y", length=0, labelsize=8.5)
    axes.spines["left"].set_visible(False)
