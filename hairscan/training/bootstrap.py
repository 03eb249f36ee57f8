"""How far chance moves a figure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hairscan.files import Record

RESAMPLES = 1000


class Figure(Record):
    """A figure with its 95 % interval; NaN, null in a file, where it cannot be told."""

    value: float
    low: float
    high: float


def bootstrap(summarise: Callable[[NDArray[np.intp]], dict[str, float]], rows: int, seed: int = 0) -> dict[str, Figure]:
    """Every figure with its 95 % percentile interval (Efron and Tibshirani 1993, chapter 13).

    Parameters
    ----------
    summarise : callable
        Figures of the rows of these indices; an index that is there twice counts twice.
    rows : int
        How many rows (fields, phantoms, pictures) there are: whole rows are drawn, with replacement. One row alone has
        no interval.
    """
    rng = np.random.default_rng(seed)
    values = summarise(np.arange(rows))
    draws = [summarise(rng.integers(rows, size=rows)) for _ in range(RESAMPLES if rows > 1 else 0)]
    return {name: _figure(value, np.array([draw[name] for draw in draws])) for name, value in values.items()}


def _figure(value: float, draws: NDArray[np.float64]) -> Figure:
    told = draws[np.isfinite(draws)]
    low, high = np.percentile(told, (2.5, 97.5)) if len(told) else (np.nan, np.nan)
    return Figure(value=value, low=float(low), high=float(high))
