"""Intraclass correlations of a complete table of targets and repeats, with their intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log, nan

import numpy as np
from scipy import stats

from hairscan.trial.groups import EQUAL
from hairscan.trial.jackknife import BoolArray, IntArray, jackknife
from hairscan.types import FloatArray


@dataclass(frozen=True, slots=True)
class Icc:
    """Intraclass correlation of a single measurement; NaN where it cannot be told."""

    estimate: float = nan
    low: float = nan
    high: float = nan


def absolute_agreement(table: FloatArray, alpha: float) -> Icc:
    """ICC(2,1), two-way random effects: how well one measurement gives the value itself.

    Parameters
    ----------
    table : float array, shape (N, K)
        Value of each target (row) in each repeat (column); at least two of both.

    Notes
    -----
    Shrout and Fleiss (1979), called ICC(A,1) by McGraw and Wong (1996), whose table 7 has the interval. Repeats that
    are identical give 1 without an interval.
    """
    n, k = table.shape
    rows, columns, error = _mean_squares(table)
    rest = k * columns + (k * n - k - n) * error
    if rows == rest == 0:
        return Icc()
    estimate = n * (rows - error) / (n * rows + rest)
    # Satterthwaite's degrees of freedom of the mean square that the rows are compared with; a correlation of the model
    # is not negative, and an estimate that is could bring them to nothing
    share = max(estimate, 0.0)
    of_columns, of_error = k * share * columns, (n + share * (k * (n - 1) - n)) * error
    if of_columns == of_error == 0:
        return Icc(estimate)
    df = (of_columns + of_error) ** 2 / (of_columns**2 / (k - 1) + of_error**2 / ((n - 1) * (k - 1)))
    wide, narrow = (float(stats.f.ppf(1 - alpha / 2, *dfs)) for dfs in ((n - 1, df), (df, n - 1)))
    return Icc(
        estimate,
        n * (rows - wide * error) / (wide * rest + n * rows),
        n * (narrow * rows - error) / (rest + n * narrow * rows),
    )


def consistency(table: FloatArray, alpha: float) -> Icc:
    """ICC(3,1), two-way mixed effects: how well one measurement ranks the targets, whatever the repeats' offsets.

    Parameters
    ----------
    table : float array, shape (N, K)
        As in `absolute_agreement`.

    Notes
    -----
    Shrout and Fleiss (1979), called ICC(C,1) by McGraw and Wong (1996).
    """
    n, k = table.shape
    rows, _, error = _mean_squares(table)
    if rows == error == 0:
        return Icc()
    estimate = (rows - error) / (rows + (k - 1) * error)
    if error == 0:
        return Icc(estimate)
    dfs = (n - 1, (n - 1) * (k - 1))
    low = rows / error / float(stats.f.ppf(1 - alpha / 2, *dfs))
    high = rows / error * float(stats.f.ppf(1 - alpha / 2, *dfs[::-1]))
    return Icc(estimate, (low - 1) / (low + k - 1), (high - 1) / (high + k - 1))


def over_subjects(icc: Callable[[FloatArray, float], Icc], table: FloatArray, subjects: IntArray, alpha: float) -> Icc:
    """The correlation with an interval that holds where several targets are of one subject.

    Parameters
    ----------
    icc
        `absolute_agreement` or `consistency`.
    subjects : array, shape (N,)
        Whose each target is.

    Notes
    -----
    By the jackknife over subjects on the scale of Fisher's z for K repeats, ``log((1 + (K - 1) r) / (1 - r)) / 2``.
    """
    estimate, k = icc(table, alpha).estimate, table.shape[1]
    if not -1 / (k - 1) < estimate < 1:
        return Icc(estimate)

    def z(kept: BoolArray) -> float:
        r = icc(table[kept], alpha).estimate
        return log((1 + (k - 1) * r) / (1 - r)) / 2 if -1 / (k - 1) < r < 1 else nan

    of_z = jackknife(z, subjects, alpha)
    low, high = (1 - k / (exp(2 * limit) + k - 1) for limit in (of_z.low, of_z.high))
    return Icc(estimate, low, high)


def _mean_squares(table: FloatArray) -> tuple[float, float, float]:
    """Mean squares of rows, columns and error of the two-way analysis of variance without replication."""
    n, k = table.shape
    centre = table.mean()
    of_rows, of_columns = table.mean(axis=1, keepdims=True) - centre, table.mean(axis=0, keepdims=True) - centre
    least = EQUAL * np.abs(table).max()
    rows, columns, error = (
        # what is as small as rounding is rounding: identical repeats have no error
        float(np.sum(np.where(np.abs(parts) > least, parts, 0.0) ** 2))
        for parts in (of_rows, of_columns, table - centre - of_rows - of_columns)
    )
    return k * rows / (n - 1), n * columns / (k - 1), error / ((n - 1) * (k - 1))
