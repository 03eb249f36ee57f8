"""Figures of a trial over its visits: every subject with the mean, adjusted means, and the changes at one visit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hairscan.report.trial_style import FAINT, INK, NARROW_IN, ArmStyle, new_figure, tidy
from hairscan.report.trial_words import words_of

_PANEL_IN, _HEIGHT_IN, _MOST_PANELS = 2.4, 3.2, 3


def draw_means(
    observations: pd.DataFrame, described: pd.DataFrame, endpoint: str, styles: Mapping[str, ArmStyle]
) -> Figure:
    """One panel per arm: a thin line for every subject (and side), the mean with its interval on top.

    Parameters
    ----------
    observations : DataFrame
        The tidy table; rows that are not analysed are left out.
    described : DataFrame
        The table of `describe`: mean, low and high per arm and visit.
    """
    seen = observations[(observations["endpoint"] == endpoint) & observations["analysed"]]
    n_columns = min(len(styles), _MOST_PANELS)
    n_rows = -(-len(styles) // n_columns)
    figure = new_figure(max(_PANEL_IN * n_columns, NARROW_IN), _HEIGHT_IN * n_rows)
    panels = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, (arm, style) in zip(panels, styles.items(), strict=False):
        of_arm = seen[seen["arm"] == arm]
        for _, line in of_arm.sort_values("week").groupby(["subject", "side"]):
            axes.plot(line["week"], line["value"], color=style.colour, linewidth=0.8, alpha=0.45)
        means = described[(described["endpoint"] == endpoint) & (described["arm"] == arm)].sort_values("week")
        _draw_points(axes, means["week"], means, ("mean", "low", "high"), ArmStyle(INK, style.marker))
        axes.set_title(f"{arm} (n = {of_arm['subject'].nunique()})", fontsize=10, color=style.colour, weight="bold")
        axes.set_xticks(sorted(seen["week"].unique()))
        tidy(axes, grid="y")
    for axes in panels[len(styles) :]:
        axes.set_axis_off()
    figure.supxlabel("week", fontsize=10)
    figure.supylabel(words_of(endpoint).label, fontsize=10)
    return figure


def draw_adjusted_means(
    adjusted_means: pd.DataFrame, endpoint: str, styles: Mapping[str, ArmStyle], baseline_week: float
) -> Figure:
    """Adjusted mean change of every arm over the visits, with its interval; all start at no change at the baseline.

    Parameters
    ----------
    adjusted_means : DataFrame
        Rows of the model: endpoint, arm, week, estimate, low, high.
    """
    rows = adjusted_means[adjusted_means["endpoint"] == endpoint]
    weeks = sorted({baseline_week, *rows["week"]})
    apart = 0.02 * (weeks[-1] - weeks[0])
    figure = new_figure(NARROW_IN, 3.4)
    axes = figure.subplots()
    axes.axhline(0, color=FAINT, linewidth=0.8)
    for place, (arm, style) in enumerate(styles.items()):
        means = rows[rows["arm"] == arm].sort_values("week")
        # Side by side, or the intervals of one visit would hide each other.
        shift = apart * (place - (len(styles) - 1) / 2)
        drawn = pd.concat([pd.DataFrame({"week": [baseline_week], "estimate": 0.0}), means], ignore_index=True)
        _draw_points(axes, drawn["week"] + shift, drawn, ("estimate", "low", "high"), style, label=arm)
    axes.set_xticks(weeks)
    axes.set_xlabel("week")
    axes.set_ylabel(f"adjusted mean change\n{words_of(endpoint).label}")
    axes.legend(frameon=False, fontsize=9, loc="best")
    tidy(axes, grid="y")
    return figure


def draw_changes(observations: pd.DataFrame, endpoint: str, visit: str, styles: Mapping[str, ArmStyle]) -> Figure:
    """The change of every subject at one visit, and the quartiles of every arm."""
    here = observations[(observations["endpoint"] == endpoint) & (observations["visit"] == visit)]
    here = here[here["analysed"] & here["change"].notna()]
    figure = new_figure(NARROW_IN, 0.9 + 0.7 * len(styles))
    axes = figure.subplots()
    axes.axvline(0, color=FAINT, linewidth=0.8)
    for row, (arm, style) in enumerate(styles.items()):
        changes = np.sort(here.loc[here["arm"] == arm, "change"].to_numpy(np.float64))
        if changes.size:
            axes.boxplot(
                changes,
                positions=[row],
                orientation="horizontal",
                widths=0.55,
                whis=(0, 100),
                boxprops={"color": style.colour},
                whiskerprops={"color": style.colour},
                capprops={"color": style.colour},
                medianprops={"color": style.colour, "linewidth": 2},
            )
            heights = row + 0.16 * (np.arange(changes.size) % 3 - 1)
            axes.plot(changes, heights, style.marker, color=style.colour, markersize=4, alpha=0.6, linestyle="none")
    axes.set_yticks(range(len(styles)), styles)
    axes.set_ylim(len(styles) - 0.5, -0.5)
    axes.set_xlabel(f"change in {words_of(endpoint).label}")
    tidy(axes, grid="x")
    return figure


def _draw_points(
    axes: Axes,
    weeks: pd.Series,
    rows: pd.DataFrame,
    names: tuple[str, str, str],
    style: ArmStyle,
    label: str | None = None,
) -> None:
    """Points joined by a line, each with its interval where it has one."""
    middle, low, high = (rows[name].to_numpy(np.float64) for name in names)
    axes.errorbar(
        weeks,
        middle,
        yerr=np.nan_to_num([middle - low, high - middle]),
        color=style.colour,
        marker=style.marker,
        markersize=5,
        linewidth=1.8,
        elinewidth=1.4,
        capsize=3,
        label=label,
    )
