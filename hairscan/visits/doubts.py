"""Traces that may have passed from one shaft to another on their way from root to tip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hairscan.lines import arc_lengths, points_at, unit
from hairscan.types import FloatArray, Hair

SHARED = "shares-a-shaft"
"""The trace runs on another hair's for a while, ends on another hair, or has another one begin behind its tip in line
with it, as a hair does that a bubble covers: which of the two ends where is not clear."""
BENT = "bends-sharply"
"""The trace turns as no clipped hair does: it may have passed from one hair to another."""
_STEP_UM = 5.0
_TOGETHER_SHARE = 0.45
_LEAST_TOGETHER_UM = 15.0
"""Traces nearer than this, the first as a share of both half widths together, run on one shaft."""
_SHARED = 3.0
"""Traces that run together for more than so many times that distance cross at less than 40 degrees, or do not cross."""
_TOUCHING_SHARE = 0.8
"""The same of two shafts that touch."""
_APART_SHARE = 1.2
_NARROW_COS = np.cos(np.deg2rad(40.0))
_ROOT_UM = 30.0
_ASIDE_UM = 60.0
_TURN_DEG = 22.0
_BEHIND_UM = 150.0
_IN_LINE_COS = np.cos(np.deg2rad(15.0))
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


@dataclass(frozen=True, slots=True)
class _Trace:
    """The trace of a hair, um, with a tree of its points and half the hair's width."""

    path: FloatArray
    tree: cKDTree
    half_um: float


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
    halves = [0.5 * float(np.nan_to_num(hair.width_px * um_per_px, nan=2.0 * _USUAL_HALF_UM)) for hair in hairs]
    every = [_Trace(path, cKDTree(path), half) for path, half in zip(paths, halves, strict=True)]
    return [
        _doubt(one, tip * um_per_px, [two for two in every if two is not one and _meet(one.path, two.path)], um_per_px)
        for one, tip in zip(every, tips_xy, strict=True)
    ]


def _doubt(one: _Trace, tip: FloatArray, others: list[_Trace], um_per_px: float) -> Doubt:
    """What speaks against one trace, the earliest place first."""
    end = np.linspace(one.path[-1], tip, 12)
    starts = [start for other in others if (start := _doubtful_from(one, end, other)) is not None]
    bend = _bend_at(one.path)
    if starts:
        return Doubt(SHARED, min(starts) * _STEP_UM / um_per_px)
    return Doubt() if bend is None else Doubt(BENT, bend * _STEP_UM / um_per_px)


def _doubtful_from(one: _Trace, end: FloatArray, other: _Trace) -> int | None:
    """Index of the point from which a path may be another hair's; None where it never is.

    Two traces that leave one root together run on one shaft until they part; only then one of them is wrong. One
    shaft that was traced twice from end to end is no doubt.
    """
    path = one.path
    distance, index = other.tree.query(path)
    away, nearest = np.asarray(distance, np.float64), np.asarray(index, np.intp)
    if away.max() < other.half_um and _apart_um(other.path, path) < other.half_um:
        return None
    places = _together_from(one, other, away), _touch_from(one, other, away, nearest), _end_on(one, end, other, away)
    return min((place for place in places if place is not None), default=None)


def _together_from(one: _Trace, other: _Trace, away_um: FloatArray) -> int | None:
    """Index from which a path runs on another shaft, or up to which it did; None where it never does."""
    together_um = max(_TOGETHER_SHARE * (one.half_um + other.half_um), _LEAST_TOGETHER_UM)
    for start, stop in zip(*_runs(away_um < together_um), strict=True):
        if stop - start <= _SHARED * together_um / _STEP_UM:
            continue
        if start > _ROOT_UM / _STEP_UM:
            return int(start)
        if float(np.hypot(*(one.path[stop - 1] - other.path[-1]))) > _ROOT_UM:
            return int(stop) - 1
    return None


