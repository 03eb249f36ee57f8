"""Where the follicles of the baseline lie in the follow-up, and how large the follow-up shows the skin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairscan.types import FloatArray
from hairscan.visits.plane import fit_similarity, inverse, transform
from hairscan.visits.registration import Registration

_FEW_FEATURES = 30
"""Fewer features of the skin than these do not tell a tilt from the error of the roots."""
_FEW_ROOTS = 3
_FEATURE_SCALE_SE = 0.002
_UNKNOWN_SCALE_SE = 0.03
_REACH_UM = 1000.0
"""Skin moves together over about this distance."""
MOST_APART_UM = 60.0
"""Roots farther apart than this are no sight of one follicle."""
_FIELD_SD_UM = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_ROOT_SD_UM = (3.0, 5.0, 8.0, 12.0, 18.0, 27.0)


@dataclass(frozen=True, slots=True)
class Frame:
    """The way from the follow-up to the baseline by which lengths are compared.

    Attributes
    ----------
    to_baseline : float array, shape (3, 3)
        Homography, px of the follow-up to px of the baseline.
    scale_se : float
        Standard error of its enlargement, as a share.
    """

    to_baseline: FloatArray
    scale_se: float


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


def length_frame(registration: Registration, roots: FloatArray, later: FloatArray, near_px: float) -> Frame:
    """The registration, without its tilt where only roots speak for it.

    Parameters
    ----------
    roots, later : float array, shape (N, 2)
        Roots of the same hairs, px of the baseline and px of the follow-up.
    near_px : float
        Roots that the registration misses by more are no sight of one follicle.

    Notes
    -----
    A tilt that is fitted to some twenty roots is wrong by several percent of the length of a hair near the border,
    though it brings the roots together; turn, zoom and shift of the same roots are not.
    """
    back = inverse(registration.matrix)
    if registration.skin_features >= _FEW_FEATURES:
        return Frame(back, _FEATURE_SCALE_SE)
    off = transform(back, later) - roots
    near = np.hypot(off[:, 0], off[:, 1]) < near_px
    roots, later = roots[near], later[near]
    if len(roots) < _FEW_ROOTS:
        return Frame(back, _UNKNOWN_SCALE_SE)
    matrix = fit_similarity(later, roots)
    left = transform(matrix, later) - roots
    variance = float((left**2).sum()) / (2 * len(roots) - 4)
    spread = float(((roots - roots.mean(axis=0)) ** 2).sum())
    return Frame(matrix, float(np.sqrt(variance / spread)))


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
    seen = np.flatnonzero(np.hypot(misses_um[:, 0], misses_um[:, 1]) < MOST_APART_UM)
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
