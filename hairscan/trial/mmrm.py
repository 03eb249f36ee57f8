"""The mixed model for repeated measures: treatment effects at each visit from all visits of all subjects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import compress
from math import log

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize

from hairscan.errors import EstimateError
from hairscan.trial.linear import (
    EFFECT_COLUMNS,
    Columns,
    Estimate,
    attempt,
    cell_design,
    effect_line,
    effects_table,
    means_table,
    model_rows,
    refuse,
    t_estimate,
    visits_in_order,
)
from hairscan.trial.reml import CrossProducts, LogCholesky, RemlTerms, reml_terms, sum_patterns
from hairscan.types import FloatArray

METHOD = "MMRM"
IntArray = NDArray[np.intp]
TO_GAIN = 1e-8
"""The fit has converged where one more step of Newton's method would lower the deviance by less."""
NOT_CONVERGED = "no covariance of the visits fits best: too few subjects, or one visit's values follow from another's"


@dataclass(frozen=True, slots=True)
class MixedModel:
    """A fitted mixed model for repeated measures.

    Attributes
    ----------
    names : list of str
        Of the P columns of the design.
    coefficients, covariance : float arrays, shapes (P,) and (P, P)
    visit_covariance : float array, shape (V, V)
    deviance : float
        Minus twice the restricted log likelihood.
    aic, bic : float
        Deviance plus 2, or log(n_subjects), per element of the visit covariance.
    """

    names: list[str]
    coefficients: FloatArray
    covariance: FloatArray
    visit_covariance: FloatArray
    n_subjects: int
    n_observations: int
    deviance: float
    aic: float
    bic: float
    covariance_slopes: FloatArray = field(repr=False)
    parameter_covariance: FloatArray = field(repr=False)

    def contrast(self, vector: ArrayLike, alpha: float = 0.05) -> Estimate:
        """Estimate ``vector @ coefficients`` with Satterthwaite's degrees of freedom.

        Notes
        -----
        ``df = 2 v^2 / (g' A g)`` with ``v = c' C c`` the variance of the contrast, ``g`` its gradient in the elements
        of the visit covariance and ``A`` the inverse of their observed REML information (Giesbrecht & Burns 1985,
        doi:10.2307/2530872; Fai & Cornelius 1996, doi:10.1080/00949659608811740).
        """
        c = np.asarray(vector, float)
        variance = float(c @ self.covariance @ c)
        slope = self.covariance_slopes @ c @ c
        spread = float(slope @ self.parameter_covariance @ slope)
        if not (variance > 0 and spread > 0):
            raise EstimateError("the contrast has no variance")
        return t_estimate(float(c @ self.coefficients), variance**0.5, 2 * variance**2 / spread, alpha)


def fit_mmrm(
    response: ArrayLike, design: ArrayLike, names: Sequence[str], subject: ArrayLike, visit: ArrayLike
) -> MixedModel:
    """Fit a mixed model for repeated measures by REML with an unstructured covariance of the visits.

    Subjects that miss visits take part with the visits they have.

    Parameters
    ----------
    response : float array, shape (N,)
    design : float array, shape (N, P)
        Columns must be independent.
    names : sequence of str
        Of the P columns.
    subject : array, shape (N,)
    visit : int array, shape (N,)
        0 to V - 1.

    Raises
    ------
    EstimateError
        When the data do not determine the coefficients or the covariance.

    Notes
    -----
    ``y_i ~ N(X_i b, S_i)`` with ``S_i`` the rows and columns of the (V, V) covariance at the visits of subject i
    (Mallinckrodt et al. 2008, doi:10.1177/009286150804200402). Newton's method with exact derivatives on the
    log-Cholesky factor of the covariance.
    """
    y, x, visit = np.asarray(response, float), np.asarray(design, float), np.asarray(visit, int)
    codes = np.unique(np.asarray(subject), return_inverse=True)[1].ravel()
    _check_data(y, x, names, codes, visit)
    # In an orthonormal basis, on residuals of unit size, the sums lose no digits whatever the units of the columns.
    basis, triangle = np.linalg.qr(x)
    first = np.linalg.solve(triangle, basis.T @ y)
    residual = y - x @ first
    size = float(np.sqrt(np.mean(residual**2)))
    if size <= 1e-10 * max(float(np.abs(y).max()), 1e-300):
        raise EstimateError("the values do not vary around the model")
    patterns = sum_patterns(residual / size, basis, codes, visit)
    found, at = _maximise(patterns)
    back = size * np.linalg.inv(triangle)
    n_parameters = len(at.gradient)
    deviance = at.deviance + (len(y) - x.shape[1]) * 2 * log(size) + 2 * float(np.log(np.abs(np.diag(triangle))).sum())
    n_subjects = int(codes.max()) + 1
    return MixedModel(
        names=list(names),
        coefficients=first + back @ at.coefficients,
        covariance=back @ at.covariance @ back.T,
        visit_covariance=found * size**2,
        n_subjects=n_subjects,
        n_observations=len(y),
        deviance=deviance,
        aic=deviance + 2 * n_parameters,
        bic=deviance + log(n_subjects) * n_parameters,
        covariance_slopes=back @ at.covariance_slopes @ back.T / size**2,
        parameter_covariance=np.asarray(2 * np.linalg.inv(at.hessian) * size**4, float),
    )


