"""What if those who missed a visit fared worse than the mixed model assumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from hairscan.errors import EstimateError
from hairscan.trial.impute import Imputations, Subjects, impute_visits, one_row_per_pair, one_row_per_subject
from hairscan.trial.linear import EFFECT_COLUMNS, Estimate, effect_line, t_estimate
from hairscan.types import FloatArray

REFERENCE = "reference-based imputation"
DELTA = "delta adjustment"
N_IMPUTATIONS = 100


def sensitivity_effects(
    data: pd.DataFrame,
    *,
    control: str,
    alpha: float,
    seed: int,
    n_imputations: int = N_IMPUTATIONS,
    covariates: Sequence[str] = (),
) -> pd.DataFrame:
    """Effects at every visit when missed visits are imputed as under the control, and the tipping point.

    Parameters
    ----------
    data : DataFrame
        One endpoint, every subject: subject, arm, visit, week, change, base and the covariates, which are the same
        at all visits of a subject. A missed visit has no row or no change; rows with a true `is_baseline` only tell
        who took part.
    seed : int
        The same seed gives the same table, whatever the order of the rows.

    Returns
    -------
    effects : DataFrame
        Two rows per visit and arm; `n_arm` and `n_control` count everybody, the imputed as well.

        - ``reference-based imputation``: from the visit after their last one on, subjects jump to the mean of the
          control.
        - ``delta adjustment``: the analysis at the tipping point, the smallest number (in the endpoint's unit) that,
          added to the imputed values of the arm, brings p up to `alpha`; `note` gives the number. Where there is
          none to look for, the analysis with values missing at random, and `note` says why.

    Notes
    -----
    Each completed set is analysed by ANCOVA at the visit, the sets are pooled by `pool_imputations`. Jumping borrows
    from the control; Rubin's variance does not count this as information, and so lies above the sampling variance
    (Cro, Carpenter & Kenward 2019, doi:10.1111/rssa.12423). Tipping point: Carpenter & Kenward 2013, Multiple
    Imputation and its Application, Wiley.
    """
    return _sensitivity(one_row_per_subject(data, control=control, covariates=covariates), alpha, seed, n_imputations)


def paired_sensitivity_effects(
    pairs: pd.DataFrame, *, alpha: float, seed: int, n_imputations: int = N_IMPUTATIONS
) -> pd.DataFrame:
    """Effects within pairs at every visit when missed visits are imputed as no difference, and the tipping point.

    Parameters
    ----------
    pairs : DataFrame
        One endpoint of `hairscan.trial.pairs.started_pairs`. A missed visit has no row or no difference.

    Returns
    -------
    effects : DataFrame
        As `sensitivity_effects`; `n_arm` and `n_control` are both the number of all pairs.

    Notes
    -----
    The values are the differences of the changes of the two sides, their covariate the baseline difference as it is:
    as in `paired_mmrm_effects` the effect is that for equal baselines. From the visit after the last one on, the
    effect is taken out of the difference, as if both sides had been under the control (jump to reference); what the
    baselines and the visits before say of the pair stays. Delta is added to the imputed differences.
    """
    tables = [_sensitivity(one_row_per_pair(of_arm), alpha, seed, n_imputations) for _, of_arm in pairs.groupby("arm")]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=EFFECT_COLUMNS)


def _sensitivity(subjects: Subjects, alpha: float, seed: int, n_imputations: int) -> pd.DataFrame:
    """Both analyses at every visit and of every arm but the control, `subjects.arms[0]`."""
    control = subjects.arms[0]
    drawn: Imputations | None = None
    refused: list[tuple[str, Estimate | None, str]] = []
    try:
        drawn = impute_visits(subjects, np.random.default_rng(seed), n_imputations)
    except EstimateError as error:
        refused = [(method, None, f"not estimable: {error}") for method in (REFERENCE, DELTA)]
    lines = []
    for at, (visit, week) in enumerate(subjects.visits):
        for which, arm in enumerate(subjects.arms[1:], start=1):
            n_arm = int((subjects.arm == arm).sum())
            n_control = n_arm if subjects.is_paired else int((subjects.arm == control).sum())
            for method, estimate, note in _compare(subjects, drawn, alpha, at, which) if drawn else refused:
                head = {"visit": visit, "week": week, "arm": arm, "control": control, "method": method}
                tail = {"n_arm": n_arm, "n_control": n_control}
                lines.append(effect_line(head, tail, estimate, (note, *subjects.notes)))
    return pd.DataFrame(lines, columns=EFFECT_COLUMNS)


def pool_imputations(estimates: FloatArray, variances: FloatArray, complete_df: float, alpha: float) -> Estimate:
    """One estimate from the M estimates and squared standard errors of M completed data sets.

    Parameters
    ----------
    complete_df : float
        Degrees of freedom had nothing been missing.

    Notes
    -----
    Rubin's rules: ``T = W + (1 + 1/M) B`` with W the mean variance and B the variance of the estimates. Degrees of
    freedom by Barnard & Rubin 1999, doi:10.1093/biomet/86.4.948, with ``g = (1 + 1/M) B / T``:
    ``1 / df = g^2 / (M - 1) + 1 / ((1 - g) complete_df (complete_df + 1) / (complete_df + 3))``.
    """
    n_sets = len(estimates)
    between = (1 + 1 / n_sets) * float(np.var(estimates, ddof=1))
    within = float(variances.mean())
    if not within > 0:
        raise EstimateError("the values do not vary around the model")
    share = between / (within + between)
    observed_df = (1 - share) * complete_df * (complete_df + 1) / (complete_df + 3)
    df = 1 / (share**2 / (n_sets - 1) + 1 / observed_df)
    return t_estimate(float(estimates.mean()), (within + between) ** 0.5, df, alpha)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """ANCOVA of one arm against the control at one visit, over all imputations.

    Attributes
    ----------
    design : float array, shape (n, Q)
    contrast : float array, shape (Q,)
    """

    design: FloatArray
    contrast: FloatArray
    alpha: float

    def pool(self, values: FloatArray) -> Estimate:
        """Give the estimate from completed values, shape (M, n)."""
        n, q = self.design.shape
        inverse = np.linalg.inv(self.design.T @ self.design)
        coefficients = values @ self.design @ inverse
        residual = values - coefficients @ self.design.T
        variances = (residual**2).sum(axis=1) / (n - q) * (self.contrast @ inverse @ self.contrast)
        return pool_imputations(coefficients @ self.contrast, variances, n - q, self.alpha)

    def tip(self, values: FloatArray, is_imputed: FloatArray) -> tuple[Estimate, float | None]:
        """Give the estimate at the tipping point and its delta; without any, and None, where p exceeds alpha anyway.

        Parameters
        ----------
        is_imputed : float array, shape (n,)
            1 where delta is added.
        """
        plain = self.pool(values)
        if plain.p > self.alpha or not is_imputed.any():
            return plain, None
        moved = float(np.linalg.lstsq(self.design, is_imputed, rcond=None)[0] @ self.contrast)
        if moved <= 0:
            raise EstimateError("delta on the imputed values does not move the effect")
        # The estimate is linear in delta: where it is 0, p is 1, so the tipping point lies between.
        to_nothing = -plain.estimate / moved
        share = brentq(lambda s: self.pool(values + s * to_nothing * is_imputed).p - self.alpha, 0, 1)
        return self.pool(values + share * to_nothing * is_imputed), float(share * to_nothing)


def _compare(
    subjects: Subjects, drawn: Imputations, alpha: float, at: int, which: int
) -> list[tuple[str, Estimate | None, str]]:
    """Method, estimate and note of both analyses of a visit and an arm, given by their place in `subjects`."""
    control, arm = subjects.arms[0], subjects.arms[which]
    contrast = np.ones(1) if subjects.is_paired else np.eye(len(subjects.arms))[which] - np.eye(len(subjects.arms))[0]
    design = subjects.columns.design[:, subjects.columns.kept]
    missed = subjects.missed[:, at]
    is_imputed = missed & (subjects.arm == arm)
    n_control = int((missed & (subjects.arm == control)).sum())
    n_imputed = f"{is_imputed.sum()} imputed in {arm}, {n_control} in {control}"
    jump = "jump to reference"
    if subjects.is_paired:
        n_imputed, jump = f"{is_imputed.sum()} of {len(missed)} pairs imputed", "jump to no difference"
    try:
        comparison = _Comparison(design, subjects.columns.reduce(contrast), alpha)
        jumped = comparison.pool(drawn.jumped[:, :, at])
        plain, delta = comparison.tip(drawn.at_random[:, :, at], is_imputed.astype(float))
    except EstimateError as error:
        return [(method, None, f"not estimable: {error}") for method in (REFERENCE, DELTA)]
    told = "already not significant" if delta is None else f"tipping point: delta {delta:+.4g}"
    if not is_imputed.any():
        told = f"not needed: no {'pair' if subjects.is_paired else f'value of {arm}'} is missing"
    return [(REFERENCE, jumped, f"{jump}; {n_imputed}"), (DELTA, plain, f"{told}; {n_imputed}")]
