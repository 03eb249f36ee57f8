"""Agreement and its figures: hand-made photographs whose answer is known."""

from dataclasses import replace
from math import isnan

import numpy as np
import pytest

from hairscan.training.bootstrap import bootstrap
from hairscan.training.evaluate import PhantomAgreement, summarise_phantoms, summarise_phantoms_with_intervals
from hairscan.training.figures import (
    COUNT_FIGURES,
    concordance,
    counts_by_field,
    summarise,
    summarise_with_intervals,
)
from hairscan.training.metrics import Verdict, judge_photo, straight_hairs

UM_PER_PX = 2.78
LABELS = np.array([[[200, 200], [300, 200]], [[500, 500], [600, 500]], [[800, 300], [800, 400]]], float)
KINDS = ("single", "premium", "undersize")


def judge(found, labelled=LABELS, kinds=KINDS, field="f", width_um=None, ignored=None):
    hairs = straight_hairs(np.array(found, float).reshape(-1, 2, 2))
    if width_um is not None:
        hairs = replace(hairs, width_um=np.array(width_um, float))
    return judge_photo(
        field,
        hairs,
        np.array(labelled, float).reshape(-1, 2, 2),
        tuple(kinds),
        ignored=np.zeros((1024, 1280), np.uint8) if ignored is None else ignored,
        um_per_px=UM_PER_PX,
    )


def test_perfect():
    figures = summarise([judge(LABELS)])
    for name in ("f1", "precision", "recall", "recall_single", "recall_premium", "recall_undersize"):
        assert figures[name] == 1.0
    for name in ("bias", "field_count_error", "tile_count_error", "root_error_um", "tip_error_um", "direction_wrong"):
        assert figures[name] == 0.0
    assert figures["angle_error_deg"] == pytest.approx(0.0, abs=1e-6)


def test_shifted_within_reach_and_beyond():
    near = summarise([judge(LABELS + np.array([30.0, 0.0]))])
    assert near["f1"] == 1.0
    assert near["root_error_um"] == near["tip_error_um"] == pytest.approx(30.0 * UM_PER_PX)
    far = summarise([judge(LABELS + np.array([41.0, 0.0]))])
    assert far["f1"] == far["recall"] == 0.0
    assert far["bias"] == 0.0
    assert isnan(far["root_error_um"])
    assert isnan(far["direction_wrong"])


def test_turned_by_a_known_angle():
    found = LABELS[:1].copy()
    found[0, 1] = found[0, 0] + 100.0 * np.array([np.cos(np.deg2rad(12.0)), np.sin(np.deg2rad(12.0))])
    assert summarise([judge(found)])["angle_error_deg"] == pytest.approx(12.0)


def test_swapped_ends_are_a_wrong_direction_not_a_wrong_root():
    found = np.concatenate([LABELS[:1, ::-1], LABELS[1:]])
    figures = summarise([judge(found)])
    assert figures["f1"] == 1.0
    assert figures["direction_wrong"] == pytest.approx(1 / 3)
    assert figures["root_error_um"] == 0.0


def test_nothing_found():
    figures = summarise([judge([])])
    assert figures["recall"] == figures["f1"] == figures["recall_undersize"] == 0.0
    assert figures["bias"] == -1.0
    assert figures["field_count_error"] == figures["tile_count_error"] == 1.0
    assert isnan(figures["precision"])


def test_nothing_annotated():
    agreement = judge(LABELS, labelled=[], kinds=())
    assert (agreement.found, agreement.labelled, agreement.matched) == (3, 0, 0)
    figures = summarise([agreement])
    assert figures["precision"] == figures["f1"] == 0.0
    assert isnan(figures["recall"])
    assert isnan(figures["tile_count_error"])


def test_every_hair_found_twice():
    agreement = judge(np.concatenate([LABELS, LABELS + np.array([0.0, 3.0])]))
    figures = summarise([agreement])
    assert figures["recall"] == 1.0
    assert figures["precision"] == 0.5
    assert figures["f1"] == pytest.approx(2 / 3)
    assert figures["bias"] == figures["tile_count_error"] == 1.0
    assert list(agreement.label_verdicts) == [Verdict.MATCHED] * 3
    assert list(agreement.found_verdicts) == [Verdict.MATCHED] * 3 + [Verdict.ALONE] * 3