def mmrm_effects(
    data: pd.DataFrame, *, control: str, alpha: float, covariates: Sequence[str] = (), arms: Sequence[str] = ()
) -> tuple[pd.DataFrame, pd.DataFrame, MixedModel | None]:
    """Difference of the mean change from the control at every visit, by a mixed model for repeated measures.

    Change is explained by arm x visit, baseline x visit and the covariates.

    Parameters
    ----------
    data : DataFrame
        One endpoint: subject, arm, visit, week, change, base and the covariates; at most one row per subject and
        visit.
    alpha : float
        Two-sided.
    arms : sequence of str
        Arms that have rows in the tables even if nobody of them has a value.

    Returns
    -------
    effects, adjusted_means : DataFrame
        NaN, with the reason in `note` of the effects, where not estimable.
    model : MixedModel or None
        None where no model can be fitted.
    """
    rows = model_rows(data, control=control, covariates=covariates, arms=arms)
    design, names = cell_design(rows)
    visit = rows.table["visit"].map([name for name, _ in rows.visits].index).to_numpy(int)
    response, subject = rows.table["change"].to_numpy(float), rows.table["subject"].to_numpy()
    model, estimate_of = _fit_columns(response, design, names, subject, visit, alpha)
    effects = effects_table(rows, METHOD, estimate_of)
    return effects, means_table(rows, estimate_of), model


