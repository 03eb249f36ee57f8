"""Analysis of covariance: treatment effects at each visit from that visit alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd
import statsmodels.api as sm

from hairscan.errors import EstimateError
from hairscan.trial.linear import (
    EFFECT_COLUMNS,
    Columns,
    Estimate,
    ModelRows,
    cell_design,
    effects_table,
    model_rows,
    refuse,
    t_estimate,
)
from hairscan.types import FloatArray

METHOD = "ANCOVA"


def ancova_effects(
    data: pd.DataFrame, *, control: str, alpha: float, covariates: Sequence[str] = (), arms: Sequence[str] = ()
) -> pd.DataFrame:
    """Difference of the mean change from the control at every visit, adjusted for the baseline and the covariates.

    Least squares on the subjects seen at the visit, with one variance for all arms.

    Parameters
    ----------
    data : DataFrame
        One endpoint: subject, arm, visit, week, change, base and the covariates; one row per subject and visit.
    alpha : float
        Two-sided.
    arms : sequence of str
        Arms that have rows in the table even if nobody of them has a value.

    Returns
    -------
    effects : DataFrame
        NaN, with the reason in `note`, where not estimable.
    """
    everyone = model_rows(data, control=control, covariates=covariates, arms=arms)
    tables = []
    for visit, _ in everyone.visits:
        at_visit = data[data["visit"] == visit]
        rows = model_rows(at_visit, control=control, covariates=covariates, arms=everyone.arms)
        tables.append(effects_table(rows, METHOD, _fit_visit(rows, alpha)))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=EFFECT_COLUMNS)


def _fit_visit(rows: ModelRows, alpha: float) -> Callable[[FloatArray], Estimate]:
    """Fit the rows of one visit; give the estimate of a contrast of its arms."""
    design, _ = cell_design(rows)
    columns = Columns.of(design)
    n_values, n_coefficients = len(design), int(columns.kept.sum())
    if n_values <= n_coefficients:
        return partial(refuse, f"{n_values} values for {n_coefficients} coefficients")
    fit = sm.OLS(rows.table["change"].to_numpy(float), design[:, columns.kept]).fit()

    def estimate_of(contrast: FloatArray) -> Estimate:
        test = fit.t_test(columns.reduce(contrast))
        if fit.ssr <= 1e-20 * max(fit.uncentered_tss, 1e-300):
            raise EstimateError("the values do not vary around the model")
        return t_estimate(test.effect.item(), test.sd.item(), float(fit.df_resid), alpha)

    return estimate_of
