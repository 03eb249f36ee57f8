"""Paired tests against published examples, and what pairs are made of."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hairscan.trial import pairs as module
from hairscan.trial.pairs import PAIR_COLUMNS, PAIR_EFFECT_COLUMNS, hodges_lehmann, make_pairs, pair_effects

pytestmark = pytest.mark.filterwarnings("error")

some_differences = st.lists(st.integers(-50, 50), min_size=6, max_size=20).map(lambda v: np.array(v, float))


def pairs_of(differences):
    n = len(differences)
    return pd.DataFrame(
        {
            "endpoint": "density_per_cm2",
            "subject": [f"S{i:02d}" for i in range(n)],
            "site": "",
            "visit": "24",
            "week": 24.0,
            "arm": "prp",
            "control": "placebo",
            "difference": np.asarray(differences, float),
            "base_difference": 0.0,
            "treated_change": np.asarray(differences, float),
            "control_change": 0.0,
        }
    )


def side(subject, name, arm, change, visit="24", site="", analysed=True, base=100.0):
    return {
        "subject": subject,
        "side": name,
        "site": site,
        "arm": arm,
        "visit": visit,
        "week": float(visit),
        "endpoint": "density_per_cm2",
        "value": base + change,
        "base": base,
        "change": change,
        "area_cm2": 1.0,
        "is_baseline": visit == "0",
        "analysed": analysed,
    }


def test_the_paired_t_test_is_that_of_students_sleep_data():
    # Student 1908, as R's help of t.test prints it: t = -4.0621, df = 9, p = 0.002833, -2.4598858 to -0.7001142
    first = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    second = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    row = pair_effects(pairs_of(first - second), alpha=0.05).iloc[0]
    assert row["method"] == "paired t"
    assert (row["n_arm"], row["n_control"], row["df"], row["note"]) == (10, 10, 9, "")
    assert row["estimate"] == pytest.approx(-1.58)
    assert row["estimate"] / row["se"] == pytest.approx(-4.0621, abs=5e-5)
    assert row["p"] == pytest.approx(0.002833, abs=5e-7)
    assert (row["low"], row["high"]) == pytest.approx((-2.4598858, -0.7001142), abs=5e-8)


def test_the_signed_rank_test_is_that_of_hollander_and_wolfe():
    # Hollander and Wolfe 1999, table 3.1 (depression scale factor IV), also in R's help of wilcox.test: V = 40,
    # two-sided p = 0.03906, pseudo-median 0.46, interval 0.010 to 0.786
    before = np.array([1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30])
    after = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29])
    row = pair_effects(pairs_of(before - after), alpha=0.05).iloc[1]
    assert row["method"] == "Wilcoxon signed rank"
    assert row["p"] == pytest.approx(20 / 2**9)
    assert (row["estimate"], row["low"], row["high"]) == pytest.approx((0.46, 0.010, 0.786))
    assert np.isnan(row["se"])
    assert np.isnan(row["df"])


@pytest.mark.parametrize("n", range(1, 11))
def test_the_rank_of_the_limit_is_that_of_all_signs(n):
    # the definition: the largest rank sum whose lower tail over all 2^n signs is at most alpha / 2
    sums = np.array([np.dot(signs, range(1, n + 1)) for signs in product((0, 1), repeat=n)])
    within = [w for w in range(n * (n + 1) // 2 + 1) if np.mean(sums <= w) <= 0.025]
    assert module._rank_of_limit(n, 0.05) == (max(within) if within else -1)


def test_the_normal_approximation_takes_over_without_a_jump(monkeypatch):
    exact = [module._rank_of_limit(n, 0.05) for n in (40, 45, 50)]
    monkeypatch.setattr(module, "_EXACT_UP_TO", 0)
    assert [module._rank_of_limit(n, 0.05) for n in (40, 45, 50)] == pytest.approx(exact, abs=1)


@settings(deadline=None)
@given(some_differences, st.integers(-100, 100))
def test_the_pseudo_median_moves_with_the_values(differences, shift):
    moved = np.array(hodges_lehmann(differences + shift, 0.05))
    assert moved == pytest.approx(np.array(hodges_lehmann(differences, 0.05)) + shift)


@settings(max_examples=15, deadline=None)  # scipy's test permutes all signs where there are ties
@given(some_differences)
def test_swapping_the_sides_flips_the_effects(differences):
    there, back = (pair_effects(pairs_of(sign * differences), alpha=0.05) for sign in (1, -1))
    for one, other in (("estimate", "estimate"), ("low", "high"), ("high", "low")):
        assert there[one].to_numpy() == pytest.approx(-back[other].to_numpy(), nan_ok=True)
    assert there["p"].to_numpy() == pytest.approx(back["p"].to_numpy(), nan_ok=True)


@pytest.mark.parametrize(
    ("differences", "note"),
    [
        ([], None),
        ([3.0], "fewer than two pairs"),
        ([3.0, 3.0, 3.0], "all differences are equal"),
        ([0.1 + 0.2, 0.3, 0.3], "all differences are equal"),
        ([0.0, 0.0], "all differences are equal"),
    ],
)
def test_what_cannot_be_tested_says_why(differences, note):
    effects = pair_effects(pairs_of(differences), alpha=0.05)
    assert list(effects.columns) == list(PAIR_EFFECT_COLUMNS)
    if note is None:
        assert effects.empty
    else:
        assert effects["note"].tolist() == [note] * 2
        assert effects["estimate"].tolist() == pytest.approx([differences[-1]] * 2)
        assert effects[["se", "df", "low", "high", "p"]].isna().all(axis=None)


def test_few_pairs_and_ties_are_told():
    few = pair_effects(pairs_of([1.0, 2.0, 4.0, 7.0]), alpha=0.05).iloc[1]
    assert few["note"] == "4 pairs are too few for an interval of this level"
    assert few["p"] == pytest.approx(2 / 2**4)
    assert np.isnan(few["low"])
    tied = pair_effects(pairs_of([0.0, 1, 1, 1, 2, 3, -1, 5, 6, 7]), alpha=0.05).iloc[1]
    assert tied["note"] == "zero differences left out of the test: 1"


def test_pairs_are_made_within_subject_site_and_visit():
    observations = pd.DataFrame(
        [
            side("S1", "left", "prp", 0.0, visit="0"),
            side("S1", "right", "placebo", 0.0, visit="0"),
            side("S1", "left", "prp", 20.0),
            side("S1", "right", "placebo", 5.0, base=90.0),
            side("S2", "left", "placebo", 1.0),
            side("S2", "right", "exosome", 31.0),
            side("S2", "top", "prp", 11.0),
            side("S3", "left", "prp", 8.0),
            side("S4", "left", "prp", 8.0),
            side("S4", "right", "placebo", np.nan),
            side("S5", "left", "prp", 8.0, analysed=False),
            side("S5", "right", "placebo", 8.0, analysed=False),
            side("S6", "left", "prp", 8.0, site="vertex"),
            side("S6", "right", "placebo", 8.0, site="frontal"),
        ]
    )
    pairs = make_pairs(observations, control="placebo")
    assert list(pairs.columns) == list(PAIR_COLUMNS)
    told = pairs[["subject", "arm", "difference", "base_difference", "treated_change", "control_change"]]
    assert told.to_numpy().tolist() == [
        ["S2", "exosome", 30.0, 0.0, 31.0, 1.0],
        ["S1", "prp", 15.0, 10.0, 20.0, 5.0],
        ["S2", "prp", 10.0, 0.0, 11.0, 1.0],
    ]


def test_sites_of_one_subject_are_one_pair():
    sites = pd.concat([pairs_of([1.0, 2.0, 6.0]), pairs_of([3.0, 2.0, 8.0]).assign(site="vertex")])
    effect = pair_effects(sites, alpha=0.05).iloc[0]
    assert effect["n_arm"] == 3
    assert effect["estimate"] == pytest.approx((2 + 2 + 7) / 3)


def test_pairs_follow_the_endpoints_as_given():
    rows = [side("S1", "left", "prp", 20.0), side("S1", "right", "placebo", 5.0)]
    both = pd.concat([pd.DataFrame(rows).assign(endpoint=name) for name in ("mean_width_um", "density_per_cm2")])
    assert make_pairs(both, control="placebo")["endpoint"].tolist() == ["mean_width_um", "density_per_cm2"]
