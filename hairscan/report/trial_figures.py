"""All figures of a trial's report, each with its caption and with words for those who cannot see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from hairscan.report.trial_agreement import draw_bland_altman, draw_responders
from hairscan.report.trial_flow import draw_flow
from hairscan.report.trial_forests import ForestRow, draw_among_published, draw_effects
from hairscan.report.trial_lines import draw_adjusted_means, draw_changes, draw_means
from hairscan.report.trial_style import ArmStyle, arm_styles
from hairscan.report.trial_summary import primary_effects, responder_rule
from hairscan.report.trial_tables import in_order
from hairscan.report.trial_words import capital, interval, number, words_of
from hairscan.trial.literature import AGAINST, CHANGE, published_effects, published_trials
from hairscan.trial.observations import of_design
from hairscan.trial.responders import NO_RESPONSE

if TYPE_CHECKING:
    from hairscan.trial.analysis import TrialResult


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure of the report.

    Attributes
    ----------
    name : str
        Of its files.
    section : str
        flow, effects, endpoint, responders, literature or reliability.
    alt : str
        What a reader who cannot see it must know.
    """

    name: str
    section: str
    caption: str
    alt: str
    figure: Figure
    endpoint: str = ""


def draw_trial(result: TrialResult) -> list[Drawing]:
    """Every figure for which the trial has data, in the order of the report."""
    styles = arm_styles(result.design.control, result.design.treatments)
    return [
        *_flow(result, styles),
        *_effects(result, styles),
        *(drawing for endpoint in result.design.endpoints for drawing in _endpoint(result, endpoint, styles)),
        *_responders(result, styles),
        *(drawing for endpoint in result.design.endpoints for drawing in _among_published(result, endpoint, styles)),
        *_agreement(result),
    ]


def _flow(result: TrialResult, styles: Mapping[str, ArmStyle]) -> Iterator[Drawing]:
    flow = result.tables["flow"]
    if len(flow):
        caption = "Subjects and photographs from the manifest to the analysis"
        yield Drawing(
            "flow", "flow", caption, "Flow diagram; its numbers are in the table below.", draw_flow(flow, styles)
        )


def _effects(result: TrialResult, styles: Mapping[str, ArmStyle]) -> Iterator[Drawing]:
    rows = primary_effects(result.tables["effects"])
    rows = rows[rows["estimate"].notna()]
    endpoints = [endpoint for endpoint in result.design.endpoints if endpoint in set(rows["endpoint"])]
    if endpoints:
        caption = "Effects of the primary analysis: difference in change from baseline, with its interval"
        alt = "Forest plot of the effects; their numbers are in the table below."
        yield Drawing("effects", "effects", caption, alt, draw_effects(rows, endpoints, styles))


def _endpoint(result: TrialResult, endpoint: str, styles: Mapping[str, ArmStyle]) -> Iterator[Drawing]:
    """The figures of one endpoint."""
    name, tables = words_of(endpoint).name, result.tables
    described = tables["describe"]
    visit = result.design.primary_visit
    here = described[described["endpoint"] == endpoint]
    if here.empty:
        return
    figure = draw_means(result.data.observations, described, endpoint, styles)
    caption = f"{capital(name)} of every subject (thin) and mean with its interval (black)"
    yield Drawing(f"means-{endpoint}", "endpoint", caption, _values(here, endpoint), figure, endpoint)
    adjusted = tables["adjusted_means"]
    adjusted = adjusted[(adjusted["endpoint"] == endpoint) & (adjusted["set"] == "full")]
    if len(adjusted):
        baseline_week = result.design.visits[result.design.baseline]
        figure = draw_adjusted_means(adjusted, endpoint, styles, baseline_week)
        caption = f"Adjusted mean change of {name} with its interval, by the primary model"
        yield Drawing(
            f"adjusted-means-{endpoint}", "endpoint", caption, _adjusted_values(adjusted, endpoint), figure, endpoint
        )
    changes = here[(here["visit"] == visit) & here["change_mean"].notna()]
    if len(changes):
        figure = draw_changes(result.data.observations, endpoint, visit, styles)
        caption = f"Change of {name} of every subject at visit {visit}: box for the quartiles, whiskers for the range"
        yield Drawing(f"changes-{endpoint}", "endpoint", caption, _quartiles(changes, endpoint), figure, endpoint)


def _responders(result: TrialResult, styles: Mapping[str, ArmStyle]) -> Iterator[Drawing]:
    table = result.tables["responders"]
    table = table[(table["set"] == "full") & (table["missing"] == NO_RESPONSE)]
    if len(table):
        rule = responder_rule(result.design, table)
        caption = f"Subjects with {rule}, of everyone with a baseline, with the interval of the share"
        alt = "Bars of the share of responders in every arm; the numbers are in the table below."
        yield Drawing("responders", "responders", caption, alt, draw_responders(table, styles))


