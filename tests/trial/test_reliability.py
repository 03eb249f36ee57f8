"""Reliability against published examples."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from hairscan.trial.icc import absolute_agreement, consistency, over_subjects
from hairscan.trial.reliability import BLAND_ALTMAN_COLUMNS, RELIABILITY_COLUMNS, agreement, bland_altman, reliability

pytestmark = pytest.mark.filterwarnings("error")

SHROUT_AND_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7.0]])
"""Shrout and Fleiss 1979, table 2: six targets, four judges."""

some_tables = st.tuples(st.integers(2, 6), st.integers(2, 4)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(-20, 20)).map(lambda table: table.astype(float))
)


def repeats_of(table, kind="operators", endpoint="density_per_cm2", per_subject=1):
    """Rows of the repeats table from targets (rows) and repeats (columns); NaN is a repeat that was not made."""
    return pd.DataFrame(
        [
            {
                "endpoint": endpoint,
                "kind": kind,
                "subject": f"S{i // per_subject}",
                "target": f"T{i:02d}",
                "repeat": j,
                "value": value,
            }
            for i, row in enumerate(table)
            for j, value in enumerate(row)
            if not np.isnan(value)
        ],
        columns=["endpoint", "kind", "subject", "target", "repeat", "value"],
    )


def test_the_correlations_are_those_of_shrout_and_fleiss():
    # Shrout and Fleiss 1979, table 4: ICC(2,1) = 0.29, ICC(3,1) = 0.71; their intervals as the R package psych prints
    # them in its help of ICC: 0.019 to 0.76 and 0.34 to 0.95
    row = reliability(repeats_of(SHROUT_AND_FLEISS), alpha=0.05).iloc[0]
    assert (row["icc21"], row["icc31"]) == pytest.approx((0.29, 0.71), abs=0.005)
    assert (row["icc21_low"], row["icc21_high"]) == pytest.approx((0.019, 0.76), abs=0.005)
    assert (row["icc31_low"], row["icc31_high"]) == pytest.approx((0.34, 0.95), abs=0.005)
    assert (row["n_targets"], row["n_photos"], row["note"]) == (6, 24, "")


def test_the_error_is_the_spread_within_targets():
    # the same table: the mean square within targets is 6.26 (Shrout and Fleiss 1979, table 3)
    row = reliability(repeats_of(SHROUT_AND_FLEISS), alpha=0.05).iloc[0]
    assert row["sem"] ** 2 == pytest.approx(6.26, abs=0.005)
    assert row["mdc95"] == pytest.approx(1.96 * np.sqrt(2) * row["sem"])


def test_the_error_has_the_interval_of_a_standard_deviation():
    # six targets of four: 18 degrees of freedom, whose chi-square has its tails of 2.5 % at 8.231 and 31.526
    row = reliability(repeats_of(SHROUT_AND_FLEISS), alpha=0.05).iloc[0]
    assert row["df"] == 18
    bounds = [np.sqrt(18 / 31.526), np.sqrt(18 / 8.231)]
    assert row[["sem_low", "sem_high"]].astype(float).tolist() == pytest.approx(
        [row["sem"] * b for b in bounds], rel=1e-4
    )


def test_the_coefficient_of_variation_is_the_root_mean_square():
    # by hand: SDs sqrt(2) and 0 of means 10 and 20: sqrt((0.02 + 0) / 2)
    row = reliability(repeats_of([[9.0, 11.0], [20.0, 20.0]]), alpha=0.05).iloc[0]
    assert row["within_cv_percent"] == pytest.approx(100 * np.sqrt(0.01))


def test_an_offset_between_repeats_costs_agreement_but_not_consistency():
    base = np.array([1.0, 4.0, 2.0, 8.0])
    table = np.column_stack([base, base + 1.5])
    # McGraw and Wong 1996: var(targets) / (var(targets) + var(repeats)), with 1.5^2 / 2 between the repeats
    assert consistency(table, 0.05).estimate == pytest.approx(1)
    assert absolute_agreement(table, 0.05).estimate == pytest.approx(base.var(ddof=1) / (base.var(ddof=1) + 1.5**2 / 2))


def test_unequal_numbers_of_repeats_all_count_for_the_error():
    nan = np.nan
    table = [[10.0, 12.0, 11.0], [20.0, 21.0, nan], [30.0, 33.0, nan], [15.0, nan, 16.0], [7.0, nan, nan]]
    row = reliability(repeats_of(table), alpha=0.05).iloc[0]
    assert (row["n_targets"], row["n_photos"]) == (4, 9)
    # sums of squares within the targets over their degrees of freedom: (2 + 0.5 + 4.5 + 0.5) / (2 + 1 + 1 + 1)
    assert row["sem"] ** 2 == pytest.approx(7.5 / 5)
    assert row["note"] == "correlations from 2 repeats of 3 targets"
    assert row["icc31"] == pytest.approx(consistency(np.array([[10, 12], [20, 21], [30, 33.0]]), 0.05).estimate)


def test_the_agreement_is_that_of_the_flow_meters():
    # Bland and Altman 1986, table 1, first readings: bias -2.1 l/min, SD 38.8, interval of the bias -22.0 to 17.8
    wright = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427.0]
    mini = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451.0]
    row = bland_altman(repeats_of(np.column_stack([mini, wright])), alpha=0.05).iloc[0]
    assert row["n_pairs"] == 17
    told = row[["bias", "sd", "bias_low", "bias_high"]].astype(float).tolist()
    assert told == pytest.approx([-2.1, 38.8, -22.0, 17.8], abs=0.05)


def test_the_limits_of_agreement_are_those_of_the_blood_pressures():
    # Bland and Altman 1999, section 2: 85 subjects, bias -16.29 mmHg, SD 19.61: limits -54.7 and 22.1, their intervals
    # -61.9 to -47.5 and 14.9 to 29.3, worked out there from rounded steps (1.96^2 / 2 + 1 as 1.71^2, t as 1.99)
    z = np.random.default_rng(1).normal(size=85)
    differences = -16.29 + 19.61 * (z - z.mean()) / z.std(ddof=1)
    told = agreement(np.full(85, 140.0), 140 + differences, 0.05)
    assert (told.loa_low, told.loa_high) == pytest.approx((-54.7, 22.1), abs=0.05)
    assert (told.loa_low_low, told.loa_low_high) == pytest.approx((-61.9, -47.5), abs=0.15)
    assert (told.loa_high_low, told.loa_high_high) == pytest.approx((14.9, 29.3), abs=0.15)


def test_a_proportional_bias_has_a_slope():
    # second = 1.2 first: difference 0.2 first over mean 1.1 first, up to a wobble that both signs share
    first = np.arange(10.0, 30.0)
    wobble = 0.1 * np.array([1, -1, -1, 1] * 5)
    told = agreement(first - wobble, 1.2 * first + wobble, 0.05)
    assert told.slope == pytest.approx(0.2 / 1.1, abs=0.002)
    assert told.slope_p < 1e-10
    flat = agreement(first - wobble, first + wobble, 0.05)
    assert flat.slope == pytest.approx(0, abs=0.01)
    assert flat.slope_p > 0.5


def visits_of_subjects(rng, n_subjects, n_visits, *, between=20.0, within=5.0, error=5.0):
    """Two repeats of every visit of every subject; the true ICC(3,1) is (20^2 + 5^2) / (20^2 + 5^2 + 5^2)."""
    truth = rng.normal(150, between, (n_subjects, 1, 1)) + rng.normal(0, within, (n_subjects, n_visits, 1))
    return (truth + rng.normal(0, error, (n_subjects, n_visits, 2))).reshape(-1, 2)


def test_intervals_of_several_visits_are_over_subjects():
    """300 simulated trials of 8 subjects at 6 visits: the intervals of independent targets hold the truth in 64 %."""
    rng = np.random.default_rng(3)
    subjects, held = np.repeat(np.arange(8), 6), np.zeros(2)
    for _ in range(300):
        table = visits_of_subjects(rng, 8, 6)
        of_subjects, independent = over_subjects(consistency, table, subjects, 0.05), consistency(table, 0.05)
        held += [icc.low <= 425 / 450 <= icc.high for icc in (of_subjects, independent)]
    assert held[0] >= 0.88 * 300
    assert held[1] < 0.75 * 300


def test_a_bias_that_differs_between_subjects_is_that_of_subjects():
    # each subject has a difference of its own at all its six visits: the interval is that of eight values
    rng = np.random.default_rng(5)
    own = rng.normal(2, 3, 8)
    table = np.column_stack([rng.normal(100, 10, 48)] * 2)
    table[:, 1] += np.repeat(own, 6)
    row = bland_altman(repeats_of(table, per_subject=6), alpha=0.05).iloc[0]
    assert (row["n_subjects"], row["n_pairs"]) == (8, 48)
    # the jackknife of a mean is its t interval
    expected = stats.t.interval(0.95, 7, own.mean(), stats.sem(own))
    assert (row["bias_low"], row["bias_high"]) == pytest.approx(expected)
    assert row["loa_low_low"] < row["loa_low"] < row["loa_low_high"]


def test_few_subjects_of_several_visits_have_no_intervals():
    table = visits_of_subjects(np.random.default_rng(6), 4, 6)
    row = reliability(repeats_of(table, per_subject=6), alpha=0.05).iloc[0]
    assert (row["n_subjects"], row["n_targets"]) == (4, 24)
    assert row["icc31"] == pytest.approx(consistency(table, 0.05).estimate)
    assert row[["icc21_low", "icc21_high", "icc31_low", "icc31_high"]].isna().all()
    assert row["note"] == "no intervals: several targets of each of 4 subjects"
    pairs = bland_altman(repeats_of(table, per_subject=6), alpha=0.05).iloc[0]
    assert pairs[["bias_low", "loa_low_low", "loa_high_high", "slope_p"]].isna().all()
    assert pairs["note"] == row["note"]


def test_each_endpoint_and_kind_has_its_row():
    both = pd.concat([repeats_of(SHROUT_AND_FLEISS), repeats_of(SHROUT_AND_FLEISS + 1, "duplicates", "mean_width_um")])
    for table in (reliability(both, alpha=0.05), bland_altman(both, alpha=0.05)):
        assert table[["endpoint", "kind"]].to_numpy().tolist() == [
            ["density_per_cm2", "operators"],
            ["mean_width_um", "duplicates"],
        ]


def test_identical_repeats_agree_without_an_interval():
    row = reliability(repeats_of([[10.0, 10.0], [20.0, 20.0], [35.1, 35.1]]), alpha=0.05).iloc[0]
    assert (row["icc21"], row["icc31"], row["sem"], row["mdc95"]) == pytest.approx((1, 1, 0, 0))
    assert row[["icc21_low", "icc21_high", "icc31_low", "icc31_high"]].isna().all()
    assert row["note"] == "repeats are identical"
    same = bland_altman(repeats_of([[10.0, 10.0], [20.0, 20.0], [35.1, 35.1]]), alpha=0.05).iloc[0]
    assert (same["bias"], same["loa_low"], same["loa_high"]) == (0, 0, 0)
    assert np.isnan(same["slope"])


@pytest.mark.parametrize("table", [[[1.0]], [[1.0, 2.0]], [[1.0, np.nan], [np.nan, 2.0]], []])
def test_too_few_repeats_give_nan(table):
    told, pairs = reliability(repeats_of(table), alpha=0.05), bland_altman(repeats_of(table), alpha=0.05)
    assert list(told.columns) == list(RELIABILITY_COLUMNS)
    assert list(pairs.columns) == list(BLAND_ALTMAN_COLUMNS)
    assert len(told) == len(pairs) == bool(table)
    assert told[["icc21", "icc31_high"]].isna().all(axis=None)
    assert pairs[["sd", "loa_low", "slope"]].isna().all(axis=None)
    assert told["note"].str.startswith("fewer than two targets").all()


@settings(deadline=None)
@given(some_tables, st.integers(-1000, 1000))
def test_shifting_all_values_leaves_the_correlations(table, shift):
    for icc in (absolute_agreement, consistency):
        told, moved = icc(table, 0.05), icc(table + shift, 0.05)
        assert (moved.estimate, moved.low, moved.high) == pytest.approx(
            (told.estimate, told.low, told.high), nan_ok=True, abs=1e-6
        )


@settings(deadline=None)
@given(some_tables)
def test_an_interval_holds_its_correlation(table):
    for icc in (absolute_agreement, consistency):
        told = icc(table, 0.05)
        # below zero, targets more alike than chance makes them, the F intervals need not hold the estimate
        assert np.isnan(told.low) or told.estimate < 0 or told.low - 1e-9 <= told.estimate <= told.high + 1e-9
