"""Analysis of covariance against the formulas of statsmodels and closed forms."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats

from hairscan.trial.ancova import ancova_effects
from hairscan.trial.linear import EFFECT_COLUMNS

NUMBERS = ["estimate", "se", "df", "low", "high", "p"]


def make_trial(seed=0, n=36):
    rng = np.random.default_rng(seed)
    arm = np.tile(["exosome", "placebo", "prp"], n // 3)
    people = pd.DataFrame({"subject": [f"s{i:02d}" for i in range(n)], "arm": arm, "base": rng.normal(120, 20, n)})
    people["site"] = rng.choice(["north", "south"], n)
    people["age"] = rng.integers(20, 60, n)
    visits = [people.assign(visit=v, week=w) for v, w in (("12", 12.0), ("24", 24.0))]
    data = pd.concat(visits, ignore_index=True)
    return data.assign(change=rng.normal(0, 5, 2 * n) + 3 * (data["arm"] == "prp") + 0.1 * data["base"])


def test_effects_are_those_of_the_treatment_coded_formula():
    """Source: statsmodels OLS by formula, with the control as reference, on the rows of each visit."""
    data = make_trial().drop(index=[0, 5, 40])
    effects = ancova_effects(data, control="placebo", alpha=0.1, covariates=["site", "age"])
    assert list(effects.columns) == EFFECT_COLUMNS
    assert len(effects) == 4
    for row in effects.itertuples():
        rows = data[data["visit"] == row.visit]
        fit = smf.ols("change ~ C(arm, Treatment('placebo')) + base + site + age", rows).fit()
        name = f"C(arm, Treatment('placebo'))[T.{row.arm}]"
        low, high = fit.conf_int(0.1).loc[name]
        expected = [fit.params[name], fit.bse[name], fit.df_resid, low, high, fit.pvalues[name]]
        assert [row.estimate, row.se, row.df, row.low, row.high, row.p] == pytest.approx(expected, rel=1e-9)
        assert row.n_arm == (rows["arm"] == row.arm).sum()
        assert row.n_control == (rows["arm"] == "placebo").sum()


def test_without_covariates_it_is_the_pooled_t_test():
    """Closed form: Student's two-sample test of scipy."""
    data = make_trial().assign(base=1.0)
    data = data[(data["arm"] != "exosome") & (data["visit"] == "12")]
    row = ancova_effects(data, control="placebo", alpha=0.05).iloc[0]
    test = stats.ttest_ind(data.loc[data["arm"] == "prp", "change"], data.loc[data["arm"] == "placebo", "change"])
    low, high = test.confidence_interval(0.95)
    assert [row["p"], row["df"], row["low"], row["high"]] == pytest.approx([test.pvalue, test.df, low, high])
    assert row["note"] == "base is constant and was left out"


def test_rows_of_the_baseline_and_without_a_change_are_not_used():
    data = make_trial()
    baseline = data[data["visit"] == "12"].assign(visit="0", week=0.0, change=0.0, is_baseline=True)
    missed = data.iloc[:1].assign(visit="36", week=36.0, change=np.nan, is_baseline=False)
    everything = pd.concat([data.assign(is_baseline=False), baseline, missed])
    found = ancova_effects(everything, control="placebo", alpha=0.05)
    pd.testing.assert_frame_equal(found, ancova_effects(data, control="placebo", alpha=0.05))


def test_an_arm_without_a_value_at_a_visit_keeps_its_row():
    data = make_trial()
    data = data[~((data["arm"] == "prp") & (data["visit"] == "24"))]
    effects = ancova_effects(data, control="placebo", alpha=0.05)
    lost = (effects["arm"] == "prp") & (effects["visit"] == "24")
    assert effects.loc[lost, NUMBERS].isna().all(axis=None)
    assert effects.loc[lost, "note"].item().startswith("not estimable: an arm has no value")
    assert effects.loc[~lost, NUMBERS].notna().all(axis=None)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda d: d.assign(change=5.0), "the values do not vary around the model"),
        (lambda d: d[d["subject"] < "s04"], "4 values for 4 coefficients"),
        (lambda d: d[d["arm"] == "prp"], "an arm has no value"),
    ],
)
def test_what_cannot_be_estimated_is_no_number_and_says_why(spoil, reason):
    effects = ancova_effects(spoil(make_trial()), control="placebo", alpha=0.05)
    assert len(effects)
    assert effects[NUMBERS].isna().all(axis=None)
    assert effects["note"].str.contains(f"not estimable: {reason}").all()
