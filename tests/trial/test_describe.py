"""The tables a trial's observations become: descriptions, effect sizes and responders, and what is missing in them."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hairscan.trial.describe import DESCRIBE_COLUMNS, DESCRIBE_PAIRS_COLUMNS, describe, describe_pairs
from hairscan.trial.design import Responder
from hairscan.trial.detectable import errors_of
from hairscan.trial.effect_sizes import (
    EFFECT_SIZE_COLUMNS,
    cliffs_delta,
    dominance_of_pairs,
    effect_sizes,
    hedges_g,
    hedges_g_of_pairs,
)
from hairscan.trial.pairs import PAIR_COLUMNS, PAIR_EFFECT_COLUMNS, make_pairs, pair_effects
from hairscan.trial.responders import RESPONDER_COLUMNS, responders

pytestmark = pytest.mark.filterwarnings("error")

COLUMNS = ["subject", "arm", "side", "site", "visit", "week", "endpoint", "value", "base", "change", "is_baseline"]


def observations_of(values, endpoint="density_per_cm2", site=""):
    """Rows of the tidy table from {(subject, arm): (value at week 0, 12, ...)}; None is a missing visit."""
    rows = []
    for (subject, arm), at_visits in values.items():
        for i, value in enumerate(at_visits):
            if value is not None:
                week, base = 12.0 * i, at_visits[0]
                rows.append((subject, arm, "", site, f"{week:.0f}", week, endpoint, value, base, value - base, i == 0))
    table = pd.DataFrame(rows, columns=COLUMNS)
    percent_change = 100 * table["change"] / table["base"].where(table["base"] != 0)
    rest = {"analysed": True, "area_cm2": 0.9, "photo_variance": 2.0, "operator_variance": 2.0}
    return table.assign(percent_change=percent_change, **rest)


PARALLEL = {
    ("S1", "placebo"): (100.0, 102.0),
    ("S2", "placebo"): (0.0, 4.0),
    ("S3", "placebo"): (120.0, 111.0),
    ("S4", "prp"): (90.0, 120.0),
    ("S5", "prp"): (110.0, 121.0),
    ("S6", "prp"): (130.0, 153.0),
    ("S7", "prp"): (105.0, None),
}
SPLIT = {
    (subject, arm): values
    for subject, sides in {
        "S1": ((100.0, 130.0), (100.0, 105.0)),
        "S2": ((100.0, 125.0), (110.0, 131.0)),
        "S3": ((100.0, 108.0), (95.0, 94.0)),
        "S4": ((100.0, 122.0), (95.0, 102.0)),
        "S5": ((100.0, 140.0), (95.0, None)),
    }.items()
    for arm, values in zip(("prp", "placebo"), sides, strict=True)
}


def respond(observations, rule=None, errors=(), missing="left out", **settings):
    rule = Responder(endpoint="density_per_cm2", **(rule or {"change": 20.0}))
    asked = {"control": "placebo", "alpha": 0.05, "visit": "12", "layout": "parallel"} | settings
    table = responders(observations, rule, errors_with(*errors), **asked)
    return table[table["missing"] == missing]


def errors_with(*errors):
    """Errors of measurement given as kind, SEM and degrees of freedom."""
    table = pd.DataFrame(errors, columns=["kind", "sem", "df"]).assign(endpoint="density_per_cm2")
    return errors_of(table, "density_per_cm2")


def test_a_description_has_the_moments_and_quartiles():
    # 2, 4, 4, 4, 5, 5, 7, 9: mean 5, sum of squares 32; quartiles by Hyndman and Fan's type 7: 4, 4.5, 5.5
    values = {(f"S{i}", "prp"): (v,) for i, v in enumerate((2.0, 4, 4, 4, 5, 5, 7, 9))}
    row = describe(observations_of(values), alpha=0.05).iloc[0]
    assert (row["n"], row["mean"], row["median"], row["q1"], row["q3"]) == (8, 5, 4.5, 4, 5.5)
    assert row["sd"] == pytest.approx(np.sqrt(32 / 7))
    half = stats.t.ppf(0.975, 7) * np.sqrt(32 / 7 / 8)
    assert (row["low"], row["high"]) == pytest.approx((5 - half, 5 + half))
    assert row["area_cm2_mean"] == pytest.approx(0.9)


def test_changes_start_after_baseline_and_zero_has_no_percentage():
    table = describe(observations_of(PARALLEL), alpha=0.05).set_index(["visit", "arm"])
    at_baseline = table.loc[("0", "prp")]
    assert (at_baseline["n"], at_baseline["n_change"]) == (4, 0)
    assert at_baseline[["change_mean", "change_sd", "percent_change_mean", "correlation"]].isna().all()
    placebo = table.loc[("12", "placebo")]
    assert (placebo["n_change"], placebo["change_mean"], placebo["change_median"]) == (3, -1, 2)
    # by hand: 2 %, a base of zero, -7.5 %
    assert placebo["percent_change_mean"] == pytest.approx((2 - 7.5) / 2)
    assert placebo["correlation"] == pytest.approx(np.corrcoef([100, 0, 120], [102, 4, 111])[0, 1])


def test_one_subject_has_a_mean_and_no_spread():
    row = describe(observations_of({("S1", "prp"): (100.0, 110.0)}), alpha=0.05).iloc[1]
    assert (row["n"], row["mean"], row["change_mean"]) == (1, 110, 10)
    assert row[["sd", "low", "high", "change_sd", "percent_change_sd", "correlation"]].isna().all()


def test_rows_follow_the_endpoints_as_given_and_the_weeks():
    later = observations_of(PARALLEL, "mean_width_um")
    table = describe(pd.concat([later, observations_of(PARALLEL)]).iloc[::-1], alpha=0.05)
    assert list(dict.fromkeys(table["endpoint"])) == ["density_per_cm2", "mean_width_um"]
    assert table["visit"].tolist() == ["0", "0", "12", "12"] * 2
    assert table["arm"].tolist() == ["placebo", "prp"] * 4


def test_sites_of_one_subject_count_once_and_what_is_not_analysed_not_at_all():
    sites = pd.concat([observations_of(PARALLEL, site="frontal"), observations_of(PARALLEL, site="vertex")])
    once = describe(observations_of(PARALLEL), alpha=0.05)
    pd.testing.assert_frame_equal(describe(sites, alpha=0.05), once)
    spare = observations_of({("S9", "prp"): (0.0, 900.0)}).assign(analysed=False)
    pd.testing.assert_frame_equal(describe(pd.concat([observations_of(PARALLEL), spare]), alpha=0.05), once)


def test_pairs_are_described_by_their_differences():
    row = describe_pairs(make_pairs(observations_of(SPLIT), control="placebo"), alpha=0.05).iloc[0]
    differences = np.array([25.0, 4.0, 9.0, 15.0])
    assert (row["n_pairs"], row["difference_mean"]) == (4, differences.mean())
    assert row["difference_sd"] == pytest.approx(differences.std(ddof=1))
    half = stats.t.ppf(0.975, 3) * differences.std(ddof=1) / 2
    assert row["difference_high"] - row["difference_mean"] == pytest.approx(half)
    assert row["correlation"] == pytest.approx(np.corrcoef([30, 25, 8, 22], [5, 21, -1, 7])[0, 1])


def test_effect_sizes_are_those_of_the_changes():
    placebo, prp = np.array([2.0, 4.0, -9.0]), np.array([30.0, 11.0, 23.0])
    row = effect_sizes(observations_of(PARALLEL), control="placebo", alpha=0.05, layout="parallel").iloc[0]
    assert row.dropna().tolist() == [
        *("density_per_cm2", "12", 12.0, "prp", "placebo", 3, 3),
        *hedges_g(prp, placebo, 0.05),
        *cliffs_delta(prp, placebo, 0.05),
    ]
    assert row[["dominance_of_pairs", "dominance_low", "dominance_high"]].isna().all()
    pairs = make_pairs(observations_of(SPLIT), control="placebo")
    prp, placebo = np.array([30.0, 25.0, 8.0, 22.0]), np.array([5.0, 21.0, -1.0, 7.0])
    row = effect_sizes(pairs, control="placebo", alpha=0.05, layout="split-scalp").iloc[0]
    assert row.dropna().tolist()[5:] == [
        *(4, 4),
        *hedges_g_of_pairs(prp, placebo, 0.05),
        *dominance_of_pairs(prp - placebo, 0.05),
    ]
    assert row[["cliffs_delta", "delta_low", "delta_high"]].isna().all()


def test_an_absent_arm_gives_nan():
    without = observations_of({key: values for key, values in PARALLEL.items() if key[1] == "prp"})
    sizes = effect_sizes(without, control="placebo", alpha=0.05, layout="parallel").iloc[0]
    assert (sizes["n_arm"], sizes["n_control"]) == (3, 0)
    assert sizes[["hedges_g", "cliffs_delta"]].isna().all()
    row = respond(without).iloc[0]
    assert (row["n_arm"], row["n_control"], row["share_arm"]) == (3, 0, 2 / 3)
    assert row[["share_control", "difference", "odds_ratio", "nnt", "p"]].isna().all()
    assert "an arm has no subject" in row["note"]


def test_responders_are_counted_at_the_threshold():
    row = respond(observations_of(PARALLEL), rule={"change": 23.0}).iloc[0]
    counted = row[["n_arm", "n_control", "responders_arm", "responders_control"]].tolist()
    assert counted == [3, 3, 2, 0]
    assert row["difference"] == pytest.approx(2 / 3)
    assert "no figure at this visit: 1 of prp" in row["note"]


def test_everyone_with_a_baseline_is_counted_first():
    observations = observations_of(PARALLEL | {("S8", "prp"): (100.0,), ("S9", "placebo"): (0.0, None)})
    # S8 came once: no member of the full analysis set, but a baseline
    observations.loc[observations["subject"] == "S8", "analysed"] = False
    row = respond(observations, missing="no response").iloc[0]
    counted = row[["n_arm", "n_control", "responders_arm", "responders_control"]].tolist()
    assert counted == [5, 4, 2, 0]
    assert "no figure at this visit: 2 of prp, 1 of placebo" in row["note"]
    by_percent = respond(observations, {"percent": 15.0}, missing="no response").iloc[0]
    assert by_percent[["n_control", "responders_arm", "responders_control"]].tolist() == [4, 2, 0]
    told = "no figure at this visit: 2 of prp, 1 of placebo; no percentage of a baseline of 0 exists: 1 of placebo"
    assert told in by_percent["note"]


def test_shares_have_the_interval_of_wilson():
    # Newcombe 1998, Statistics in Medicine 17:857, table I, by method 3: 81 of 263 (0.2553 to 0.3662), 0 of 20
    # (0 to 0.1611)
    values = {(f"P{i:03d}", "prp"): (100.0, 130.0 if i < 81 else 100.0) for i in range(263)}
    values |= {(f"C{i:03d}", "placebo"): (100.0, 100.0) for i in range(20)}
    row = respond(observations_of(values)).iloc[0]
    assert (row["share_arm_low"], row["share_arm_high"]) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert (row["share_control_low"], row["share_control_high"]) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_without_a_control_responders_are_counted_alone():
    treated = {key: values for key, values in PARALLEL.items() if key[1] == "prp"}
    row = respond(observations_of(treated), control=None, missing="no response").iloc[0]
    assert (row["arm"], row["control"], row["n_arm"], row["responders_arm"]) == ("prp", "", 4, 2)
    assert 0 < row["share_arm_low"] < 0.5 < row["share_arm_high"] < 1
    assert row[["n_control", "share_control", "difference", "odds_ratio", "nnt", "p"]].isna().all()
    assert "no control: holds what an untreated scalp gains" in row["note"]


def test_a_side_without_a_figure_is_no_response_of_that_side():
    row = respond(observations_of(SPLIT | {("S6", "prp"): (100.0, 190.0)}), missing="no response", layout="split-scalp")
    # S5 gains 40 on the treated side and lacks the other; S6 has one side only
    counted = row.iloc[0][["n_arm", "n_control", "responders_arm", "responders_control"]].tolist()
    assert counted == [5, 5, 4, 1]
    assert "no baseline on the other side: 1 of prp; no figure at this visit: 1 of placebo" in row.iloc[0]["note"]


def test_the_threshold_is_no_smaller_than_the_minimal_detectable_change():
    observations = observations_of(PARALLEL)
    raised = respond(observations, {"change": 5.0}, [("same visit", 25 / 1.96 / np.sqrt(2), 10)]).iloc[0]
    assert raised["responders_arm"] == 1
    assert raised["note"].startswith("threshold raised from 5 to the minimal detectable change of the subject: 25")
    assert (raised["least_gain_low"], raised["least_gain_high"]) == pytest.approx((25, 25))
    kept = respond(observations, {"change": 5.0}, [("same visit", 1.0, 10)]).iloc[0]
    assert kept["responders_arm"] == 3
    assert "threshold" not in kept["note"]


def test_the_detectable_change_is_that_of_the_subjects_own_means():
    # one photograph at both visits has the variance 2, four at both have 1/2: half the detectable change
    observations = observations_of(PARALLEL)
    observations.loc[observations["subject"] == "S5", "photo_variance"] = 0.5
    row = respond(observations, {"change": 5.0}, [("same visit", 22 / 1.96 / np.sqrt(2), 10)]).iloc[0]
    # S4 gains 30 and S6 23 of the 22 they need, S5 11 of 11
    assert row["responders_arm"] == 3
    assert (row["least_gain_low"], row["least_gain_high"]) == pytest.approx((11, 22))
    assert "the minimal detectable change of the subject: 11 to 22" in row["note"]
    # what operators add does not fall with the number of photographs
    by_operators = [("operators", 22 / 1.96 / np.sqrt(2), 10)]
    assert respond(observations, {"change": 5.0}, by_operators).iloc[0]["responders_arm"] == 2


def test_an_error_of_few_repeats_is_named():
    errors = [("same visit", 30.0, 9), ("operators", 1.0, 10)]
    row = respond(observations_of(PARALLEL), {"change": 5.0}, errors).iloc[0]
    assert row["responders_arm"] == 0
    told = "the minimal detectable change rests on fewer than 10 degrees of freedom (same visit: 9) and may be far off"
    assert told in row["note"]


def test_a_photograph_read_again_tells_no_detectable_change():
    assert errors_with(("duplicates", 3.0, 20), ("same visit", 7.0, 20))["sem"].tolist() == [7]


def test_a_rule_in_percent_also_asks_for_the_minimal_detectable_change():
    # S4 gains 33 %, S5 10 %, S6 18 % and 23 hairs per cm2
    loose = respond(observations_of(PARALLEL), {"percent": 15.0}).iloc[0]
    assert loose["responders_arm"] == 2
    # a base of zero has no percentage: one of the three of the placebo arm cannot be counted
    assert loose["n_control"] == 2
    strict = respond(observations_of(PARALLEL), {"percent": 15.0}, [("same visit", 25 / 1.96 / np.sqrt(2), 10)]).iloc[0]
    assert strict["responders_arm"] == 1
    assert strict["note"].startswith("a responder also gained at least the minimal detectable change, 25")


def test_sides_of_one_subject_are_compared_as_pairs():
    row = respond(observations_of(SPLIT), layout="split-scalp").iloc[0]
    counted = row[["n_arm", "n_control", "responders_arm", "responders_control"]].tolist()
    # S5 lacks one side; S1 and S4 respond on the treated side only, S2 on both
    assert counted == [4, 4, 3, 1]
    assert row["difference"] == pytest.approx(0.5)
    assert row["p"] == pytest.approx(2 / 2**2)
    assert "no figure at this visit: 1 of placebo" in row["note"]


def test_no_rows_still_have_all_columns():
    empty = observations_of({})
    pairs = make_pairs(empty, control="placebo")
    for table, columns in (
        (describe(empty, alpha=0.05), DESCRIBE_COLUMNS),
        (pairs, PAIR_COLUMNS),
        (describe_pairs(pairs, alpha=0.05), DESCRIBE_PAIRS_COLUMNS),
        (pair_effects(pairs, alpha=0.05), PAIR_EFFECT_COLUMNS),
        (effect_sizes(empty, control="placebo", alpha=0.05, layout="parallel"), EFFECT_SIZE_COLUMNS),
        (effect_sizes(pairs, control="placebo", alpha=0.05, layout="split-scalp"), EFFECT_SIZE_COLUMNS),
        (respond(empty), RESPONDER_COLUMNS),
        (respond(empty, layout="split-scalp"), RESPONDER_COLUMNS),
    ):
        assert list(table.columns) == list(columns)
        assert table.empty


def test_the_observations_are_left_as_they_are():
    observations = observations_of(SPLIT)
    before = observations.copy()
    describe(observations, alpha=0.05)
    pair_effects(make_pairs(observations, control="placebo"), alpha=0.05)
    respond(observations, layout="split-scalp")
    pd.testing.assert_frame_equal(observations, before)
