"""The mixed model against R's mmrm, closed forms, statsmodels and its own likelihood written out."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy.optimize import approx_fprime, minimize

from hairscan.errors import EstimateError
from hairscan.trial.ancova import ancova_effects
from hairscan.trial.linear import EFFECT_COLUMNS, MEAN_COLUMNS
from hairscan.trial.mmrm import fit_mmrm, mmrm_effects, paired_mmrm_effects
from hairscan.trial.reml import LogCholesky, reml_terms, sum_patterns

NUMBERS = ["estimate", "se", "df", "low", "high", "p"]


def make_trial(seed=0, n_per_arm=12, n_visits=3, effect=2.0, n_missing=0, arms=("placebo", "prp")):
    """Correlated changes of two arms; every arm starts alike; some values at random missing after the first visit."""
    rng = np.random.default_rng(seed)
    n = n_per_arm * len(arms)
    arm = np.tile(arms, n_per_arm)
    base = rng.normal(120, 20, n)
    root = np.linalg.cholesky(9 * (0.6 * np.ones((n_visits, n_visits)) + 0.4 * np.eye(n_visits)))
    values = rng.normal(size=(n, n_visits)) @ root.T + 0.1 * (base - 120)[:, None]
    values += effect * (arm != arms[0])[:, None] * np.arange(1, n_visits + 1)
    rows = [
        (f"s{i:03d}", arm[i], f"v{v + 1}", 6.0 * (v + 1), values[i, v], base[i])
        for i in range(n)
        for v in range(n_visits)
    ]
    data = pd.DataFrame(rows, columns=["subject", "arm", "visit", "week", "change", "base"])
    later = data.index[data["visit"] != "v1"]
    return data.drop(rng.choice(later, n_missing, replace=False))


# ---- the reference: R package mmrm


REFERENCE = {
    # estimate, SE, df, t as printed by R's mmrm for FEV1 ~ RACE + SEX + ARMCD * AVISIT + us(AVISIT | USUBJID), REML,
    # Satterthwaite, on its own example trial
    "(Intercept)": (30.77748, 0.88656, 218.80, 34.715),
    "RACE Black or African American": (1.53050, 0.62448, 168.67, 2.451),
    "RACE White": (5.64357, 0.66561, 157.14, 8.479),
    "SEX Female": (0.32606, 0.53195, 166.13, 0.613),
    "ARMCD TRT": (3.77423, 1.07415, 145.55, 3.514),
    "AVISIT VIS2": (4.83959, 0.80172, 143.88, 6.037),
    "AVISIT VIS3": (10.34211, 0.82269, 155.56, 12.571),
    "AVISIT VIS4": (15.05390, 1.31281, 138.47, 11.467),
    "TRT:VIS2": (-0.04193, 1.12932, 138.56, -0.037),
    "TRT:VIS3": (-0.69369, 1.18765, 158.17, -0.584),
    "TRT:VIS4": (0.62423, 1.85085, 129.72, 0.337),
}
REFERENCE_COVARIANCE = [
    [40.5537, 14.3960, 4.9747, 13.3867],
    [14.3960, 26.5715, 2.7855, 7.4745],
    [4.9747, 2.7855, 14.8979, 0.9082],
    [13.3867, 7.4745, 0.9082, 95.5568],
]


@pytest.fixture(scope="module")
def fev(request):
    """Response, design, names, subject and visit of the reference trial."""
    path = request.path.parents[3] / "shared" / "data" / "mmrm" / "fev_data.csv"
    if not path.is_file():
        pytest.skip("the reference trial of the R package mmrm is not here")
    data = pd.read_csv(path).dropna(subset=["FEV1"])
    treated = data["ARMCD"] == "TRT"
    columns = [
        np.ones(len(data)),
        data["RACE"] == "Black or African American",
        data["RACE"] == "White",
        data["SEX"] == "Female",
        treated,
        *(data["VISITN"] == v for v in (2, 3, 4)),
        *(treated & (data["VISITN"] == v) for v in (2, 3, 4)),
    ]
    design = np.column_stack([np.asarray(c, float) for c in columns])
    subject = np.unique(data["USUBJID"], return_inverse=True)[1]
    return data["FEV1"].to_numpy(), design, list(REFERENCE), subject, data["VISITN"].to_numpy() - 1


def reference_covariance(theta):
    """Covariance of R's mmrm: logarithm of the diagonal of the Cholesky factor, then its rows over that diagonal."""
    factor = np.eye(4)
    factor[np.tril_indices(4, -1)] = theta[4:]
    factor *= np.exp(theta[:4])[:, None]
    return factor @ factor.T


