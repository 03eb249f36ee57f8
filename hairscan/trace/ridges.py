"""Directed centre-line maps become ridge points: where a shaft's axis lies, and which way it runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from hairscan.types import N_DIRECTIONS, FloatArray, MapArray

N_ORIENTATIONS = N_DIRECTIONS // 2


@dataclass(frozen=True, slots=True)
class RidgePoints:
    """Points on centre-lines; two shafts that cross share a place, not a point.

    Attributes
    ----------
    xy : float array, shape (N, 2)
        Map cells.
    tangent_xy : float array, shape (N, 2)
        Unit vector along the shaft, sign arbitrary.
    strength : float array, shape (N,)
        Evidence of a centre-line, about 0 to 1.
    forward : float array, shape (N,)
        Evidence that root to tip runs along `tangent_xy`, less that it runs against it.
    """

    xy: FloatArray
    tangent_xy: FloatArray
    strength: FloatArray
    forward: FloatArray


def find_ridge_points(centreline: MapArray, *, threshold: float) -> RidgePoints:
    """Sub-cell ridge points of the directed layers.

    A shaft lies in two neighbouring layers whose sum is about one: ridges are sought in those sums, across the shaft's
    own normal, and each place and direction is answered by the strongest pair of layers only.

    Parameters
    ----------
    centreline : float32 array, shape (N_DIRECTIONS, h, w)
    threshold : float
        Least evidence of a point.
    """
    lines = centreline[:N_ORIENTATIONS] + centreline[N_ORIENTATIONS:]
    pairs = lines + np.roll(lines, -1, axis=0)
    layer, row, column = _strongest_pairs(pairs, threshold)
    following = (layer + 1) % N_ORIENTATIONS
    strength = pairs[layer, row, column].astype(np.float64)
    share = lines[following, row, column] / np.maximum(strength, 1e-9)
    angle = (layer + share) * np.pi / N_ORIENTATIONS
    tangent = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    normal = tangent[:, ::-1] * (-1.0, 1.0)
    here = np.stack([column, row], axis=1).astype(np.float64)
    left, right = _sample(pairs, layer, here - normal), _sample(pairs, layer, here + normal)
    peak = (strength >= left) & (strength > right)
    curvature = np.minimum(left - 2.0 * strength + right, -1e-9)
    offset = np.clip(0.5 * (left - right) / curvature, -0.75, 0.75)
    xy = here + offset[:, None] * normal
    return RidgePoints(xy[peak], tangent[peak], strength[peak], _forward(centreline, layer, row, column)[peak])


def _strongest_pairs(pairs: MapArray, threshold: float) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Layer, row and column where a pair is above the threshold and above its two neighbours in direction."""
    row, column = np.nonzero(pairs.max(axis=0) > threshold)
    values = pairs[:, row, column]
    best = (values >= np.roll(values, 1, axis=0)) & (values > np.roll(values, -1, axis=0)) & (values > threshold)
    layer, index = np.nonzero(best)
    return layer, row[index], column[index]


def _sample(pairs: MapArray, layer: NDArray[np.intp], xy: FloatArray) -> FloatArray:
    """Bilinear value of each point in its own layer; 0 outside."""
    where = np.stack([layer.astype(np.float64), xy[:, 1], xy[:, 0]])
    return np.asarray(map_coordinates(pairs, where, order=1, mode="constant"), np.float64)


def _forward(
    centreline: MapArray, layer: NDArray[np.intp], row: NDArray[np.intp], column: NDArray[np.intp]
) -> FloatArray:
    """Directed evidence along the angle of the pair, less that against it."""
    total = np.zeros(len(layer))
    for step in (0, 1):
        along = (layer + step) % N_DIRECTIONS
        against = (along + N_ORIENTATIONS) % N_DIRECTIONS
        total += centreline[along, row, column] - centreline[against, row, column]
    return total
