"""Traces that may have passed from one shaft to another on their way from root to tip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hairscan.types import FloatArray, Hair

SHARED = "shares-a-shaft"
"""The trace runs on another hair's for a while, or ends on another hair: which of the two ends there is not clear."""
BENT = "bends-sharply"
"""The trace turns as no clipped hair does: it may have passed from one hair to another."""
_STEP_UM = 5.0
_TOGETHER_UM = 10.0
_SHARED_UM = 90.0
_ASIDE_UM = 60.0
_TURN_DEG = 22.0
_USUAL_HALF_UM = 30.0


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a trace may not be one hair's all along.

    Attributes
    ----------
    reason : str
        Empty where nothing speaks against it.
    sure_px : float
        Arc length up to which it is; infinite without a doubt.
    """

    reason: str = ""
    sure_px: float = inf


def find_doubts(hairs: Sequence[Hair], tips_xy: FloatArray, um_per_px: float) -> list[Doubt]:
    """What speaks against each trace of a photograph.

    Parameters
    ----------
    hairs : sequence of Hair
        Every hair of the photograph.
    tips_xy : float array, shape (N, 2)
        Where their shafts end, px.
    um_per_px : float
        Scale of the photograph.
    """
    paths = [_evenly(hair.path_xy * um_per_px) for hair in hairs]
    trees = [cKDTree(path) for path in paths]
    halves = [0.5 * float(np.nan_to_num(hair.width_px * um_per_px, nan=2.0 * _USUAL_HALF_UM)) for hair in hairs]
    found = []
    for index, path in enumerate(paths):
        others = [other for other in range(len(paths)) if other != index and _meet(path, paths[other])]
        found.append(_doubt(path, tips_xy[index] * um_per_px, [(trees[k], halves[k]) for k in others], um_per_px))
    return found


def _doubt(path: FloatArray, tip: FloatArray, others: list[tuple[cKDTree, float]], um_per_px: float) -> Doubt:
    """What speaks against one trace, the earliest place first."""
    end = np.linspace(path[-1], tip, 12)
    starts = []
    for tree, half in others:
        along, beyond = (np.asarray(tree.query(points)[0], np.float64) for points in (path, end))
        start = _shared_from(along, float(beyond.min()) < half, half)
        starts += [] if start is None else [start]
    bend = _bend_at(path)
    if starts:
        return Doubt(SHARED, min(starts) * _STEP_UM / um_per_px)
    return Doubt() if bend is None else Doubt(BENT, bend * _STEP_UM / um_per_px)


def _shared_from(away_um: FloatArray, ends_on_it: bool, half_um: float) -> int | None:
    """Index of the first point that a path shares with another, where it does so for long or ends there."""
    starts, ends = _runs(away_um < _TOGETHER_UM)
    long = starts[ends - starts > _SHARED_UM / _STEP_UM]
    if len(long):
        return int(long[0])
    if not ends_on_it:
        return None
    inside = np.flatnonzero(away_um > half_um)
    return int(inside[-1]) if len(inside) else 0


def _bend_at(path: FloatArray) -> int | None:
    """Index of the first sharp turn between neighbouring stretches of a path, its very ends left out."""
    reach = round(_ASIDE_UM / _STEP_UM)
    inner = path[3:-3]
    if len(inner) <= 2 * reach:
        return None
    before, after = inner[reach:-reach] - inner[: -2 * reach], inner[2 * reach :] - inner[reach:-reach]
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    sharp = np.abs(np.degrees(np.arctan2(cross, (before * after).sum(axis=1)))) > _TURN_DEG
    return int(np.argmax(sharp)) + 3 if sharp.any() else None


def _evenly(path_um: FloatArray) -> FloatArray:
    """The path at even steps."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path_um, axis=0).T))])
    at = np.arange(0.0, float(along[-1]) + _STEP_UM, _STEP_UM)
    return np.column_stack([np.interp(at, along, path_um[:, k]) for k in (0, 1)])


def _meet(one: FloatArray, other: FloatArray) -> bool:
    """Whether the boxes around two paths come near each other."""
    return bool(
        (one.min(axis=0) < other.max(axis=0) + 100.0).all() and (other.min(axis=0) < one.max(axis=0) + 100.0).all()
    )


def _runs(true: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First index of each run of true values, and the first after it."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], true.astype(np.int8), [0]])))
    return edges[::2], edges[1::2]
