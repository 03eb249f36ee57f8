"""Trials of measured values without photographs: thousands of them, to check what statistics promise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def simulate_observations(
    rng: np.random.Generator,
    *,
    arms: Sequence[str],
    n_per_arm: int,
    weeks: Sequence[float],
    changes: Sequence[float],
    sd: float,
    correlation: float,
    dropout: float = 0.0,
    mean: float = 170.0,
    endpoint: str = "density_per_cm2",
) -> dict[str, NDArray[Any]]:
    """Observations of one parallel trial as columns of equal length, one row per subject and attended visit.

    Parameters
    ----------
    weeks : sequence of float
        Of the visits; the first is the baseline.
    changes : sequence of float
        True mean change of each arm from the first visit to the last; it grows evenly in time.
    sd, correlation : float
        Standard deviation of the values within an arm at each visit, and their correlation between any two visits of
        a subject: changes have the standard deviation ``sd * sqrt(2 * (1 - correlation))``.
    dropout : float
        Share of the subjects who, having come to a visit, come to no later one, whatever their values.

    Returns
    -------
    dict of array
        Of the tidy table that the statistics of a trial begin with: ``pandas.DataFrame(columns)``.
    """
    week = np.asarray(weeks, dtype=np.float64)
    n_subjects, n_visits = len(arms) * n_per_arm, len(week)
    arm = np.repeat(np.arange(len(arms)), n_per_arm)
    own = np.sqrt(correlation) * rng.standard_normal((n_subjects, 1))
    values = mean + sd * (own + np.sqrt(1 - correlation) * rng.standard_normal((n_subjects, n_visits)))
    values += np.asarray(changes)[arm, None] * (week - week[0]) / (week[-1] - week[0])
    stays = rng.random((n_subjects, n_visits - 1)) >= dropout
    attended = np.column_stack([np.ones(n_subjects, bool), np.logical_and.accumulate(stays, axis=1)])
    subject, visit = np.nonzero(attended)
    value, base = values[subject, visit], values[subject, 0]
    n_rows = len(subject)
    return {
        "subject": np.array([f"S{number + 1:03d}" for number in subject]),
        "arm": np.asarray(arms)[arm[subject]],
        "side": np.full(n_rows, ""),
        "site": np.full(n_rows, ""),
        "visit": np.array([f"{week[number]:g}" for number in visit]),
        "week": week[visit],
        "endpoint": np.full(n_rows, endpoint),
        "value": value,
        "n_photos": np.ones(n_rows, dtype=np.int64),
        "base": base,
        "change": value - base,
        "percent_change": 100 * (value - base) / base,
        "is_baseline": visit == 0,
        "analysed": attended[subject, 1],
        "area_cm2": np.full(n_rows, 0.2),
        "flags": np.full(n_rows, ""),
    }
