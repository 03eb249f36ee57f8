"""The report of a trial: whole, self-contained, and no bolder than its numbers."""

import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pandas as pd
import pytest

pytest.importorskip("jinja2")

from hairscan.batch.run_folder import overlay_names
from hairscan.errors import OutputError
from hairscan.report.trial_figures import draw_trial
from hairscan.report.trial_page import render_report, write_report
from hairscan.report.trial_photos import flagged_photos
from hairscan.report.trial_style import figure_bytes
from hairscan.report.trial_summary import summary_sentences
from hairscan.report.trial_tables import in_order
from hairscan.report.trial_words import MISSING, interval, number, p_text

VOID = {"meta", "img", "br"}


class Reader(HTMLParser):
    """Checks that every element that is opened is closed, and keeps what it read."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def render(result, photos=()):
    drawings = draw_trial(result)
    svgs = {drawing.name: figure_bytes(drawing.figure, "svg") for drawing in drawings}
    return render_report(result, drawings, svgs, photos)


def empty_but(result, *kept):
    """The result with all tables empty but these."""
    tables = {name: table if name in kept else table.iloc[:0] for name, table in result.tables.items()}
    result.tables.clear()
    result.tables.update(tables)
    return result


def test_the_page_needs_nothing_beside_it(result):
    page = render(result)
    read = Reader(page)
    assert all(image["src"].startswith("data:image/") for image in read.all("img"))
    assert {tag for tag, _ in read.tags}.isdisjoint({"script", "link", "iframe", "object"})
    assert not re.search(r"url\(|@import", page)
    assert all(link["href"].startswith(("#", "http")) for link in read.all("a"))


def test_intervals_are_called_by_the_level_of_the_design(result):
    assert "95 % CI" in Reader(render(result)).text
    result.design.level = "80 %"
    text = Reader(render(result)).text
    assert "80 % CI of it" in text
    assert "95 % CI" not in text


def test_the_page_can_be_read_without_eyes(result):
    read = Reader(render(result))
    assert all(image["alt"] for image in read.all("img"))
    assert len(read.all("caption")) == len(read.all("table"))
    assert read.all("html") == [{"lang": "en"}]
    assert len(read.all("h1")) == 1
    places = {attrs["id"] for _, attrs in read.tags if "id" in attrs}
    assert {link["href"][1:] for link in read.all("a") if link["href"].startswith("#")} == places


def test_the_page_tells_what_a_reader_must_know(result):
    text = Reader(render(result)).text
    assert "does not diagnose" in text
    assert "ab" * 32 in text
    assert "Corrections by hand: none recorded." in text
    assert "Left out by a rule set in the design: photographs out of focus." in text
    assert "hair transplant in week 9" in text
    assert "changed by +41 within 4 weeks (limit 30)" in text
    assert "other denominator: percent of the baseline" in text
    assert "more than 5 % of the picture is glare" in text
    assert "mixed model for repeated measures" in text


def test_the_page_shows_the_design_and_the_count_and_names_the_file_of_the_rest(result):
    tables = result.tables
    others = [
        tables["describe"].query("endpoint == 'mean_width_um'").assign(endpoint=name)
        for name in ("hair_count", "median_width_um")
    ]
    tables["describe"] = pd.concat([tables["describe"], *others])
    for name in ("reliability", "bland_altman"):
        tables[name] = pd.concat([tables[name], tables[name].assign(endpoint="median_width_um")])
    text = Reader(render(result)).text
    assert "Hair count (hairs) by arm and visit" in text
    assert "counted area of one photograph" in text
    assert "tables/describe.csv" in text
    assert "edian hair width" not in text


def test_what_comes_from_the_design_is_text_and_not_markup(result):
    result.design.title = "<script>alert(1)</script> & more"
    page = render(result)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page


def test_the_summary_gives_the_primary_result_with_its_interval(result):
    effects = result.tables["effects"]
    row = effects.iloc[3]
    assert tuple(row[["set", "visit", "arm", "method"]]) == ("full", "24", "exosome", "MMRM")
    sentence = summary_sentences(result)[1]
    assert f"changed by {row['estimate']:.1f} hairs/cm² more under exosome than under placebo" in sentence
    assert (
        f"95 % confidence interval {row['low']:.1f}\u00a0to\u00a0{row['high']:.1f}; p =\u00a00.004; n = 10 and 10"
        in sentence
    )
    assert "does not show" not in sentence


def test_the_summary_claims_nothing_that_the_interval_leaves_open(result):
    effects = result.tables["effects"]
    effects.loc[3, ["estimate", "low", "high", "p"]] = [-2.0, -5.0, 1.0, 0.18]
    effects.loc[2, "p_adjusted"] = 0.3
    prp, exosome, _ = summary_sentences(result)
    assert "changed by 2.0 hairs/cm² less under exosome" in exosome
    assert exosome.endswith("The interval holds zero: the trial does not show that the two differ.")
    assert prp.endswith("Over all tests, in their fixed sequence, p =\u00a00.30: not significant.")
    effects.loc[3, ["estimate", "note"]] = [np.nan, "fewer subjects than coefficients"]
    assert "cannot be estimated (fewer subjects than coefficients)" in summary_sentences(result)[1]


def test_tables_stand_in_the_order_of_the_design(result):
    effects = result.tables["effects"].iloc[::-1].sort_values("set", kind="stable")
    ordered = in_order(effects, result.design.endpoints, result.design.arms)
    assert list(ordered["endpoint"].head(4)) == ["density_per_cm2"] * 4
    assert list(zip(ordered["arm"], ordered["week"], strict=True))[:4] == [
        ("prp", 12.0),
        ("prp", 24.0),
        ("exosome", 12.0),
        ("exosome", 24.0),
    ]
    assert list(dict.fromkeys(ordered["set"])) == ["full", "per protocol"]


def test_without_repeats_the_page_says_what_is_not_known(result):
    text = Reader(render(empty_but(result, "describe", "effects", "adjusted_means"))).text
    assert "holds no repeated photographs" in text
    assert "No photograph carries a flag." in text
    assert "Nothing was left out." in text


def test_responders_without_a_control_stand_alone(result):
    result.design.control, result.design.treatments = None, ("prp", "exosome")
    result.tables["responders"] = result.tables["responders"].assign(control="")
    text = Reader(render(empty_but(result, "describe", "responders"))).text
    assert "5 of 9 (56\u00a0%; 27\u00a0to\u00a081)" in text
    assert "number needed to treat" not in text


def test_captions_name_the_threshold_that_was_used(result):
    caption = "Subjects with a gain in hair density of at least 10 hairs/cm²"
    assert f"{caption}, with 95 % CI" in Reader(render(result)).text
    result.tables["responders"]["least_gain_high"] = 13.3
    raised = f"{caption}, raised to the minimal detectable change (10.0\u00a0to\u00a013.3 hairs/cm²)"
    assert Reader(render(result)).text.count(raised) == 2
    result.design.responder.change, result.design.responder.percent = None, 15.0
    result.tables["responders"]["least_gain_low"] = 13.3
    assert (
        "at least 15 %, and of at least the minimal detectable change (13.3 hairs/cm²)" in Reader(render(result)).text
    )


def test_a_trial_of_one_arm_has_a_page_without_effects(result):
    result.design.control, result.design.treatments = None, ("exosome",)
    text = Reader(render(empty_but(result, "describe", "flow"))).text
    assert "The trial has no control arm (exosome only)" in text
    assert "there is no effect to estimate" in text
    assert "No responders were counted" in text


def test_a_page_of_empty_tables_is_still_a_page(result):
    text = Reader(render(empty_but(result))).text
    assert "cannot be estimated" in text
    assert "Nothing was measured." in text


def test_a_split_scalp_trial_shows_its_pairs(result):
    result.design.layout = "split-scalp"
    pairs = result.tables["effects"].head(1)[["endpoint", "visit", "week", "arm", "control"]]
    figures = {"n_pairs": 12, "difference_mean": 4.28, "difference_sd": 9.1, "correlation": 0.4}
    result.tables["pairs"] = pairs.assign(**figures, difference_low=-1.5, difference_high=10.06)
    ahead = {"cliffs_delta": "dominance_of_pairs", "delta_low": "dominance_low", "delta_high": "dominance_high"}
    result.tables["effect_sizes"] = result.tables["effect_sizes"].rename(columns=ahead)
    text = Reader(render(result)).text
    assert "Split-scalp trial" in text
    assert "Hedges g of pairs" in text
    assert "dominance of pairs" in text
    assert "0.50 (0.00 to 0.80)" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert "Cliff's delta" not in text.partition("This trial among published ones")[0]
    assert "n = 10 pairs" in text
    assert "+4.3 (9.1)" in text


def test_the_files_are_the_page_and_every_figure_twice(result, tmp_path):
    page = write_report(result, tmp_path / "report")
    names = {path.stem for path in (page.parent / "figures").glob("*.svg")}
    assert page.name == "report.html"
    assert names == {path.stem for path in (page.parent / "figures").glob("*.png")}
    assert {"flow", "effects", "responders", "published-against-control-density_per_cm2"} <= names


def test_flagged_photographs_are_shown_where_the_run_has_their_overlays(result, tmp_path):
    (tmp_path / "overlays").mkdir()
    cv2.imwrite(str(tmp_path / "overlays" / "photos_b.png"), np.full((900, 1200, 3), 128, np.uint8))
    (shown,) = flagged_photos(result, tmp_path)
    assert shown.caption == "photos/b.jpg: subject PR01, visit 12"
    assert shown.words == "more than 5 % of the picture is glare"
    read = Reader(render(result, [shown]))
    assert any(image["src"] == shown.uri for image in read.all("img"))
    assert flagged_photos(result, None) == []


def test_an_overlay_is_found_though_a_photograph_of_like_name_failed(result, tmp_path):
    result.data.failures.loc[len(result.data.failures), "image"] = "photos/b.png"
    (tmp_path / "overlays").mkdir()
    name = overlay_names(["photos/b.jpg", "photos/b.png"])["photos/b.jpg"]
    assert name != "photos_b.png"
    cv2.imwrite(str(tmp_path / "overlays" / name), np.full((90, 120, 3), 128, np.uint8))
    assert [photo.caption for photo in flagged_photos(result, tmp_path)] == ["photos/b.jpg: subject PR01, visit 12"]


def test_a_folder_that_cannot_be_written_is_one_line(result, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match="cannot write to"):
        write_report(result, tmp_path / "taken")


def test_numbers_for_people():
    assert number(-0.04, 1, signed=True) == "0.0"
    assert number(-3.14159, 2) == "\u22123.14"
    assert number(3.14159, 1, signed=True) == "+3.1"
    assert number(float("nan"), 1) == MISSING
    assert interval(1.0, float("nan"), 1) == MISSING
    assert [p_text(p) for p in (0.0004, 0.012, 0.5, float("nan"))] == ["<0.001", "0.012", "0.50", MISSING]


def test_without_matched_hairs_the_page_says_how_to_have_them(result):
    text = Reader(render(result)).text
    assert "hairs of the visits were not matched" in text
    assert "Change of matched hairs beside" not in text


def test_matched_change_stands_beside_that_of_the_photographs(result):
    row = {"endpoint": "density_per_cm2", "arm": "prp", "visit": "24", "week": 24.0, "n": 8, "n_unmatched": 9}
    row |= {"matched_mean": 9.04, "matched_sd": 3.06, "unmatched_mean": -8.5, "unmatched_sd": 6.1}
    row |= {"sd_ratio": 0.5, "sd_ratio_low": 0.3, "sd_ratio_high": 0.8, "undecided_share": 0.123}
    row |= {
        f"subjects_share_if_same_effect{end}": share for end, share in (("", 0.25), ("_low", 0.09), ("_high", 0.64))
    }
    effects = result.tables["effects"].query("method == 'MMRM' and set == 'full'")
    nothing = {name: float("nan") for name in row if name.startswith("subjects_share")}
    result.tables["matched_change"] = pd.DataFrame([{**row, **nothing}, {**row, "endpoint": "mean_width_um"}])
    result.tables["matched_effects"] = effects.assign(estimate=7.77, p_adjusted=float("nan"))
    text = Reader(render(result)).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "8 of 9" in text
    assert "+9.0 (3.1)" in text
    assert "\u22128.5 (6.1)" in text
    assert "0.50 (0.30 to 0.80)" in text
    assert "subjects for the same power if both show the same effect" in text
    assert "No such share is given for density" in text
    assert text.count("25 % (9 % to 64 %)") == 1
    assert f"0.50 (0.30 to 0.80){MISSING}12 %" in text
    assert "12 %" in text
    assert "+7.8" in text
    result.tables["matched_change"] = result.tables["matched_change"].iloc[:0]
    assert "The hairs of no visit could be matched" in Reader(render(result)).text
