"""Hairs of two visits, one to one: by root, direction, width and where their shafts run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from hairscan.lines import distances, unit
from hairscan.types import FloatArray
from hairscan.visits.visit import heading_of

MOST_COST = 16.0
"""From here on two hairs are rather two hairs than one: four standard deviations."""
_ACROSS_UM = 22.0
_ALONG_UM = 70.0
"""How far the root of one hair moves between two visits, across its shaft and along it, where it is hard to see."""
_ANGLE_DEG = 12.0
_WIDTH_LOG = 0.35
_HEADING_UM = 200.0
_BODY_UM = 14.0
_BODY_COST = 5.0
"""What it costs that two hairs share a shaft and nothing else: their ends were told apart or swapped."""
_REACH_UM = 300.0
_WIDTH_UM = 50.0
"""Of a hair whose width was not measured."""
_MARGIN_UM = 8.0


@dataclass(frozen=True, slots=True)
class Line:
    """A hair in the frame that is common to both visits.

    Attributes
    ----------
    path_um : float array, shape (P, 2)
        Centre-line, root first.
    width_um : float
        NaN where not measured.
    """

    path_um: FloatArray
    width_um: float


@dataclass(frozen=True, slots=True)
class Pairing:
    """Which hairs are one hair.

    Attributes
    ----------
    first, second : int array, shape (K,)
        Indices of the hairs that belong together.
    confidence : float array, shape (K,)
        How much better each pair is than what else its hairs could be, 0.5 to 1.
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    confidence: FloatArray


def pair_hairs(first: Sequence[Line], second: Sequence[Line], residual_um: float) -> Pairing:
    """The one-to-one assignment of least cost.

    Parameters
    ----------
    residual_um : float
        How far the registration misses.
    """
    if not first or not second:
        return Pairing(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0))
    cost = _costs(first, second, residual_um)
    rows, columns = linear_sum_assignment(np.minimum(cost, MOST_COST))
    kept = cost[rows, columns] < MOST_COST
    rows, columns = rows[kept], columns[kept]
    best = cost[rows, columns]
    others = np.minimum(cost, MOST_COST)
    others[rows, columns] = MOST_COST
    second_best = np.minimum(others[rows].min(axis=1), others[:, columns].min(axis=0)) if len(rows) else best
    confidence = 1.0 / (1.0 + np.exp((best - second_best) / 2.0))
    return Pairing(rows.astype(np.intp), columns.astype(np.intp), np.maximum(confidence, 0.5))


class Shafts:
    """The skin that hairs cover, in the frame that is common to both visits.

    Parameters
    ----------
    lines : sequence of Line
        May be empty.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        half_um = [np.full(len(line.path_um), 0.5 * np.nan_to_num(line.width_um, nan=_WIDTH_UM)) for line in lines]
        self._half_um = np.concatenate([np.zeros(0), *half_um])
        self._tree = cKDTree(np.concatenate([np.zeros((0, 2)), *(line.path_um for line in lines)]))

    def cover(self, points_um: FloatArray, margin_um: float = _MARGIN_UM) -> NDArray[np.bool_]:
        """Which points, shape (..., 2), lie on a shaft or within a margin of it."""
        if not len(self._half_um):
            return np.zeros(points_um.shape[:-1], bool)
        away, nearest = self._tree.query(points_um)
        return np.asarray(away < self._half_um[nearest] + margin_um)


def _costs(first: Sequence[Line], second: Sequence[Line], residual_um: float) -> FloatArray:
    """Cost of every pair; infinite for hairs far apart."""
    cost = np.full((len(first), len(second)), np.inf)
    roots = [np.array([line.path_um[0] for line in lines]) for lines in (first, second)]
    middles = [np.array([line.path_um[len(line.path_um) // 2] for line in lines]) for lines in (first, second)]
    near = (distances(*roots) < _REACH_UM) | (distances(*middles) < _REACH_UM)
    for i, k in zip(*np.nonzero(near), strict=True):
        cost[i, k] = min(_end_cost(first[i], second[k], residual_um), _body_cost(first[i], second[k], residual_um))
    return cost


def _end_cost(one: Line, other: Line, residual_um: float) -> float:
    """Cost by root, direction and width, in squared standard deviations."""
    ahead = heading_of(one.path_um, _HEADING_UM)
    beside = heading_of(other.path_um, _HEADING_UM)
    angle = np.degrees(np.arccos(np.clip(float(ahead @ beside), -1.0, 1.0)))
    axis = unit(ahead + beside)
    gap = other.path_um[0] - one.path_um[0]
    along, across = float(gap @ axis), float(gap @ (-axis[1], axis[0]))
    return float(
        across**2 / (_ACROSS_UM**2 + residual_um**2)
        + along**2 / (_ALONG_UM**2 + residual_um**2)
        + (angle / _ANGLE_DEG) ** 2
        + _width_cost(one, other)
    )


def _body_cost(one: Line, other: Line, residual_um: float) -> float:
    """Cost of two shafts that run on one another, whatever their ends; infinite where they do not."""
    short, long = sorted((one, other), key=lambda line: len(line.path_um))
    away, _ = cKDTree(long.path_um).query(short.path_um)
    if float(np.mean(away < 4.0 * _BODY_UM)) < 0.7:
        return np.inf
    return float(np.median(away) ** 2 / (_BODY_UM**2 + residual_um**2) + _BODY_COST + _width_cost(one, other))


def _width_cost(one: Line, other: Line) -> float:
    """Cost by width: hairs thicken and thin, so never more than two standard deviations."""
    ratio = np.log(one.width_um / other.width_um)
    return float(min((ratio / _WIDTH_LOG) ** 2, 4.0)) if np.isfinite(ratio) else 1.0
