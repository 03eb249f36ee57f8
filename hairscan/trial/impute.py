"""Multiple imputation of missed visits: parameters drawn from their posterior, then the missing changes.

In a split-scalp trial a pair stands for a subject and the difference of its two changes for the change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import invwishart

from hairscan.errors import EstimateError
from hairscan.trial.linear import DEPENDENT, Columns, after_baseline, code_covariates, complete_rows, visits_in_order
from hairscan.types import FloatArray

WARM_UP = 200
BETWEEN = 20
"""Draws before the first imputation is kept, and from one to the next, so that they do not depend on each other."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """One endpoint, one row per subject.

    Attributes
    ----------
    arm : array, shape (n,)
    arms : list of str
        The control first.
    values : float array, shape (n, V)
        Change at each visit; NaN where missed. Of pairs: difference of the changes.
    columns : Columns
        Of a design (n, Q) with one column (0 or 1) per arm, then the baseline and the covariates, centred. Of pairs:
        a column of 1, then the baseline difference as it is.
    """

    arm: NDArray[np.object_]
    arms: list[str]
    visits: list[tuple[str, float]]
    values: FloatArray
    columns: Columns
    notes: tuple[str, ...]
    is_paired: bool = False

    @property
    def missed(self) -> NDArray[np.bool_]:
        """Whether a subject has no value at a visit, shape (n, V)."""
        return np.isnan(self.values)

    @property
    def as_control(self) -> FloatArray:
        """The design had every subject, or both sides of it, been in the control arm, shape (n, Q)."""
        design = self.columns.design.copy()
        cells = 1 if self.is_paired else len(self.arms)
        design[:, :cells] = 0 if self.is_paired else np.eye(cells)[0]
        return design

    @property
    def dropped_out(self) -> NDArray[np.bool_]:
        """Whether a subject has no value at a visit nor at any later one, shape (n, V)."""
        return np.logical_and.accumulate(self.missed[:, ::-1], axis=1)[:, ::-1]


@dataclass(frozen=True, slots=True)
class Imputations:
    """Completed changes, shape (M, n, V) each.

    Attributes
    ----------
    at_random : float array
        Those who missed a visit resemble those of their arm with the same history.
    jumped : float array
        From the visit after their last one on they jump to the mean of the control; pairs to no difference.
    """

    at_random: FloatArray
    jumped: FloatArray


def one_row_per_subject(data: pd.DataFrame, *, control: str, covariates: Sequence[str] = ()) -> Subjects:
    """Every subject with a baseline and all covariates, also those never seen again.

    Parameters
    ----------
    data : DataFrame
        As for `sensitivity_effects`.
    """
    known, notes = complete_rows(data.sort_values(["subject", "week"], kind="stable"), covariates)
    people = known.groupby("subject", as_index=False).first()
    values, visits = _visit_by_visit(known, people["subject"])
    adjusted, _, adjusted_notes = code_covariates(people, ["base", *covariates])
    arms = [control, *sorted(set(people["arm"]) - {control})]
    arm = people["arm"].to_numpy(object)
    cells = (arm[:, None] == np.array(arms, object)).astype(float)
    columns = Columns.of(np.hstack([cells, adjusted]))
    return Subjects(arm, arms, visits, values, columns, (*notes, *adjusted_notes))


def one_row_per_pair(pairs: pd.DataFrame) -> Subjects:
    """Every pair with a baseline on both sides, also those never seen again.

    Parameters
    ----------
    pairs : DataFrame
        One endpoint and one treated arm of `hairscan.trial.pairs.started_pairs`.
    """
    known, notes = complete_rows(pairs.rename(columns={"difference": "change", "base_difference": "base"}), ())
    people = known.groupby("subject", as_index=False).agg({"arm": "first", "control": "first", "base": "mean"})
    values, visits = _visit_by_visit(known, people["subject"])
    covariates = ["base"] if people["base"].nunique() > 1 else []
    if not covariates:
        notes = [*notes, "base_difference is constant and was left out"]
    columns = Columns.of(people.assign(cell=1.0)[["cell", *covariates]].to_numpy(float))
    arms = [str(name) for column in ("control", "arm") for name in people[column].unique()]
    return Subjects(people["arm"].to_numpy(object), arms, visits, values, columns, tuple(notes), is_paired=True)


def _visit_by_visit(known: pd.DataFrame, subjects: pd.Series) -> tuple[FloatArray, list[tuple[str, float]]]:
    """Changes of the subjects at each visit after the baseline, shape (n, V), and the visits."""
    seen = after_baseline(known)
    seen = seen[np.isfinite(seen["change"])]
    visits = visits_in_order(seen)
    wide = seen.pivot_table(index="subject", columns="visit", values="change", aggfunc="mean")
    return wide.reindex(index=subjects, columns=[name for name, _ in visits]).to_numpy(float), visits


def impute_visits(subjects: Subjects, rng: np.random.Generator, n_imputations: int) -> Imputations:
    """Complete the missed visits `n_imputations` times.

    Raises
    ------
    EstimateError
        When too few subjects were seen at a visit.

    Notes
    -----
    Changes are multivariate normal with one covariance ``S`` for all arms and means ``X B``: at each visit free
    coefficients for arm, baseline and covariates. Data augmentation under Jeffreys' prior (Schafer 1997, Analysis of
    Incomplete Multivariate Data, ch. 5) alternates

    - ``S`` from the inverse Wishart with n - Q degrees of freedom and the residual cross-products as scale, ``B``
      from the normal around least squares with covariance ``S x (X'X)^-1``;
    - the missing changes of a subject from the normal given its own seen changes.

    With one covariance the conditional spread is the same under the control, so that jumping to it adds the
    difference of the means at the visits after the last one seen (Carpenter, Roger & Kenward 2013,
    doi:10.1080/10543406.2013.834911). Visits missed before are left missing at random.
    """
    design = subjects.columns.design[:, subjects.columns.kept]
    _check_counts(subjects, design)
    n, q = design.shape
    to_control = (subjects.as_control - subjects.columns.design)[:, subjects.columns.kept]
    projection = np.linalg.pinv(design)
    root = np.linalg.cholesky(np.linalg.inv(design.T @ design))
    patterns = _patterns(subjects.missed)
    values = _first_guess(subjects, design)
    residual = values - design @ projection @ values
    is_still = np.abs(residual).max(axis=0) <= DEPENDENT * np.abs(values).max(axis=0)
    if is_still.any() or not Columns.of(residual).kept.all():
        raise EstimateError("the values of a visit do not vary, or follow from another visit's")
    at_random, jumped = [], []
    for draw in range(WARM_UP + n_imputations * BETWEEN):
        best = projection @ values
        residual = values - design @ best
        covariance = np.atleast_2d(invwishart.rvs(n - q, residual.T @ residual, random_state=rng))
        noise = rng.standard_normal((q, values.shape[1]))
        coefficients = best + root @ noise @ np.linalg.cholesky(covariance).T
        _draw_missing(values, design @ coefficients, covariance, patterns, rng)
        if draw >= WARM_UP and (draw - WARM_UP) % BETWEEN == BETWEEN - 1:
            at_random.append(values.copy())
            jumped.append(values + subjects.dropped_out * (to_control @ coefficients))
    return Imputations(np.stack(at_random), np.stack(jumped))


def _check_counts(subjects: Subjects, design: FloatArray) -> None:
    """Raise EstimateError unless every visit has the values to determine its mean and covariances."""
    if not subjects.visits:
        raise EstimateError("no visit after the baseline has a value")
    needed = design.shape[1] + len(subjects.visits)
    for at, (visit, _) in enumerate(subjects.visits):
        seen = ~subjects.missed[:, at]
        if seen.sum() <= needed or not Columns.of(design[seen]).kept.all():
            raise EstimateError(f"too few subjects were seen at visit {visit} to impute it")


def _patterns(missed: NDArray[np.bool_]) -> list[tuple[NDArray[np.bool_], NDArray[np.intp]]]:
    """Each set of missed visits that occurs, with the rows of its subjects."""
    kinds, kind = np.unique(missed, axis=0, return_inverse=True)
    return [(k, np.flatnonzero(kind.ravel() == i)) for i, k in enumerate(kinds) if k.any()]


def _first_guess(subjects: Subjects, design: FloatArray) -> FloatArray:
    """Values with the missing ones at the least squares mean of their visit, shape (n, V)."""
    values = subjects.values.copy()
    for at, missed in enumerate(subjects.missed.T):
        coefficients = np.linalg.lstsq(design[~missed], values[~missed, at], rcond=None)[0]
        values[missed, at] = design[missed] @ coefficients
    return values


def _draw_missing(
    values: FloatArray,
    mean: FloatArray,
    covariance: FloatArray,
    patterns: list[tuple[NDArray[np.bool_], NDArray[np.intp]]],
    rng: np.random.Generator,
) -> None:
    """Replace the missing values, in place, by a draw given the subject's other values."""
    for missed, rows in patterns:
        seen = ~missed
        slope = np.linalg.solve(covariance[np.ix_(seen, seen)], covariance[np.ix_(seen, missed)])
        spread = covariance[np.ix_(missed, missed)] - covariance[np.ix_(missed, seen)] @ slope
        given = mean[np.ix_(rows, missed)] + (values - mean)[np.ix_(rows, seen)] @ slope
        noise = rng.standard_normal(given.shape) @ np.linalg.cholesky(spread).T
        values[np.ix_(rows, missed)] = given + noise