def test_the_reference_is_met_to_every_printed_digit_where_its_optimiser_stops(fev):
    """R's mmrm leaves its optimiser (L-BFGS-B from 0, R's default tolerance) 5e-6 of deviance before the maximum.

    The same walk over our likelihood must end in the same printed digits: estimates, SE, df, t, covariance, deviance.
    """
    response, design, _, subject, visit = fev
    sums = sum_patterns(response, design, subject, visit)
    lower = np.tril_indices(4)

    def half_deviance(theta):
        terms = reml_terms(sums, reference_covariance(theta))
        jacobian = approx_jacobian(theta)
        return terms.deviance / 2, jacobian.T @ terms.gradient / 2

    def approx_jacobian(theta):
        steps = 1e-6 * np.eye(10)
        moved = [(reference_covariance(theta + s) - reference_covariance(theta - s))[lower] / 2e-6 for s in steps]
        return np.column_stack(moved)

    options = {"ftol": 1e7 * np.finfo(float).eps, "gtol": 0, "maxcor": 5, "maxiter": 1000}
    theta = minimize(half_deviance, np.zeros(10), jac=True, method="L-BFGS-B", options=options).x
    at = reml_terms(sums, reference_covariance(theta))
    steps = 1e-5 * np.eye(10)
    hessian = np.stack([(half_deviance(theta + s)[1] - half_deviance(theta - s)[1]) / 2e-5 for s in steps])
    slopes = np.einsum("kii->ik", at.covariance_slopes) @ approx_jacobian(theta)
    variance = np.diag(at.covariance)
    df = 2 * variance**2 / np.einsum("ik,kl,il->i", slopes, np.linalg.inv((hessian + hessian.T) / 2), slopes)

    found = np.column_stack([at.coefficients, variance**0.5, df, at.coefficients / variance**0.5])
    printed = np.array(list(REFERENCE.values()))
    for column, digits in enumerate((5, 5, 2, 3)):
        assert_allclose(found[:, column].round(digits), printed[:, column], atol=1e-9)
    assert_allclose(reference_covariance(theta).round(4), REFERENCE_COVARIANCE, atol=1e-9)
    assert round(at.deviance, 2) == 3386.45


def test_the_fit_of_the_reference_trial_is_the_maximum_next_to_the_printed_one(fev):
    model = fit_mmrm(*fev)
    assert (model.n_subjects, model.n_observations) == (197, 537)
    assert round(model.deviance, 2) == 3386.45
    assert round(model.aic, 1) == 3406.4
    assert round(model.bic, 1) == 3439.3
    printed_at = reml_terms(sum_patterns(fev[0], fev[1], fev[3], fev[4]), np.array(REFERENCE_COVARIANCE))
    assert 0 < printed_at.deviance - model.deviance < 1e-5
    for row, (estimate, se, df, t) in zip(np.eye(11), REFERENCE.values(), strict=True):
        found = model.contrast(row)
        # what 5e-6 of deviance allow; SAS PROC MIXED, which stops elsewhere, prints 3.7745 where R prints 3.77423
        assert found.estimate == pytest.approx(estimate, abs=2e-4 * se)
        assert found.se == pytest.approx(se, rel=1e-4)
        assert found.df == pytest.approx(df, rel=2e-4)
        assert found.t == pytest.approx(t, abs=1e-3)
    assert_allclose(model.visit_covariance, REFERENCE_COVARIANCE, atol=0.01)


# ---- closed forms


def test_complete_data_give_the_pooled_two_sample_t_test():
    """Closed form: without covariates the cells are means, the covariance is the pooled one, df = N - arms."""
    data = make_trial(arms=("placebo", "prp", "exosome")).assign(base=100.0)
    effects, means, model = mmrm_effects(data, control="placebo", alpha=0.05)
    wide = data.pivot_table(index=["arm", "subject"], columns="visit", values="change")
    mean = wide.groupby("arm").mean()
    residual = (wide - mean.reindex(wide.index, level="arm")).to_numpy()
    pooled = residual.T @ residual / (36 - 3)
    assert_allclose(model.visit_covariance, pooled, rtol=1e-6)
    for row in effects.itertuples():
        difference = mean.loc[row.arm, row.visit] - mean.loc["placebo", row.visit]
        variance = pooled[int(row.visit[1]) - 1, int(row.visit[1]) - 1]
        assert row.estimate == pytest.approx(difference, rel=1e-9)
        assert row.se == pytest.approx((variance * 2 / 12) ** 0.5, rel=1e-7)
        assert row.df == pytest.approx(33, rel=1e-6)
        assert row.note == "base is constant and was left out"
    for row in means.itertuples():
        assert row.estimate == pytest.approx(mean.loc[row.arm, row.visit], rel=1e-9)
        assert row.se == pytest.approx((pooled[int(row.visit[1]) - 1, int(row.visit[1]) - 1] / 12) ** 0.5, rel=1e-7)


