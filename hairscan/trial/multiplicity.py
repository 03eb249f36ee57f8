"""Several hypotheses of one trial, tested so that the chance of any false rejection stays below alpha."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from statsmodels.stats.multitest import multipletests

from hairscan.types import FloatArray


def adjust(
    p_values: ArrayLike, *, method: Literal["fixed-sequence", "holm"], alpha: float
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Adjusted p values, shape (N,), and which hypotheses are rejected: those whose adjusted p is at most alpha.

    Parameters
    ----------
    p_values : array-like, shape (N,)
        In testing order. NaN could not be tested: it is never rejected, ends a fixed sequence, and counts as one of
        the hypotheses in Holm's method.

    Notes
    -----
    Fixed sequence: each hypothesis is tested at the full level if all before it were rejected (Maurer, Hothorn and
    Lehmacher 1995); its adjusted p is the largest up to it. Holm (1979): step-down Bonferroni.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if method == "fixed-sequence":
        adjusted = np.maximum.accumulate(p)
    elif p.size:
        adjusted = np.where(np.isnan(p), np.nan, multipletests(np.nan_to_num(p, nan=1.0), alpha, "holm")[1])
    else:
        adjusted = p
    return adjusted, adjusted <= alpha
