"""Figures of a trial that stand alone: responders, and measurements repeated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hairscan.report.trial_style import FAINT, INK, NARROW_IN, ArmStyle, new_figure, tidy
from hairscan.report.trial_words import number, percent, words_of
from hairscan.trial.reliability import paired_repeats

_BAND = "#56b4e9"


def draw_responders(responders: pd.DataFrame, styles: Mapping[str, ArmStyle]) -> Figure:
    """Share of responders of every arm with its interval and the number of subjects behind it.

    Parameters
    ----------
    responders : DataFrame
        The table of `responders`: one row per treated arm, with the control's numbers beside it
        where there is one.
    """
    shares = {
        row[side]: [row[f"{what}_{name}"] for what in ("responders", "n")]
        + [row[f"share_{name}{end}"] for end in ("", "_low", "_high")]
        for row in responders.to_dict("records")
        for side, name in (("control", "control"), ("arm", "arm"))
    }
    shown = [arm for arm in styles if arm in shares]
    figure = new_figure(NARROW_IN, 0.9 + 0.5 * len(shown))
    axes = figure.subplots()
    for y, arm in enumerate(shown):
        n_responders, n, share, low, high = shares[arm]
        axes.barh(y, np.nan_to_num(share), color=styles[arm].colour, height=0.6)
        axes.hlines(y, low, high, color=INK, linewidth=1.2)
        text = f"{n_responders:.0f} of {n:.0f} ({percent(share)})"
        at = (float(np.nan_to_num(high)), float(y))
        axes.annotate(text, at, (5, 0), textcoords="offset points", verticalalignment="center", fontsize=9)
    axes.set_yticks(range(len(shown)), shown)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlim(0, 1.4)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    axes.set_xlabel("share of responders")
    tidy(axes, grid="x")
    return figure


def draw_bland_altman(repeats: pd.DataFrame, agreement: Mapping[Any, Any]) -> Figure:
    """Difference of two measurements of the same target over their mean, with bias, limits and their intervals.

    Parameters
    ----------
    repeats : DataFrame
        endpoint, kind, subject, target, repeat, value.
    agreement : mapping
        One row of the table of `bland_altman`.
    """
    words = words_of(agreement["endpoint"])
    same = (repeats["endpoint"] == agreement["endpoint"]) & (repeats["kind"] == agreement["kind"])
    first, second = paired_repeats(repeats[same]).T
    figure = new_figure(NARROW_IN, 3.4)
    axes = figure.subplots()
    axes.axhline(0, color=FAINT, linewidth=0.8)
    for name, line, text in (
        ("bias", "-", "bias"),
        ("loa_low", "--", "lower limit"),
        ("loa_high", "--", "upper limit"),
    ):
        level = agreement[name]
        axes.axhspan(agreement[f"{name}_low"], agreement[f"{name}_high"], color=_BAND, alpha=0.25, linewidth=0)
        axes.axhline(level, color=INK, linestyle=line, linewidth=1.2)
        label = f"{text} {number(level, words.decimals + 1)}"
        axes.annotate(label, (1.02, level), xycoords=("axes fraction", "data"), va="center", fontsize=9)
    axes.plot((first + second) / 2, second - first, "o", color="#0072b2", markersize=4.5, alpha=0.7)
    axes.set_xlabel(f"mean of both: {words.label}")
    order = "later name minus earlier" if agreement["kind"] == "operators" else "later minus earlier"
    axes.set_ylabel(order + (f" ({words.unit})" if words.unit else ""))
    tidy(axes)
    return figure
