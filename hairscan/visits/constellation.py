"""The constellation of the roots: which transformation most pairs of roots agree on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial import cKDTree

from hairscan.types import FloatArray
from hairscan.visits.chance import log10_false_alarms
from hairscan.visits.plane import fit_similarity, similarity, transform, turn
from hairscan.visits.visit import Roots

_PAIR_UM = (150.0, 2500.0)
_NEIGHBOURS = 14
_ZOOM_LOG = 0.8
"""Zooms that are tried: 0.45 to 2.2 times what the two scales say."""
_HEADING_CHORD = 2 * np.sin(np.deg2rad(30.0) / 2)
"""A hair leaves its root in a direction that stays within 30 degrees, and often far less."""
_CELL = np.array([np.deg2rad(6.0), 0.08, 110.0, 110.0])
"""Turn, logarithm of the zoom, and shift in um that count as one transformation in the vote."""
_CANDIDATES = 40
_NEAR_UM = (120.0, 70.0, 45.0)
_UNIT_UM = 110.0


@dataclass(frozen=True, slots=True)
class RootMatch:
    """A transformation, um to um, and the roots that it brings together.

    Attributes
    ----------
    first, second : int array, shape (K,)
        Indices of the roots that fall on one another.
    shown, agreeing : int
        Units of roots of the first photograph that the second one shows the place of, and those that it has a root
        for.
    log10_false_alarms : float
        See `hairscan.visits.chance`.
    """

    matrix: FloatArray
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    shown: int
    agreeing: int
    log10_false_alarms: float


def match_constellations(first: Roots, second: Roots, frame_um: FloatArray) -> RootMatch | None:
    """The similarity that the most roots agree on; None where there are too few roots to tell.

    Parameters
    ----------
    frame_um : float array, shape (2,)
        Width and height of the second photograph.
    """
    votes = _votes(first, second)
    if votes is None:
        return None
    hypotheses, tests = votes
    middle = first.xy.mean(axis=0)
    best: RootMatch | None = None
    for turn_rad, log_zoom, x, y in hypotheses:
        matrix = similarity(float(np.exp(log_zoom)), turn_rad, middle, np.array([x, y]))
        for reach in _NEAR_UM:
            ones, others = near_roots(matrix, first, second, reach)
            if len(ones) < 2:
                break
            matrix = fit_similarity(first.xy[ones], second.xy[others])
        found = judge_roots(matrix, first, second, frame_um, tests=tests)
        if best is None or found.log10_false_alarms < best.log10_false_alarms:
            best = found
    return best


def judge_roots(
    matrix: FloatArray, first: Roots, second: Roots, frame_um: FloatArray, *, tests: float = 1.0
) -> RootMatch:
    """What a transformation makes of the roots, and how likely that is by chance.

    Parameters
    ----------
    frame_um : float array, shape (2,)
        Width and height of the second photograph.
    tests : float
        How many transformations were tried, each drawn from two pairs of roots; 1 where it was found without roots.

    Notes
    -----
    Hairs of one follicular unit fall on hairs together or not at all: units are counted, not hairs.
    """
    reach = _NEAR_UM[-1]
    ones, others = near_roots(matrix, first, second, reach)
    moved = transform(matrix, first.xy)
    shown = np.asarray(((moved >= 0) & (moved <= frame_um)).all(axis=1), bool)
    units = _units(first.xy)
    shown_units, agreeing = len(np.unique(units[shown])), len(np.unique(units[ones[shown[ones]]]))
    crowd = max(len(first) / max(len(np.unique(units)), 1), 1.0)
    chance = min(crowd * len(second) * np.pi * reach**2 / float(np.prod(frame_um)), 1.0)
    spent = 2 if tests > 1 else 0
    evidence = log10_false_alarms(tests, max(shown_units - spent, 0), agreeing - spent, chance)
    return RootMatch(matrix, ones, others, shown_units, agreeing, evidence)


def near_roots(
    matrix: FloatArray, first: Roots, second: Roots, reach_um: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of roots that are each other's nearest under a transformation, and head the same way."""
    none = np.zeros(0, np.intp)
    if not len(first) or not len(second):
        return none, none
    moved, heading = transform(matrix, first.xy), turn(matrix, first.xy, first.heading)
    gap = np.hypot(*(moved[:, None] - second.xy[None]).transpose(2, 0, 1))
    off = np.hypot(*(heading[:, None] - second.heading[None]).transpose(2, 0, 1))
    gap = np.where(off < _HEADING_CHORD, gap, np.inf)
    nearest, back = gap.argmin(axis=1), gap.argmin(axis=0)
    ones = np.arange(len(first))
    good = (back[nearest] == ones) & (gap[ones, nearest] < reach_um)
    return ones[good].astype(np.intp), nearest[good].astype(np.intp)