def paired_mmrm_effects(pairs: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Mean within-pair difference of the changes at every visit, by a mixed model for repeated measures.

    The difference is explained by visit and baseline difference x visit, and given for equal baselines: before
    treatment the two sides of a person differ by chance only.

    Parameters
    ----------
    pairs : DataFrame
        One endpoint: subject, visit, week, arm, control, difference (of changes), base_difference. Several pairs of a
        subject at one visit (sites) are averaged.

    Returns
    -------
    effects : DataFrame
        `n_arm` and `n_control` are both the number of pairs.
    """
    tables = [
        _compare_sides(group, str(arm), str(control), alpha)
        for (arm, control), group in pairs.groupby(["arm", "control"])
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=EFFECT_COLUMNS)


def _compare_sides(pairs: pd.DataFrame, arm: str, control: str, alpha: float) -> pd.DataFrame:
    """Effects of one arm against its control within pairs."""
    known = pairs[np.isfinite(pairs["difference"]) & np.isfinite(pairs["base_difference"])]
    table = known.groupby(["subject", "visit", "week"], as_index=False)[["difference", "base_difference"]].mean()
    visits = visits_in_order(table)
    seen = (table[["visit"]].to_numpy() == [[name for name, _ in visits]]).astype(float)
    is_constant = table["base_difference"].nunique() < 2
    slopes = seen[:, :0] if is_constant else seen * table[["base_difference"]].to_numpy(float)
    notes = ["base_difference is constant and was left out"] if is_constant else []
    kinds = ["difference"] if is_constant else ["difference", "base difference"]
    names = [f"{kind} at {name}" for kind in kinds for name, _ in visits]
    response, subject = table["difference"].to_numpy(float), table["subject"].to_numpy()
    _, estimate_of = _fit_columns(response, np.hstack([seen, slopes]), names, subject, seen.argmax(axis=1), alpha)
    lines = []
    for at, (name, week) in enumerate(visits):
        n_pairs = int(seen[:, at].sum())
        head = {"visit": name, "week": week, "arm": arm, "control": control, "method": METHOD}
        tail = {"n_arm": n_pairs, "n_control": n_pairs}
        estimate, note = attempt(estimate_of, np.eye(len(visits))[at])
        lines.append(effect_line(head, tail, estimate, (note, *notes)))
    return pd.DataFrame(lines, columns=EFFECT_COLUMNS)


def _fit_columns(
    response: FloatArray,
    design: FloatArray,
    names: list[str],
    subject: NDArray[np.object_],
    visit: IntArray,
    alpha: float,
) -> tuple[MixedModel | None, Callable[[FloatArray], Estimate]]:
    """Fit the independent columns; give the model, if any, and the estimate of a contrast of the first columns."""
    columns = Columns.of(design)
    try:
        model = fit_mmrm(response, design[:, columns.kept], list(compress(names, columns.kept)), subject, visit)
    except EstimateError as error:
        return None, partial(refuse, str(error))
    return model, lambda contrast: model.contrast(columns.reduce(contrast), alpha)


def _check_data(
    response: FloatArray, design: FloatArray, names: Sequence[str], subject: IntArray, visit: IntArray
) -> None:
    """Raise EstimateError unless the data can determine the coefficients and every element of the covariance."""
    if len(response) <= design.shape[1]:
        raise EstimateError(f"{len(response)} values for {design.shape[1]} coefficients")
    if not (np.isfinite(response).all() and np.isfinite(design).all()):
        raise EstimateError("values or covariates are missing: leave these rows out")
    kept = Columns.of(design).kept
    if not kept.all():
        raise EstimateError(f"{', '.join(compress(names, ~kept))} cannot be told from the other columns: leave out")
    seen = np.zeros((subject.max() + 1, visit.max() + 1), int)
    np.add.at(seen, (subject, visit), 1)
    if (seen > 1).any():
        raise EstimateError("a subject has two values at one visit: average them")
    n_subjects, n_visits = seen.shape
    if n_subjects <= n_visits:
        raise EstimateError(f"{n_subjects} subjects are too few for the covariance of {n_visits} visits")
    if (seen.T @ seen == 0).any():
        raise EstimateError("two visits have no subject in common, which leaves their covariance unknown")


def _maximise(data: CrossProducts) -> tuple[FloatArray, RemlTerms]:
    """Find the (V, V) covariance where the restricted likelihood is largest, and its terms there."""
    n_visits = data.seen.shape[1]
    mean_squares = data.mean_squares()
    if not (mean_squares > 0).all():
        raise EstimateError("the values of a visit do not vary around the model")
    start = np.diag(np.log(np.sqrt(mean_squares)))[np.tril_indices(n_visits)]

    def deviance(theta: FloatArray) -> tuple[float, FloatArray]:
        at = LogCholesky.of(theta)
        terms = reml_terms(data, at.covariance)
        return terms.deviance, at.gradient(terms.gradient)

    def hessian(theta: FloatArray) -> FloatArray:
        at = LogCholesky.of(theta)
        terms = reml_terms(data, at.covariance)
        return at.hessian(terms.gradient, terms.hessian)

    try:
        with np.errstate(all="ignore"):
            found = minimize(deviance, start, jac=True, hess=hessian, method="trust-exact", options={"gtol": 1e-7})
            covariance = LogCholesky.of(found.x).covariance
            terms = reml_terms(data, covariance)
            np.linalg.cholesky(terms.hessian)
    except (np.linalg.LinAlgError, ValueError) as error:
        raise EstimateError(NOT_CONVERGED) from error
    to_gain = terms.gradient @ np.linalg.solve(terms.hessian, terms.gradient)
    if not to_gain < TO_GAIN:
        raise EstimateError(NOT_CONVERGED)
    return covariance, terms
