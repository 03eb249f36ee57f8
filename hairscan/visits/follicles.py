"""Where the follicles of the baseline lie in the follow-up: the registration, mended by the roots around each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairscan.types import FloatArray

_REACH_UM = 1000.0
"""Skin moves together over about this distance."""
_MOST_UM = 60.0
"""Roots farther apart than this are no sight of one follicle."""
_FIELD_SD_UM = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_ROOT_SD_UM = (3.0, 5.0, 8.0, 12.0, 18.0, 27.0)


@dataclass(frozen=True, slots=True)
class Shift:
    """How far the registration misses a follicle.

    Attributes
    ----------
    by_um : float array, shape (N, 2)
        To be added to where the registration puts each root.
    se_um : float array, shape (N,)
        Standard error along any direction.
    """

    by_um: FloatArray
    se_um: FloatArray


def find_shift(roots_um: FloatArray, misses_um: FloatArray) -> Shift:
    """Shift of every follicle, from its own root and those around it.

    Parameters
    ----------
    roots_um : float array, shape (N, 2)
        Roots at the baseline.
    misses_um : float array, shape (N, 2)
        From where the registration puts each root to where it was seen at the follow-up; NaN where it was not.

    Notes
    -----
    Kriging: the misses are a smooth field (skin that was stretched, a registration that is a little wrong) with a
    Gaussian covariance of 1 mm reach, plus the error of seeing a root. The two standard deviations are those of
    largest likelihood on a grid.
    """
    seen = np.flatnonzero(np.hypot(misses_um[:, 0], misses_um[:, 1]) < _MOST_UM)
    if not len(seen):
        return Shift(np.zeros_like(roots_um), np.full(len(roots_um), _FIELD_SD_UM[-1]))
    gap2 = ((roots_um[:, None] - roots_um[None]) ** 2).sum(axis=-1)
    alike = np.exp(-0.5 * gap2 / _REACH_UM**2)
    own, misses = alike[np.ix_(seen, seen)], misses_um[seen]
    grid = [(field, root) for field in _FIELD_SD_UM for root in _ROOT_SD_UM]
    field, root = min(grid, key=lambda sds: _surprise(own, misses, *sds))
    cross = field**2 * alike[:, seen]
    weights = np.linalg.solve(field**2 * own + root**2 * np.eye(len(seen)), cross.T).T
    variance = field**2 - (weights * cross).sum(axis=1)
    return Shift(weights @ misses, np.sqrt(np.maximum(variance, 0.25)))


def _surprise(alike: FloatArray, misses_um: FloatArray, field_um: float, root_um: float) -> float:
    """Negative log likelihood of the misses, but for a constant."""
    covariance = field_um**2 * alike + root_um**2 * np.eye(len(alike))
    _, log_determinant = np.linalg.slogdet(covariance)
    return float(log_determinant + 0.5 * (misses_um * np.linalg.solve(covariance, misses_um)).sum())