def _touch_from(one: _Trace, other: _Trace, away_um: FloatArray, nearest: NDArray[np.intp]) -> int | None:
    """Index from which two traces touch and may have each other's ends; None where they do not.

    Two shafts cross where they touch, as a rule. Where they part on the side they came from, or where they come from
    apart and, at a narrow angle, one of them ends there, which one goes on is not clear.
    """
    touching_um = _TOUCHING_SHARE * (one.half_um + other.half_um)
    from_apart = min(away_um[0], one.tree.query(other.path[0])[0]) > _APART_SHARE * touching_um
    ahead, other_ahead = np.gradient(one.path, axis=0), np.gradient(other.path, axis=0)[nearest]
    gap = other.path[nearest] - one.path
    side = ahead[:, 0] * gap[:, 1] - ahead[:, 1] * gap[:, 0]
    narrow = np.abs((ahead * other_ahead).sum(axis=1)) > _NARROW_COS * np.hypot(*ahead.T) * np.hypot(*other_ahead.T)
    for start, stop in zip(*_runs(away_um < touching_um), strict=True):
        last = stop - 1
        ends, other_ends = last == len(one.path) - 1, int(nearest[start:stop].max()) == len(other.path) - 1
        begins = start == 0 or 0 in nearest[[start, last]]
        if not (ends or other_ends or begins) and side[start] * side[last] > 0:
            return int(start)
        if from_apart and ends != other_ends and narrow[last]:
            return int(start)
    return None


def _end_on(one: _Trace, end: FloatArray, other: _Trace, away_um: FloatArray) -> int | None:
    """Index from which a path lies on another shaft at its end, or its end where the other goes on behind it."""
    if float(np.min(other.tree.query(end)[0])) < other.half_um:
        inside = np.flatnonzero(away_um > other.half_um)
        return int(inside[-1]) if len(inside) else 0
    return len(one.path) - 1 if _goes_on(one.path, end[-1], other) else None


def _goes_on(path: FloatArray, tip: FloatArray, other: _Trace) -> bool:
    """Whether another trace begins behind the tip of a path, in line with it."""
    reach = round(_ASIDE_UM / _STEP_UM)
    ahead = unit(path[-1] - path[max(-1 - reach, -len(path))])
    onward = unit(other.path[min(reach, len(other.path) - 1)] - other.path[0])
    gap = other.path[0] - tip
    behind, beside = float(gap @ ahead), abs(float(gap[0] * ahead[1] - gap[1] * ahead[0]))
    return 0.0 < behind < _BEHIND_UM and beside < other.half_um and float(ahead @ onward) > _IN_LINE_COS


def _apart_um(path: FloatArray, other: FloatArray) -> float:
    """Distance of the point of a path that is farthest from another."""
    return float(np.max(cKDTree(other).query(path)[0]))


def _bend_at(path: FloatArray) -> int | None:
    """Index of the first sharp turn between neighbouring stretches of a path, its very ends left out."""
    reach = round(_ASIDE_UM / _STEP_UM)
    inner = path[3:-3]
    if len(inner) <= 2 * reach:
        return None
    before, after = inner[reach:-reach] - inner[: -2 * reach], inner[2 * reach :] - inner[reach:-reach]
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    sharp = np.abs(np.degrees(np.arctan2(cross, (before * after).sum(axis=1)))) > _TURN_DEG
    return int(np.argmax(sharp)) + 3 + reach if sharp.any() else None


def _evenly(path_um: FloatArray) -> FloatArray:
    """The path at even steps."""
    along = arc_lengths(path_um)
    at = np.arange(0.0, float(along[-1]) + _STEP_UM, _STEP_UM)
    return points_at(path_um, along, at)


def _meet(one: FloatArray, other: FloatArray) -> bool:
    """Whether the boxes around two paths come near each other."""
    return bool(
        (one.min(axis=0) < other.max(axis=0) + 100.0).all() and (other.min(axis=0) < one.max(axis=0) + 100.0).all()
    )


def _runs(true: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First index of each run of true values, and the first after it."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], true.astype(np.int8), [0]])))
    return edges[::2], edges[1::2]