@pytest.mark.parametrize("n_visits", [1, 3])
def test_complete_data_give_the_analysis_of_covariance_of_each_visit(n_visits):
    """Closed form: with the same regressors at every visit, generalised least squares is least squares (Zellner 1962).

    df = N - arms - 1; with a single visit the model is the analysis of covariance.
    """
    data = make_trial(n_visits=n_visits)
    effects, means, _ = mmrm_effects(data, control="placebo", alpha=0.05)
    ancova = ancova_effects(data, control="placebo", alpha=0.05)
    assert_allclose(effects[NUMBERS].to_numpy(float), ancova[NUMBERS].to_numpy(float), rtol=1e-5)
    assert_allclose(effects["df"], 24 - 2 - 1, rtol=1e-6)
    assert list(effects.columns) == EFFECT_COLUMNS
    assert list(means.columns) == MEAN_COLUMNS


def test_pairs_without_a_baseline_difference_give_the_paired_t_test():
    """Closed form: with complete pairs, mean and standard error of the differences, df = pairs - 1."""
    data = make_trial(n_per_arm=15, arms=("prp",))
    pairs = data.rename(columns={"change": "difference"}).assign(control="saline", base_difference=0.0)
    effects = paired_mmrm_effects(pairs, alpha=0.05)
    by_visit = pairs.groupby("visit")["difference"]
    assert list(effects.columns) == EFFECT_COLUMNS
    assert_allclose(effects["estimate"], by_visit.mean(), rtol=1e-9)
    assert_allclose(effects["se"], by_visit.sem(), rtol=1e-7)
    assert_allclose(effects["df"], 14, rtol=1e-6)
    assert set(effects["n_arm"]) == set(effects["n_control"]) == {15}


def test_pairs_are_compared_at_equal_baselines():
    """The intercept of least squares of the difference on the baseline difference (statsmodels), visit by visit."""
    data = make_trial(n_per_arm=20, arms=("prp",))
    pairs = data.rename(columns={"change": "difference"}).assign(control="saline", base_difference=data["base"] - 118)
    effects = paired_mmrm_effects(pairs, alpha=0.05)
    for row in effects.itertuples():
        at = pairs[pairs["visit"] == row.visit]
        fit = sm.OLS(at["difference"], sm.add_constant(at["base_difference"])).fit()
        assert row.estimate == pytest.approx(fit.params["const"], rel=1e-6)
        assert row.se == pytest.approx(fit.bse["const"], rel=1e-6)


def test_several_sites_of_a_subject_are_averaged():
    pairs = make_trial(n_per_arm=15, arms=("prp",)).rename(columns={"change": "difference"})
    pairs = pairs.assign(control="saline", base_difference=0.0)
    above, below = (pairs.assign(difference=pairs["difference"] + d) for d in (1.0, -1.0))
    twice = paired_mmrm_effects(pd.concat([above, below]), alpha=0.05)
    pd.testing.assert_frame_equal(twice, paired_mmrm_effects(pairs, alpha=0.05))


# ---- statsmodels' random intercept, and the likelihood written out


def irregular(seed=2):
    """Response, design, subject and visit of a trial with missing visits."""
    data = make_trial(seed, n_per_arm=20, n_missing=15)
    visit = data["visit"].str[1:].to_numpy(int) - 1
    subject = np.unique(data["subject"], return_inverse=True)[1]
    treated = (data["arm"] == "prp").to_numpy(float)
    design = np.column_stack([np.eye(3)[visit], np.eye(3)[visit] * treated[:, None], data["base"] - 120])
    return data["change"].to_numpy(), design, subject, visit


