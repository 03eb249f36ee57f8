"""Sensitivity to missing visits against closed forms and the papers' own definitions."""

import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from hairscan.trial.ancova import ancova_effects
from hairscan.trial.impute import impute_visits, one_row_per_subject
from hairscan.trial.linear import EFFECT_COLUMNS
from hairscan.trial.missing import (
    DELTA,
    REFERENCE,
    paired_sensitivity_effects,
    pool_imputations,
    sensitivity_effects,
)
from hairscan.trial.mmrm import fit_mmrm, mmrm_effects, paired_mmrm_effects

NUMBERS = ["estimate", "se", "df", "low", "high", "p"]


def make_trial(seed=0, n=80, n_visits=3, effect=4.0, drop=0.2):
    """Two arms, correlated changes; after the first visit a share drops out at every visit."""
    rng = np.random.default_rng(seed)
    arm = np.tile(["placebo", "prp"], n // 2)
    base = rng.normal(120, 20, n)
    root = np.linalg.cholesky(9 * (0.6 * np.ones((n_visits, n_visits)) + 0.4 * np.eye(n_visits)))
    values = rng.normal(size=(n, n_visits)) @ root.T + 0.1 * (base - 120)[:, None] + effect * (arm == "prp")[:, None]
    left = np.cumsum(rng.random((n, n_visits)) < drop, axis=1) > 0
    left[:, 0] = False
    rows = [
        (f"s{i:03d}", arm[i], f"v{v + 1}", 6.0 * (v + 1), values[i, v], base[i])
        for i in range(n)
        for v in range(n_visits)
        if not left[i, v]
    ]
    return pd.DataFrame(rows, columns=["subject", "arm", "visit", "week", "change", "base"])


def one_visit(n_missing=10):
    """One visit, 40 subjects an arm, `n_missing` of the treated arm not seen again, one baseline for all."""
    data = make_trial(1, n_visits=1, effect=3.0).assign(base=100.0, is_baseline=False)
    baseline = data.assign(visit="v0", week=0.0, change=0.0, is_baseline=True)
    lost = data.index[data["arm"] == "prp"][:n_missing]
    return pd.concat([baseline, data.drop(lost)], ignore_index=True)


def sensitivity(data, **options):
    effects = sensitivity_effects(data, control="placebo", alpha=0.05, seed=0, **options)
    return effects.set_index("method")


# ---- pooling


def test_degrees_of_freedom_by_hand():
    """Barnard & Rubin 1999, equations 3 to 5, worked through by hand for three imputations."""
    pooled = pool_imputations(np.array([1.0, 2.0, 3.0]), np.ones(3), 10, 0.05)
    assert pooled.estimate == 2
    assert pooled.se**2 == pytest.approx(1 + 4 / 3)  # W = 1, B = 1
    from_imputations, from_data = 2 / (4 / 7) ** 2, 11 / 13 * 10 * 3 / 7
    assert pooled.df == pytest.approx(1 / (1 / from_imputations + 1 / from_data))


def test_degrees_of_freedom_at_their_limits():
    """Barnard & Rubin 1999: v (v + 1) / (v + 3) when nothing differs; Rubin's (M - 1) (1 + 1/r)^2 when v is large."""
    same = pool_imputations(np.full(5, 2.0), np.ones(5), 20, 0.05)
    assert same.df == pytest.approx(20 * 21 / 23)
    estimates = np.array([1.0, 1.5, 2.5, 2.0])
    ratio = 1.25 * estimates.var(ddof=1) / 0.3
    assert pool_imputations(estimates, np.full(4, 0.3), 1e12, 0.05).df == pytest.approx(3 * (1 + 1 / ratio) ** 2)


# ---- jump to reference


def test_jump_to_reference_dilutes_the_effect_by_the_share_that_left():
    """Closed form: one visit, no covariate; the leavers get the control's mean, so the effect falls by their share.

    The mean over imputations errs by the spread of the imputed means over the square root of their number: 0.1 of 1.
    """
    data = one_visit(n_missing=10)
    seen = data[data["visit"] == "v1"].groupby("arm")["change"].mean()
    observed = seen["prp"] - seen["placebo"]
    effects = sensitivity(data, n_imputations=400)
    assert effects.loc[REFERENCE, "estimate"] == pytest.approx(observed * 30 / 40, abs=0.05)
    assert effects.loc[REFERENCE, "n_arm"] == 40
    assert effects.loc[REFERENCE, "note"].startswith("jump to reference; 10 imputed in prp, 0 in placebo")


def test_leavers_follow_the_conditional_mean_of_carpenter_roger_and_kenward():
    """Carpenter, Roger & Kenward 2013: control mean at missed visits plus the regression on the own residuals before.

    The residuals are from the own arm's mean. Means and covariance by REML (the mixed model), against the mean of
    1000 imputations; 0.25 of the SD 3 allows for prior, draws and REML.
    """
    data = make_trial(3, n=200)
    subjects = one_row_per_subject(data, control="placebo")
    drawn = impute_visits(subjects, np.random.default_rng(0), 1000)
    visit = data["visit"].str[1:].to_numpy(int) - 1
    people = list(dict.fromkeys(data["subject"]))
    row = data["subject"].map(people.index).to_numpy()
    design = subjects.columns.design
    wide = np.einsum("nq,nv->nvq", design[row], np.eye(3)[visit]).reshape(len(data), -1)
    model = fit_mmrm(data["change"], wide, [f"b{i}" for i in range(9)], row, visit)
    coefficients = model.coefficients.reshape(3, 3).T
    as_control = design.copy()
    as_control[:, :2] = [1, 0]
    own, control, covariance = design @ coefficients, as_control @ coefficients, model.visit_covariance
    checked = 0
    for i in np.flatnonzero(subjects.missed.any(axis=1)):
        missed = subjects.missed[i]
        slope = covariance[np.ix_(missed, ~missed)] @ np.linalg.inv(covariance[np.ix_(~missed, ~missed)])
        carried = slope @ (subjects.values[i] - own[i])[~missed]
        assert_allclose(drawn.jumped[:, i, missed].mean(axis=0), control[i, missed] + carried, atol=0.75)
        assert_allclose(drawn.at_random[:, i, missed].mean(axis=0), own[i, missed] + carried, atol=0.75)
        assert_allclose(drawn.jumped[:, i, ~missed], np.tile(subjects.values[i, ~missed], (1000, 1)))
        spread = covariance[np.ix_(missed, missed)] - slope @ covariance[np.ix_(~missed, missed)]
        assert_allclose(drawn.jumped[:, i, missed].std(axis=0), np.diag(spread) ** 0.5, rtol=0.2)
        checked += subjects.arm[i] == "prp"
    assert checked > 10


def test_visits_missed_in_between_do_not_jump():
    data = make_trial(drop=0.0)
    data = data[~((data["subject"] < "s011") & (data["visit"] == "v2"))]
    drawn = impute_visits(one_row_per_subject(data, control="placebo"), np.random.default_rng(0), 5)
    assert_allclose(drawn.jumped, drawn.at_random)


def test_values_missing_at_random_give_the_mixed_model():
    """Both are the same model with the same assumption: they agree to a fraction of the standard error.

    At an alpha that no p reaches, the delta rows are the analysis without delta.
    """
    data = make_trial()
    model = mmrm_effects(data, control="placebo", alpha=0.05)[0]
    effects = sensitivity_effects(data, control="placebo", alpha=1e-12, seed=0)
    delta = effects[effects["method"] == DELTA].reset_index(drop=True)
    assert delta["note"].str.startswith(("already not significant", "not needed")).all()
    assert_allclose(delta["estimate"], model["estimate"], atol=0.15 * model["se"].min())
    assert_allclose(delta["se"], model["se"], rtol=0.1)


# ---- delta


def test_the_tipping_point_is_where_p_reaches_alpha():
    """Closed form: one visit, no covariate; delta on 10 of 40 moves the effect by a quarter of delta."""
    data = one_visit(n_missing=10)
    tipped = sensitivity(data).loc[DELTA]
    delta = float(re.match(r"tipping point: delta (\S+);", tipped["note"])[1])
    seen = data[data["visit"] == "v1"].groupby("arm")["change"].mean()
    assert delta < 0
    assert tipped["p"] == pytest.approx(0.05, abs=1e-6)
    assert tipped["low"] == pytest.approx(0, abs=1e-6)
    assert tipped["estimate"] == pytest.approx(seen["prp"] - seen["placebo"] + delta / 4, abs=0.2)
    # a harmful treatment tips the other way
    turned = sensitivity(data.assign(change=-data["change"])).loc[DELTA]
    assert turned["note"].startswith("tipping point: delta +")
    assert turned["high"] == pytest.approx(0, abs=1e-6)


def test_with_nothing_missing_there_is_nothing_to_tip():
    data = make_trial(drop=0.0)
    effects = sensitivity(data)
    ancova = ancova_effects(data, control="placebo", alpha=0.05)
    for method in (REFERENCE, DELTA):
        assert_allclose(effects.loc[method, "estimate"], ancova["estimate"], rtol=1e-9)
        assert_allclose(effects.loc[method, "se"], ancova["se"], rtol=1e-9)
    assert effects.loc[DELTA, "note"].str.startswith("not needed: no value of prp is missing").all()


# ---- pairs


def make_pairs_of(seed=0, n=40, n_visits=2, n_missing=0, same_base=False):
    """Pairs with an effect of 3; the last ones are not seen again after the baseline."""
    rng = np.random.default_rng(seed)
    base = np.zeros(n) if same_base else rng.normal(0, 10, n)
    own = rng.normal(3, 2, n) - 0.2 * base
    rows = [(f"s{i:02d}", "v0", 0.0, np.nan, base[i]) for i in range(n)]
    rows += [
        (f"s{i:02d}", f"v{v}", 6.0 * v, own[i] + rng.normal(0, 3), base[i])
        for i in range(n - n_missing)
        for v in range(1, n_visits + 1)
    ]
    table = pd.DataFrame(rows, columns=["subject", "visit", "week", "difference", "base_difference"])
    return table.assign(arm="prp", control="placebo", is_baseline=table["week"] == 0)


def paired_sensitivity(pairs, **options):
    return paired_sensitivity_effects(pairs, alpha=0.05, seed=0, **options).set_index("method")


def test_pairs_that_jump_to_no_difference_dilute_the_effect_by_their_share():
    """Closed form: one visit, one baseline difference for all; 10 of 40 pairs get a mean difference of 0."""
    pairs = make_pairs_of(n_visits=1, n_missing=10, same_base=True)
    observed = pairs["difference"].mean()
    effects = paired_sensitivity(pairs, n_imputations=400)
    row = effects.loc[REFERENCE]
    assert row["estimate"] == pytest.approx(observed * 30 / 40, abs=0.05)
    assert (row["arm"], row["control"], row["n_arm"], row["n_control"]) == ("prp", "placebo", 40, 40)
    assert row["note"].startswith("jump to no difference; 10 of 40 pairs imputed")
    # delta on 10 of 40 moves the mean by a quarter of it
    tipped = effects.loc[DELTA]
    delta = float(re.match(r"tipping point: delta (\S+);", tipped["note"])[1])
    assert tipped["p"] == pytest.approx(0.05, abs=1e-6)
    assert tipped["estimate"] == pytest.approx(observed + delta / 4, abs=0.05)


def test_complete_pairs_are_the_least_squares_at_equal_baselines():
    pairs = make_pairs_of()
    effects = paired_sensitivity(pairs)
    model = paired_mmrm_effects(pairs, alpha=0.05)
    for method in (REFERENCE, DELTA):
        for name in ("estimate", "se"):
            assert_allclose(effects.loc[method, name], model[name], rtol=1e-4)
    assert effects.loc[DELTA, "note"].str.startswith("not needed: no pair is missing").all()


def test_pairs_missing_at_random_give_the_mixed_model():
    """Both are the same model with the same assumption, also with a baseline difference; jumping gives less."""
    pairs = make_pairs_of(n=120, n_missing=10)
    pairs = pairs[(pairs["visit"] != "v2") | (pairs["subject"] > "s30")]
    model = paired_mmrm_effects(pairs, alpha=0.05)
    effects = paired_sensitivity_effects(pairs, alpha=1e-300, seed=0)
    at_random = effects[effects["method"] == DELTA]
    assert at_random["note"].str.startswith("already not significant").all()
    assert_allclose(at_random["estimate"], model["estimate"], atol=0.15 * model["se"].min())
    assert_allclose(at_random["se"], model["se"], rtol=0.1)
    assert (effects.loc[effects["method"] == REFERENCE, "estimate"].to_numpy() < model["estimate"].to_numpy()).all()


def test_too_few_pairs_are_no_number():
    effects = paired_sensitivity(make_pairs_of(n=3, n_missing=1))
    assert effects[NUMBERS].isna().all(axis=None)
    assert effects["note"].str.startswith("not estimable: too few subjects were seen").all()


# ---- laws


def test_the_seed_decides_and_the_order_of_rows_does_not():
    data = make_trial()
    effects = sensitivity_effects(data, control="placebo", alpha=0.05, seed=5)
    mixed = sensitivity_effects(data.sample(frac=1, random_state=0), control="placebo", alpha=0.05, seed=5)
    other = sensitivity_effects(data, control="placebo", alpha=0.05, seed=6)
    assert list(effects.columns) == EFFECT_COLUMNS
    pd.testing.assert_frame_equal(effects, mixed)
    assert not np.allclose(effects["estimate"], other["estimate"], rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda d: d.assign(change=5.0), "the values of a visit do not vary"),
        (lambda d: d[d["subject"] < "s006"], "too few subjects were seen at visit v1"),
        (lambda d: d[(d["visit"] != "v3") | (d["subject"] < "s006")], "too few subjects were seen at visit v3"),
        (lambda d: d[(d["visit"] != "v3") | (d["arm"] == "prp")], "too few subjects were seen at visit v3"),
    ],
)
def test_what_cannot_be_imputed_is_no_number_and_says_why(spoil, reason):
    effects = sensitivity_effects(spoil(make_trial()), control="placebo", alpha=0.05, seed=0)
    assert len(effects)
    assert effects[NUMBERS].isna().all(axis=None)
    assert effects["note"].str.startswith(f"not estimable: {reason}").all()


def test_no_rows_give_an_empty_table():
    assert sensitivity_effects(make_trial()[:0], control="placebo", alpha=0.05, seed=0).empty