def _among_published(result: TrialResult, endpoint: str, styles: Mapping[str, ArmStyle]) -> Iterator[Drawing]:
    """One figure for effects against a control, one for changes from baseline."""
    published = published_trials()
    for comparison, own in (
        (AGAINST, _own_effects(result, endpoint, styles)),
        (CHANGE, _own_changes(result, endpoint, styles)),
    ):
        same = published_effects(published, endpoint, comparison)
        if own and len(same):
            words = words_of(endpoint)
            caption = f"{capital(words.name)}, {comparison}: this trial and published numbers in {words.unit}"
            alt = f"Forest plot: {len(own)} numbers of this trial, {len(same)} published; the table below lists them."
            figure = draw_among_published(own, same, endpoint, comparison)
            name = f"published-{comparison.replace(' ', '-')}-{endpoint}"
            yield Drawing(name, "literature", caption, alt, figure, endpoint)


def _own_effects(result: TrialResult, endpoint: str, styles: Mapping[str, ArmStyle]) -> list[ForestRow]:
    """Primary effects on an endpoint at the primary visit."""
    rows = primary_effects(result.tables["effects"])
    here = (rows["endpoint"] == endpoint) & (rows["visit"] == result.design.primary_visit)
    return [
        ForestRow(
            f"{row['arm']} against {row['control']}, week {row['week']:g}, n = {row['n_arm'] + row['n_control']:.0f}",
            row["estimate"],
            row["low"],
            row["high"],
            styles[row["arm"]],
        )
        for row in rows[here].to_dict("records")
        if isfinite(row["estimate"])
    ]


def _own_changes(result: TrialResult, endpoint: str, styles: Mapping[str, ArmStyle]) -> list[ForestRow]:
    """Mean changes at the primary visit, the control's among them."""
    rows = result.tables["describe"]
    here = rows[(rows["endpoint"] == endpoint) & (rows["visit"] == result.design.primary_visit)]
    by_arm = {row["arm"]: row for row in here.to_dict("records") if isfinite(row["change_mean"])}
    return [
        ForestRow(
            f"{arm}, week {by_arm[arm]['week']:g}, n = {by_arm[arm]['n_change']:.0f}",
            by_arm[arm]["change_mean"],
            by_arm[arm]["change_low"],
            by_arm[arm]["change_high"],
            style,
        )
        for arm, style in styles.items()
        if arm in by_arm
    ]


def _agreement(result: TrialResult) -> Iterator[Drawing]:
    design = result.design
    tested = of_design(result.tables["bland_altman"], design)
    for row in in_order(tested, design.endpoints, design.arms).to_dict("records"):
        if row["n_pairs"] > 1 and row["sd"] > 0:
            name = words_of(row["endpoint"]).name
            caption = f"Bland–Altman plot of {name}, {row['kind']}: bias, limits of agreement and their intervals"
            alt = f"Differences of {row['n_pairs']} pairs over their means; bias and limits are in the table above."
            file = f"bland-altman-{row['kind'].replace(' ', '-')}-{row['endpoint']}"
            yield Drawing(
                file, "reliability", caption, alt, draw_bland_altman(result.data.repeats, row), row["endpoint"]
            )


def _values(described: pd.DataFrame, endpoint: str) -> str:
    decimals = words_of(endpoint).decimals
    told = [
        f"{row['arm']} in week {row['week']:g}: {number(row['mean'], decimals)}" for row in described.to_dict("records")
    ]
    return f"Means of {words_of(endpoint).label}: {'; '.join(told)}."


def _adjusted_values(adjusted: pd.DataFrame, endpoint: str) -> str:
    decimals = words_of(endpoint).decimals
    told = [
        f"{row['arm']} in week {row['week']:g}: {number(row['estimate'], decimals, signed=True)} "
        f"({interval(row['low'], row['high'], decimals)})"
        for row in adjusted.to_dict("records")
    ]
    return f"Adjusted mean changes of {words_of(endpoint).label}: {'; '.join(told)}."


def _quartiles(changes: pd.DataFrame, endpoint: str) -> str:
    decimals = words_of(endpoint).decimals
    told = [
        f"{row['arm']}: median {number(row['change_median'], decimals, signed=True)}, "
        f"quartiles {interval(row['change_q1'], row['change_q3'], decimals)}"
        for row in changes.to_dict("records")
    ]
    return f"Changes in {words_of(endpoint).label}: {'; '.join(told)}."