def test_compound_symmetry_is_the_random_intercept_of_statsmodels():
    """At the covariance MixedLM finds: its likelihood, its coefficients, and no slope along its two terms.

    Source: statsmodels MixedLM, random intercept, REML.
    """
    response, design, subject, visit = irregular()
    fit = sm.MixedLM(response, design, groups=subject).fit(reml=True, gtol=1e-10)
    covariance = fit.cov_re[0, 0] + fit.scale * np.eye(3)
    terms = reml_terms(sum_patterns(response, design, subject, visit), covariance)
    assert terms.deviance == pytest.approx(-2 * fit.llf, rel=1e-9)
    assert_allclose(terms.coefficients, fit.fe_params, rtol=1e-6)
    is_variance = np.array([True, False, True, False, False, True])
    assert terms.gradient[is_variance].sum() == pytest.approx(0, abs=1e-3)
    assert terms.gradient[~is_variance].sum() == pytest.approx(0, abs=1e-3)
    assert fit_mmrm(response, design, list("abcdefg"), subject, visit).deviance < -2 * fit.llf


def test_the_deviance_is_the_restricted_likelihood_written_out():
    """Patterson & Thompson 1971: minus twice the log density of N - P error contrasts, here with all N x N matrices."""
    response, design, subject, visit = irregular()
    covariance = np.array([[5.0, 2, 1], [2, 7, 3], [1, 3, 6]])
    same = subject[:, None] == subject
    whole = np.where(same, covariance[np.ix_(visit, visit)], 0)
    weight = np.linalg.inv(whole)
    coefficients = np.linalg.solve(design.T @ weight @ design, design.T @ weight @ response)
    residual = response - design @ coefficients
    deviance = (
        np.linalg.slogdet(whole)[1]
        + np.linalg.slogdet(design.T @ weight @ design)[1]
        + residual @ weight @ residual
        + (len(response) - design.shape[1]) * np.log(2 * np.pi)
    )
    terms = reml_terms(sum_patterns(response, design, subject, visit), covariance)
    assert terms.deviance == pytest.approx(deviance, rel=1e-12)
    assert_allclose(terms.coefficients, coefficients, rtol=1e-9)


def test_the_derivatives_are_those_of_finite_differences():
    sums = sum_patterns(*irregular())
    theta = np.array([0.8, 0.3, 0.5, -0.2, 0.4, 0.9])

    def terms(theta):
        return reml_terms(sums, LogCholesky.of(theta).covariance)

    at, chain = terms(theta), LogCholesky.of(theta)
    gradient = approx_fprime(theta, lambda x: terms(x).deviance, 1e-6)
    assert_allclose(chain.gradient(at.gradient), gradient, rtol=1e-4)
    hessian = approx_fprime(theta, lambda x: LogCholesky.of(x).gradient(terms(x).gradient), 1e-6)
    assert_allclose(chain.hessian(at.gradient, at.hessian), hessian, rtol=1e-3, atol=1e-3)
    slopes = approx_fprime(theta, lambda x: terms(x).covariance.ravel(), 1e-7)
    turned = np.column_stack([chain.gradient(element) for element in at.covariance_slopes.reshape(6, -1).T]).T
    assert_allclose(turned, slopes, rtol=1e-3, atol=1e-6)


# ---- laws


def test_units_and_order_of_rows_do_not_matter():
    data = make_trial(n_missing=8)
    effects, _, model = mmrm_effects(data, control="placebo", alpha=0.05)
    mixed = data.sample(frac=1, random_state=0).assign(change=data["change"] * 1000, base=data["base"] / 7)
    again, _, scaled = mmrm_effects(mixed, control="placebo", alpha=0.05)
    assert_allclose(again["estimate"], effects["estimate"] * 1000, rtol=1e-6)
    assert_allclose(again[["df", "p"]], effects[["df", "p"]], rtol=1e-5)
    assert_allclose(scaled.visit_covariance, model.visit_covariance * 1e6, rtol=1e-5)


def test_adjusted_means_differ_by_the_effect_and_stand_at_the_mean_baseline():
    data = make_trial(n_missing=8)
    effects, means, _ = mmrm_effects(data, control="placebo", alpha=0.05)
    at = means.set_index(["visit", "arm"])["estimate"]
    for row in effects.itertuples():
        assert at[row.visit, "prp"] - at[row.visit, "placebo"] == pytest.approx(row.estimate)
    moved = mmrm_effects(data.assign(base=data["base"] + 1000), control="placebo", alpha=0.05)[1]
    assert_allclose(moved["estimate"], means["estimate"], rtol=1e-6)


