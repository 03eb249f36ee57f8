"""Directed centre-line maps become ridge points: where a shaft's axis lies, and which way it runs."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.types import N_DIRECTIONS, FloatArray, MapArray

N_ORIENTATIONS = N_DIRECTIONS // 2
SMOOTH_CELLS = 0.65
"""The ridge of a wide shaft is flat and rough; smoothed this much it has one crest, close neighbours two."""
_STEEP = (np.abs(np.arange(N_ORIENTATIONS) + 0.5 - N_ORIENTATIONS / 2) < 1).astype(np.intp)
"""1 for the pairs of layers of steep shafts, which are crossed along rows; the others are crossed along columns."""


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


def find_ridge_points(centreline: MapArray, pairs: MapArray, *, threshold: float) -> RidgePoints:
    """Sub-cell ridge points of the directed layers.

    A shaft lies in two neighbouring layers whose sum is about one: ridges are sought in those sums, and each place and
    direction is answered by the strongest pair of layers only. A shaft has one point in every column that it crosses
    (in every row, where it is steep), so that its points follow each other in a single file.

    Parameters
    ----------
    centreline : float32 array, shape (N_DIRECTIONS, h, w)
    pairs : float32 array, shape (N_ORIENTATIONS, h, w)
        The same, as `pair_layers` adds them.
    threshold : float
        Least evidence of a point.
    """
    layer, row, column = _strongest_pairs(pairs, threshold)
    strength = pairs[layer, row, column].astype(np.float64)
    second = (layer + 1) % N_ORIENTATIONS
    line = centreline[second, row, column] + centreline[second + N_ORIENTATIONS, row, column]
    share = line / np.maximum(strength, 1e-9)
    angle = (layer + share) * np.pi / N_ORIENTATIONS
    tangent = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    down, right = _STEEP[layer] == 0, _STEEP[layer] == 1
    before, after = _value(pairs, layer, row - down, column - right), _value(pairs, layer, row + down, column + right)
    peak = (strength >= before) & (strength > after)
    strength, before, after = strength[peak], before[peak], after[peak]
    offset = vertex(before, strength, after, most=0.75)
    xy = np.stack([column[peak] + offset * right[peak], row[peak] + offset * down[peak]], axis=1)
    return RidgePoints(xy, tangent[peak], strength, _forward(centreline, layer[peak], row[peak], column[peak]))


def vertex(before: FloatArray, middle: FloatArray, after: FloatArray, *, most: float) -> FloatArray:
    """Where the parabola through three values, one cell apart, has its top, so far from the middle at most, cells."""
    curvature = np.minimum(before - 2.0 * middle + after, -1e-9)
    return np.asarray(np.clip(0.5 * (before - after) / curvature, -most, most), np.float64)


def pair_layers(centreline: MapArray) -> MapArray:
    """Sums of neighbouring undirected layers, shape (N_ORIENTATIONS, h, w): layer k holds directions k to k + 1."""
    # Added in place: of a large photograph every copy is hundreds of megabytes.
    pairs: MapArray = centreline[:N_ORIENTATIONS] + centreline[N_ORIENTATIONS:]
    first = pairs[0].copy()
    for layer in range(N_ORIENTATIONS - 1):
        pairs[layer] += pairs[layer + 1]
    pairs[-1] += first
    for layer in pairs:
        cv2.GaussianBlur(layer, (5, 5), SMOOTH_CELLS, dst=layer, borderType=cv2.BORDER_REPLICATE)
    return pairs


def _strongest_pairs(pairs: MapArray, threshold: float) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Layer, row and column where a pair is above the threshold and above its two neighbours in direction."""
    row, column = np.nonzero(pairs.max(axis=0) > threshold)
    values = pairs[:, row, column]
    best = (values >= np.roll(values, 1, axis=0)) & (values > np.roll(values, -1, axis=0)) & (values > threshold)
    layer, index = np.nonzero(best)
    return layer, row[index], column[index]


def _value(pairs: MapArray, layer: NDArray[np.intp], row: NDArray[np.intp], column: NDArray[np.intp]) -> FloatArray:
    """Values of cells; infinite outside: the crest of a shaft that lies along the border may be beyond it."""
    height, width = pairs.shape[1:]
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    values = pairs[layer, row.clip(0, height - 1), column.clip(0, width - 1)]
    return np.asarray(np.where(inside, values, np.inf), np.float64)


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
