"""The figures of a trial: what they show, and that the same trial always gives the same files."""

from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("matplotlib")

from hairscan.report.trial_agreement import draw_bland_altman, draw_responders
from hairscan.report.trial_figures import draw_trial
from hairscan.report.trial_flow import draw_flow
from hairscan.report.trial_forests import ForestRow, draw_among_published, draw_effects
from hairscan.report.trial_lines import draw_adjusted_means, draw_changes, draw_means
from hairscan.report.trial_style import arm_styles, figure_bytes
from hairscan.trial.literature import AGAINST, published_effects, published_trials

DENSITY = "density_per_cm2"
STYLES = arm_styles("placebo", ["prp", "exosome"])


def texts(figure):
    """Every text of the figure, as it stands in the SVG file."""
    root = ElementTree.fromstring(figure_bytes(figure, "svg"))
    return ["".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")]


def test_arms_differ_in_colour_and_in_marker():
    assert len({style.colour for style in STYLES.values()}) == len({style.marker for style in STYLES.values()}) == 3
    assert list(arm_styles(None, ["exosome"])) == ["exosome"]


def test_the_same_figure_gives_the_same_bytes_and_no_date(result):
    def draw(form):
        return figure_bytes(draw_means(result.data.observations, result.tables["describe"], DENSITY, STYLES), form)

    for form in ("svg", "png"):
        assert draw(form) == draw(form)
    assert b"<dc:date>" not in draw("svg")
    assert draw("png").startswith(b"\x89PNG")


def test_every_analysed_subject_has_a_line_and_every_arm_its_mean(result):
    observations = result.data.observations.copy()
    observations.loc[observations["subject"] == "PR00", "analysed"] = False
    figure = draw_means(observations, result.tables["describe"], DENSITY, STYLES)
    thin = {axes.get_title(): sum(line.get_linewidth() < 1 for line in axes.lines) for axes in figure.axes}
    assert thin == {"placebo (n = 10)": 10, "prp (n = 9)": 9, "exosome (n = 10)": 10}
    described = result.tables["describe"]
    expected = described[(described["endpoint"] == DENSITY) & (described["arm"] == "prp")]["mean"]
    bold = [line for line in figure.axes[1].lines if line.get_linewidth() == 1.8]
    np.testing.assert_allclose(bold[0].get_ydata(), expected)


def test_adjusted_means_start_at_no_change(result):
    axes = draw_adjusted_means(result.tables["adjusted_means"], DENSITY, STYLES, 4.0).axes[0]
    assert list(axes.get_xticks()) == [4, 12, 24]
    lines = [bars.lines[0].get_ydata() for bars in axes.containers]
    assert [line[0] for line in lines] == [0, 0, 0]
    table = result.tables["adjusted_means"]
    exosome = table[(table["endpoint"] == DENSITY) & (table["arm"] == "exosome")]["estimate"]
    np.testing.assert_allclose(lines[2][1:], exosome)


def test_the_changes_of_one_visit_are_all_shown(result):
    axes = draw_changes(result.data.observations, DENSITY, "24", STYLES).axes[0]
    dots = [line.get_xdata() for line in axes.lines if line.get_alpha() == 0.6]
    assert [len(of_arm) for of_arm in dots] == [9, 9, 9]


def test_effects_stand_in_order_with_their_numbers(result):
    effects = result.tables["effects"]
    effects = effects[(effects["set"] == "full") & (effects["method"] == "MMRM")].iloc[::-1]
    figure = draw_effects(effects, result.design.endpoints, STYLES)
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert labels == [f"{arm} against placebo, week {week}" for arm in ("prp", "exosome") for week in (12, 24)]
    first = effects[(effects["endpoint"] == DENSITY) & (effects["arm"] == "exosome") & (effects["visit"] == "24")].iloc[
        0
    ]
    told = f"+{first['estimate']:.1f} ({first['low']:.1f}\u00a0to\u00a0{first['high']:.1f})"
    assert told in texts(figure)


def test_the_trial_stands_above_the_published_numbers_of_its_unit():
    published = published_effects(published_trials(), DENSITY, AGAINST)
    figure = draw_among_published(
        [ForestRow("exosome", 12.0, 8.0, 16.0, STYLES["exosome"])], published, DENSITY, AGAINST
    )
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert labels[:2] == ["this trial", "exosome"]
    assert "Kieling 2024: PRP, n = 431" in labels
    assert "Aggarwal 2020: PRP + microneedling against microneedling, n = 30" in labels
    shown = texts(figure)
    assert "+27.6 (14.0\u00a0to\u00a041.1)" in shown
    assert "+13.5 (no interval)" in shown
    assert len(labels) == 2 + len(published) + published["kind"].nunique()


def test_an_effect_below_zero_is_written_with_a_minus():
    row = ForestRow("arm", -3.25, -7.0, 0.5)
    shown = texts(draw_among_published([row], published_trials().iloc[:0], DENSITY, AGAINST))
    assert "\u22123.2 (\u22127.0\u00a0to\u00a00.5)" in shown


def test_responders_of_every_arm_once(result):
    table = result.tables["responders"]
    shown = texts(draw_responders(table[table["missing"] == "no response"], STYLES))
    assert [text for text in shown if " of " in text and "%" in text] == [
        "1 of 9 (11\u00a0%)",
        "5 of 9 (56\u00a0%)",
        "7 of 9 (78\u00a0%)",
    ]


def test_bland_altman_takes_the_repeats_that_most_targets_have(result):
    row = result.tables["bland_altman"].to_dict("records")[0]
    third = result.data.repeats[result.data.repeats["repeat"] == 1].head(3).assign(repeat=3, value=9e9)
    figure = draw_bland_altman(pd.concat([result.data.repeats, third]), row)
    dots = next(line for line in figure.axes[0].lines if line.get_marker() == "o")
    assert len(dots.get_ydata()) == 15
    assert np.mean(dots.get_ydata()) == pytest.approx(row["bias"])
    assert len(figure.axes[0].patches) == 3


def test_identical_repeats_need_no_figure(result):
    result.tables["bland_altman"]["sd"] = 0.0
    assert not [drawing for drawing in draw_trial(result) if drawing.section == "reliability"]


def test_the_flow_tells_every_number_of_every_arm(result):
    shown = texts(draw_flow(result.tables["flow"], STYLES))
    for text in ("subjects in the manifest: 11", "photographs that failed: 1", "subjects analysed at the visit 24: 9"):
        assert shown.count(text) == 3
    assert {"placebo", "prp", "exosome"} <= set(shown)


def test_photographs_of_an_unknown_arm_have_a_column_of_their_own(result):
    unknown = pd.DataFrame([("", "photographs that failed", "", 2)], columns=["arm", "item", "visit", "n"])
    shown = texts(draw_flow(pd.concat([result.tables["flow"], unknown]), STYLES))
    assert "arm not known" in shown


def test_every_figure_has_its_own_name_and_words_for_who_cannot_see_it(result):
    drawings = draw_trial(result)
    assert len({drawing.name for drawing in drawings}) == len(drawings)
    assert all(drawing.alt and drawing.caption for drawing in drawings)
    assert {drawing.section for drawing in drawings} == {
        *("flow", "effects", "endpoint", "responders", "literature", "reliability")
    }