def test_text_covariates_have_a_column_per_level_but_the_first():
    data = make_trial(n_per_arm=30, n_missing=10)
    site = data["subject"].str[-1].map(lambda digit: "ABC"[int(digit) % 3])
    by_hand = data.assign(b=(site == "B").astype(float), c=(site == "C").astype(float))
    text = mmrm_effects(data.assign(site=site), control="placebo", alpha=0.05, covariates=["site"])
    coded = mmrm_effects(by_hand, control="placebo", alpha=0.05, covariates=["b", "c"])
    pd.testing.assert_frame_equal(text[0], coded[0])
    pd.testing.assert_frame_equal(text[1], coded[1])
    assert text[2].names[-2:] == ["site[B]", "site[C]"]


# ---- what cannot be estimated


def test_an_empty_cell_costs_its_own_effect_only():
    data = make_trial(arms=("placebo", "prp", "exosome"))
    data = data[~((data["arm"] == "exosome") & (data["visit"] == "v3"))]
    effects, means, _ = mmrm_effects(data, control="placebo", alpha=0.05)
    lost = (effects["arm"] == "exosome") & (effects["visit"] == "v3")
    assert effects.loc[lost, "estimate"].isna().all()
    assert effects.loc[lost, "n_arm"].item() == 0
    assert effects.loc[lost, "note"].item().startswith("not estimable: an arm has no value")
    assert effects.loc[~lost, NUMBERS].notna().all(axis=None)
    assert means["estimate"].isna().sum() == 1


def test_an_arm_that_cannot_be_told_from_a_covariate_has_no_effect():
    data = make_trial()
    data["site"] = data["arm"].map({"placebo": "north", "prp": "south"})
    effects, _, _ = mmrm_effects(data, control="placebo", alpha=0.05, covariates=["site"])
    assert effects[NUMBERS].isna().all(axis=None)
    assert effects["note"].str.contains("cannot be told from a covariate").all()


def test_constant_and_unknown_covariates_are_noted():
    data = make_trial(n_per_arm=15).assign(age=30.0, dose=1.0)
    data.loc[data["subject"] == "s003", "age"] = np.nan
    effects, _, model = mmrm_effects(data, control="placebo", alpha=0.05, covariates=["age", "dose"])
    assert model.n_subjects == 29
    note = "1 subject(s) without a baseline or covariate left out; age is constant and was left out; dose is constant"
    assert effects["note"].str.startswith(note).all()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda d: d.assign(change=5.0), "the values do not vary around the model"),
        (lambda d: d[d["subject"].isin(["s000", "s001", "s002"])], "3 subjects are too few|values for"),
        (lambda d: d.assign(change=d.groupby("subject")["change"].transform("first")), "no covariance of the visits"),
        (lambda d: pd.concat([d, d]), "two values at one visit: average them"),
        (lambda d: d[(d["visit"] == "v3") == (d["subject"] > "s011")], "no subject in common"),
        (lambda d: d[d["arm"] == "prp"], "an arm has no value"),
    ],
)
def test_a_model_that_cannot_be_fitted_gives_no_number_and_says_why(spoil, reason):
    effects, means, _ = mmrm_effects(spoil(make_trial()), control="placebo", alpha=0.05)
    assert len(effects)
    assert effects[NUMBERS].isna().all(axis=None)
    assert effects["note"].str.contains(f"not estimable: .*(?:{reason})").all()
    if reason != "an arm has no value":
        assert means["estimate"].isna().all()


def test_dependent_columns_are_named():
    response, design, subject, visit = irregular()
    names = [*"abcdefg", "twice a"]
    with pytest.raises(EstimateError, match="twice a cannot be told from the other columns"):
        fit_mmrm(response, np.column_stack([design, 2 * design[:, 0]]), names, subject, visit)


def test_no_rows_give_an_empty_table():
    effects, means, model = mmrm_effects(make_trial()[:0], control="placebo", alpha=0.05)
    assert effects.empty
    assert means.empty
    assert model is None
    assert paired_mmrm_effects(pd.DataFrame(columns=["arm", "control"]), alpha=0.05).empty


@pytest.mark.filterwarnings("error")
def test_a_visit_of_one_pair_is_not_estimable_and_says_so():
    rows = [(f"S{k}", "12", 12.0, 3.0 * k, 1.0 * k * k) for k in range(5)] + [("S0", "24", 24.0, 7.0, 0.0)]
    pairs = pd.DataFrame(rows, columns=["subject", "visit", "week", "difference", "base_difference"])
    effects = paired_mmrm_effects(pairs.assign(arm="prp", control="saline"), alpha=0.05)
    assert effects["estimate"].isna().all()
    assert effects["note"].str.startswith("not estimable: ").all()