def _votes(first: Roots, second: Roots) -> tuple[FloatArray, float] | None:
    """Turn, log zoom and place of the middle of the most voted for, shape (C, 4), and how many pairs voted."""
    pairs = [_pairs(roots) for roots in (first, second)]
    if min(len(pair[0]) for pair in pairs) == 0:
        return None
    trees = [cKDTree(_shape_of(roots, *pair)) for roots, pair in zip((first, second), pairs, strict=True)]
    found = trees[0].query_ball_tree(trees[1], 1.0, p=np.inf)
    counts = np.array([len(near) for near in found])
    if not counts.sum():
        return None
    ones = np.repeat(np.arange(len(found)), counts)
    others = np.fromiter((index for near in found for index in near), np.intp, counts.sum())
    steps = [
        (roots.xy[pair[1]] - roots.xy[pair[0]])[chosen] @ np.array([1, 1j])
        for roots, pair, chosen in zip((first, second), pairs, (ones, others), strict=True)
    ]
    factor = steps[1] / steps[0]
    start = first.xy[pairs[0][0]][ones] @ np.array([1, 1j])
    goal = second.xy[pairs[1][0]][others] @ np.array([1, 1j])
    middle = goal + factor * (complex(*first.xy.mean(axis=0)) - start)
    votes = np.column_stack([np.angle(factor), np.log(np.abs(factor)), middle.real, middle.imag])
    return _elect(votes), len(votes) / 2


def _elect(votes: FloatArray) -> FloatArray:
    """Means of the fullest cells of two grids that lie half a cell apart."""
    elected, sizes = [], []
    for shift in (0.0, 0.5):
        cells = np.floor(votes / _CELL + shift).astype(np.int64)
        _, member, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
        member = member.ravel()
        means = np.column_stack([np.bincount(member, column) / counts for column in votes.T])
        top = np.argsort(-counts, kind="stable")[: _CANDIDATES // 2]
        elected.append(means[top])
        sizes.append(counts[top])
    order = np.argsort(-np.concatenate(sizes), kind="stable")
    return np.asarray(np.concatenate(elected)[order])


def _pairs(roots: Roots) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Ordered pairs of roots: each with its nearest ones that are not of its own unit."""
    gap = np.hypot(*(roots.xy[:, None] - roots.xy[None]).transpose(2, 0, 1)) if len(roots) else np.zeros((0, 0))
    gap = np.where((gap >= _PAIR_UM[0]) & (gap <= _PAIR_UM[1]), gap, np.inf)
    rank = np.argsort(np.argsort(gap, axis=1, kind="stable"), axis=1)
    ones, others = np.nonzero(np.isfinite(gap) & (rank < _NEIGHBOURS))
    return ones, others


def _shape_of(roots: Roots, ones: NDArray[np.intp], others: NDArray[np.intp]) -> FloatArray:
    """What of a pair of roots neither a turn nor a shift changes, in units of what still counts as alike."""
    step = (roots.xy[others] - roots.xy[ones]) @ np.array([1, 1j])
    along = step / np.abs(step)
    leaving = [(roots.heading[ends] @ np.array([1, 1j])) / along for ends in (ones, others)]
    columns = [np.log(np.abs(step)) / _ZOOM_LOG]
    columns += [part / _HEADING_CHORD for one in leaving for part in (one.real, one.imag)]
    return np.column_stack(columns)


def _units(xy: FloatArray) -> NDArray[np.intp]:
    """Number of the unit of every root: those within `_UNIT_UM`, linked."""
    if len(xy) < 2:
        return np.zeros(len(xy), np.intp)
    return np.asarray(fcluster(linkage(xy, "single"), _UNIT_UM, "distance"), np.intp)