def test_border_hairs_abnormal_ones_and_hairs_under_graphics_are_not_judged():
    near_border, loose = [[10, 500], [110, 500]], [[700, 700], [760, 700]]
    ignored = np.zeros((1024, 1280), np.uint8)
    ignored[480:520, 480:520] = 3
    agreement = judge([near_border, loose, *LABELS], [loose, *LABELS], ("abnormal", *KINDS), ignored=ignored)
    assert (agreement.found, agreement.labelled, agreement.matched) == (2, 2, 2)
    assert list(agreement.found_verdicts) == [0, 0, 1, 0, 1]
    assert list(agreement.label_verdicts) == [0, 1, 0, 1]
    assert "recall_abnormal" not in summarise([agreement])


def test_errors_per_tile_do_not_cancel_as_those_per_field_do():
    one_too_many = judge([*LABELS, [[500, 800], [600, 800]]])
    one_missed = judge(LABELS[:2])
    figures = summarise([one_too_many, one_missed])
    assert figures["tile_count_error"] == pytest.approx(1 / 3)
    assert figures["field_count_error"] == figures["bias"] == 0.0
    assert counts_by_field([one_too_many, one_missed]) == [(6.0, 6.0)]


def test_width_by_kind_leaves_out_what_was_not_measured_or_not_matched():
    wrong = [[500, 800], [600, 800]]
    first = judge([*LABELS, wrong], width_um=[70.0, 80.0, np.nan, 999.0])
    second = judge(LABELS, width_um=[74.0, np.nan, np.nan], field="g")
    figures = summarise([first, second])
    assert figures["width_single_um"] == pytest.approx(72.0)
    assert figures["width_premium_um"] == pytest.approx(80.0)
    assert isnan(figures["width_undersize_um"])


def test_concordance_of_equal_series_is_one_and_a_shift_lowers_it():
    a = np.array([1.0, 2.0, 3.0, 4.0])
    assert concordance(a, a) == pytest.approx(1.0)
    assert concordance(a, a + 1) == pytest.approx(2 * 1.25 / (1.25 + 1.25 + 1.0))
    assert concordance(a, np.full(4, 2.5)) == 0.0


def test_intervals_are_over_fields():
    perfect, empty = (
        [judge(found, field=f"{name}{i}") for i in range(8)] for name, found in (("p", LABELS), ("e", []))
    )
    same = summarise_with_intervals(perfect)["recall"]
    assert (same.low, same.value, same.high) == (1.0, 1.0, 1.0)
    mixed = summarise_with_intervals(perfect + empty)["recall"]
    assert mixed.value == 0.5
    # Half of 16 fields, binomial: 4 and 12 of 16 are the 2.5 and 97.5 percentiles.
    assert (mixed.low, mixed.high) == (4 / 16, 12 / 16)
    one_field = summarise_with_intervals([judge(LABELS), judge([])])["recall"]
    assert (one_field.value, np.isnan([one_field.low, one_field.high]).all()) == (0.5, True)


def test_a_field_drawn_twice_counts_twice():
    values = np.array([0.0, 10.0])
    figure = bootstrap(lambda chosen: {"mean": values[chosen].mean()}, 2)["mean"]
    assert (figure.low, figure.value, figure.high) == (0.0, 5.0, 10.0)


def test_a_figure_that_cannot_be_told_has_no_interval():
    figure = bootstrap(lambda chosen: {"none": float("nan")}, 3)["none"]
    assert isnan(figure.value)
    assert isnan(figure.low)
    assert '"low":null' in figure.model_dump_json()


def phantom(found, true, matched, width_error_um):
    none = np.zeros(0, np.uint8)
    off_se = np.array([0.5, -1.9, 2.0, 3.0])[:matched]
    return PhantomAgreement("clipped", found, true, matched, width_error_um, off_se, (), none, none)


def test_figures_of_phantoms():
    agreements = [phantom(10, 10, 10, 4.0), phantom(6, 10, 6, -2.0), phantom(0, 0, 0, np.nan)]
    figures = summarise_phantoms(agreements)
    assert figures["root_f1"] == pytest.approx(2 * 16 / 36)
    assert figures["count_error"] == pytest.approx(0.2)
    assert figures["bias"] == pytest.approx(-0.2)
    assert figures["mean_width_error_um"] == pytest.approx(1.0)
    assert figures["mean_width_abs_error_um"] == pytest.approx(3.0)
    assert figures["width_within"] == pytest.approx(0.5)
    intervals = summarise_phantoms_with_intervals(agreements[:2])
    assert (intervals["count_error"].low, intervals["count_error"].high) == (0.0, 0.4)
    assert {name: figure.value for name, figure in intervals.items()} == summarise_phantoms(agreements[:2])


def test_the_figures_of_counts_are_figures():
    assert set(COUNT_FIGURES) <= set(summarise([judge(LABELS)]))
