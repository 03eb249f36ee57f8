"""Transformations of the plane: applied, composed, and fitted to pairs of points."""

from __future__ import annotations

from math import atan2, degrees, sqrt

import cv2
import numpy as np
from scipy.optimize import least_squares

from hairscan.lines import rotation, unit
from hairscan.types import FloatArray

_UNIT_UM = 2000.0
_SHEAR_SD = 0.02
_TILT_SD = 0.005
"""How far a second photograph of a site departs from a turned and zoomed one: prior of the fit, per 2 mm.

A lens 40 mm away that is 6 degrees aslant; skin drawn out by 2 %.
"""


def transform(matrix: FloatArray, points_xy: FloatArray) -> FloatArray:
    """Points, shape (..., 2), under a homography of shape (3, 3)."""
    if not points_xy.size:
        return points_xy.copy()
    flat = np.ascontiguousarray(points_xy, np.float64).reshape(1, -1, 2)
    return np.asarray(cv2.perspectiveTransform(flat, matrix), np.float64).reshape(points_xy.shape)


def inverse(matrix: FloatArray) -> FloatArray:
    """The way back of a homography."""
    back = np.linalg.inv(matrix)
    return np.asarray(back / back[2, 2], np.float64)


def turn(matrix: FloatArray, at_xy: FloatArray, heading: FloatArray, step: float = 10.0) -> FloatArray:
    """Unit vectors, shape (N, 2), that leave points, under a homography."""
    return unit(transform(matrix, at_xy + step * heading) - transform(matrix, at_xy))


def similarity(zoom: float, turn_rad: float, from_xy: FloatArray, to_xy: FloatArray) -> FloatArray:
    """Homography that turns and zooms and brings one point to another."""
    linear = zoom * rotation(turn_rad)
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = to_xy - linear @ from_xy
    return matrix


def fit_similarity(from_xy: FloatArray, to_xy: FloatArray) -> FloatArray:
    """Least-squares turn, zoom and shift of two or more pairs of points (Umeyama 1991, without mirroring)."""
    mean_from, mean_to = from_xy.mean(axis=0), to_xy.mean(axis=0)
    p = (from_xy - mean_from) @ (1, 1j)
    q = (to_xy - mean_to) @ (1, 1j)
    factor = np.vdot(p, q) / max(float(np.vdot(p, p).real), 1e-9)
    return similarity(float(abs(factor)), float(np.angle(factor)), mean_from, mean_to)


def zoom_and_turn(matrix: FloatArray, at_xy: FloatArray) -> tuple[float, float]:
    """Zoom and turn, in degrees, of a homography at a point."""
    step = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    origin, right, down = transform(matrix, at_xy + step)
    jacobian = np.column_stack([right - origin, down - origin])
    zoom = sqrt(max(float(np.linalg.det(jacobian)), 0.0))
    return zoom, degrees(atan2(jacobian[1, 0] - jacobian[0, 1], jacobian[0, 0] + jacobian[1, 1]))


def refine(start: FloatArray, from_um: FloatArray, to_um: FloatArray, sd_um: FloatArray) -> FloatArray:
    """Homography near a first one that brings points onto their partners; outliers hardly count.

    Parameters
    ----------
    start : float array, shape (3, 3)
        First transformation, um to um.
    from_um, to_um : float array, shape (N, 2)
        Pairs of points, two or more.
    sd_um : float array, shape (N,)
        How far a right pair misses.

    Notes
    -----
    Turn, zoom and shift are free; shear and tilt are drawn to none by a Gaussian prior, so that few points give a
    similarity and many a homography. Loss: soft L1.
    """
    moved = transform(start, from_um)
    middle = moved.mean(axis=0)
    p, q = (moved - middle) / _UNIT_UM, (to_um - middle) / _UNIT_UM
    sd = sd_um / _UNIT_UM
    prior_sd = np.array([_SHEAR_SD, _SHEAR_SD, _TILT_SD, _TILT_SD])

    def misses(parameters: FloatArray) -> FloatArray:
        off = (transform(_small_change(parameters), p) - q) / sd[:, None]
        return np.concatenate([off.ravel(), parameters[4:] / prior_sd])

    found = least_squares(misses, np.zeros(8), loss="soft_l1").x
    to_unit = np.array([[1, 0, -middle[0]], [0, 1, -middle[1]], [0, 0, _UNIT_UM]]) / _UNIT_UM
    matrix = np.linalg.inv(to_unit) @ _small_change(found) @ to_unit @ start
    return np.asarray(matrix / matrix[2, 2])


def _small_change(parameters: FloatArray) -> FloatArray:
    """Homography near the identity: shift, growth, turn, two shears, two tilts."""
    x, y, growth, angle, stretch, shear, tilt_x, tilt_y = parameters
    return np.array(
        [
            [1 + growth + stretch, shear - angle, x],
            [shear + angle, 1 + growth - stretch, y],
            [tilt_x, tilt_y, 1.0],
        ]
    )
