"""The change of a subject that is more than measurement error, from what was photographed again."""

from __future__ import annotations

from math import nan

import numpy as np
import pandas as pd

from hairscan.trial.reliability import OF_95

LEAST_DF = 10
"""With fewer degrees of freedom the true error may be more than 1.75 times the one that was found."""
_VARIANCES = {"same visit": "photo_variance", "operators": "operator_variance"}
"""Column of the observations that belongs to each kind of repeats.

The same photograph read again is none of them: that it gives the same says nothing of a second photograph.
"""


def errors_of(reliability: pd.DataFrame, endpoint: str) -> pd.DataFrame:
    """Rows of the reliability of an endpoint that tell the error of a change: columns kind, sem, df."""
    told = (reliability["endpoint"] == endpoint) & reliability["kind"].isin(_VARIANCES) & (reliability["df"] > 0)
    return reliability.loc[told, ["kind", "sem", "df"]]


def detectable_changes(observations: pd.DataFrame, errors: pd.DataFrame) -> pd.Series:
    """Minimal detectable change (95 %) of each row's own change; NaN where no error is known.

    Parameters
    ----------
    observations
        The tidy table.
    errors
        As `errors_of` gives them.

    Notes
    -----
    ``1.96 sem sqrt(v)``, v being the variance of the error of the change in multiples of that of one photograph, or of
    one operator; the largest over the kinds of repeats. With one photograph at both visits v is 2.
    """
    of_kinds = [OF_95 * error.sem * np.sqrt(observations[_VARIANCES[error.kind]]) for error in errors.itertuples()]
    return pd.concat(of_kinds, axis=1).max(axis=1) if of_kinds else pd.Series(nan, observations.index)


def few_repeats_words(errors: pd.DataFrame) -> str:
    """Which errors rest on so little that they may be far off; empty where none."""
    few = errors[errors["df"] < LEAST_DF]
    told = ", ".join(f"{row.kind}: {row.df:.0f}" for row in few.itertuples())
    words = f"the minimal detectable change rests on fewer than {LEAST_DF} degrees of freedom"
    return f"{words} ({told}) and may be far off" if told else ""
