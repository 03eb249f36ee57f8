"""The constellation of the roots: which transformation most pairs of roots agree on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial import cKDTree

from hairscan.lines import distances
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
DOT_REACH_UM = 100.0
"""How far a dot may miss: it is drawn out with the skin, and its rim fades."""
_COMPLEX = np.array([1, 1j])
_NO_POINTS = np.zeros((0, 2))


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


@dataclass(frozen=True, slots=True)
class _Rays:
    """Steps from one point of a photograph to another.

    Attributes
    ----------
    start, step : complex array, shape (K,)
        Where a step begins, and how far and where it goes, um.
    shape : float array, shape (K, F)
        What of it neither a turn nor a shift changes, in units of what still counts as alike.
    """

    start: NDArray[np.complex128]
    step: NDArray[np.complex128]
    shape: FloatArray


def match_constellations(first: Roots, second: Roots, frame_um: FloatArray) -> list[RootMatch]:
    """The similarities that the most roots agree on, the best one first; none where there are too few roots to tell.

    Parameters
    ----------
    frame_um : float array, shape (2,)
        Width and height of the second photograph.
    """
    middle = _middle(first)
    votes = _votes(_root_rays(first), _root_rays(second), middle)
    # Every pair of roots votes twice, from either end.
    found = [
        _settled(_similarity(vote, middle), first, second, frame_um, tests=len(votes) / 2, spent=2)
        for vote in _elect(votes)
    ]
    different = {(one.first.tobytes(), one.second.tobytes()): one for one in found}
    return sorted(different.values(), key=lambda one: one.log10_false_alarms)


def match_around_dots(
    first: Roots, second: Roots, dots: tuple[FloatArray, FloatArray], frame_um: FloatArray
) -> RootMatch | None:
    """The similarity that brings a dot onto a dot and that the most roots agree on; None without any.

    Parameters
    ----------
    dots : tuple of float arrays, shape (D, 2)
        Tattoo dots of the two photographs, um.
    frame_um : float array, shape (2,)
        Width and height of the second photograph.

    Notes
    -----
    A dot and a root of each photograph, or two dots, tell turn, zoom and shift. The dots are no evidence themselves:
    on any site they are set by hand where the middle of the photograph will be, or by a template. What they save is
    tests, and roots spent on the transformation.
    """
    middle = _middle(first)
    by_root = _votes(_dot_rays(first, dots[0]), _dot_rays(second, dots[1]), middle)
    by_dots = _votes(_rays_between(dots[0]), _rays_between(dots[1]), middle)
    tests = float(len(by_root) + len(by_dots))
    found = [
        _settled(_similarity(vote, middle), first, second, frame_um, tests=tests, spent=spent, dots=dots)
        for votes, spent in ((by_root, 1), (by_dots, 0))
        for vote in _elect(votes)
    ]
    kept = [one for one in found if len(near_points(one.matrix, *dots, DOT_REACH_UM)[0])]
    return min(kept, key=lambda one: one.log10_false_alarms, default=None)


def judge_roots(
    matrix: FloatArray, first: Roots, second: Roots, frame_um: FloatArray, *, tests: float = 1.0, spent: int = 0
) -> RootMatch:
    """What a transformation makes of the roots, and how likely that is by chance.

    Parameters
    ----------
    frame_um : float array, shape (2,)
        Width and height of the second photograph.
    tests : float
        How many transformations were tried.
    spent : int
        How many pairs of roots each of them was drawn from: those agree whatever the rest does.

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
    gap = np.where(distances(heading, second.heading) < _HEADING_CHORD, distances(moved, second.xy), np.inf)
    return _mutual(gap, reach_um)


def near_points(
    matrix: FloatArray, first_xy: FloatArray, second_xy: FloatArray, reach_um: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of points that are each other's nearest under a transformation."""
    none = np.zeros(0, np.intp)
    if not len(first_xy) or not len(second_xy):
        return none, none
    return _mutual(distances(transform(matrix, first_xy), second_xy), reach_um)


def _mutual(gap: FloatArray, reach_um: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of gaps that are the least of both their row and their column, and within reach."""
    nearest, back = gap.argmin(axis=1), gap.argmin(axis=0)
    ones = np.arange(len(gap))
    good = (back[nearest] == ones) & (gap[ones, nearest] < reach_um)
    return ones[good].astype(np.intp), nearest[good].astype(np.intp)


def _settled(
    matrix: FloatArray,
    first: Roots,
    second: Roots,
    frame_um: FloatArray,
    *,
    tests: float,
    spent: int,
    dots: tuple[FloatArray, FloatArray] = (_NO_POINTS, _NO_POINTS),
) -> RootMatch:
    """A transformation fitted to the roots, and the dots, that it brings together, and judged."""
    for reach in _NEAR_UM:
        ones, others = near_roots(matrix, first, second, reach)
        dot, other_dot = near_points(matrix, *dots, max(reach, DOT_REACH_UM))
        if len(ones) + len(dot) < 2:
            break
        matrix = fit_similarity(
            np.concatenate([first.xy[ones], dots[0][dot]]), np.concatenate([second.xy[others], dots[1][other_dot]])
        )
    return judge_roots(matrix, first, second, frame_um, tests=tests, spent=spent)


def _middle(roots: Roots) -> FloatArray:
    return np.asarray(roots.xy.mean(axis=0)) if len(roots) else np.zeros(2)


def _similarity(vote: FloatArray, middle: FloatArray) -> FloatArray:
    """The transformation that was voted for."""
    return similarity(float(np.exp(vote[1])), float(vote[0]), middle, vote[2:])


def _votes(first: _Rays, second: _Rays, middle: FloatArray) -> FloatArray:
    """Turn, log zoom and place of the middle that every two rays of like shape vote for, shape (V, 4)."""
    if not len(first.step) or not len(second.step):
        return np.zeros((0, 4))
    found = cKDTree(first.shape).query_ball_tree(cKDTree(second.shape), 1.0, p=np.inf)
    counts = np.array([len(near) for near in found])
    ones = np.repeat(np.arange(len(found)), counts)
    others = np.fromiter((index for near in found for index in near), np.intp, counts.sum())
    factor = second.step[others] / first.step[ones]
    place = second.start[others] + factor * (complex(*middle) - first.start[ones])
    return np.column_stack([np.angle(factor), np.log(np.abs(factor)), place.real, place.imag])


def _elect(votes: FloatArray) -> FloatArray:
    """Means of the fullest cells of two grids that lie half a cell apart."""
    elected, sizes = [], []
    for shift in (0.0, 0.5):
        cells = np.floor(votes / _CELL + shift).astype(np.int64)
        _, member, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
        member = member.ravel()
        means = np.column_stack([np.bincount(member, column) / counts for column in votes.T])
        top = np.argsort(-counts, kind="stable")[: _CANDIDATES // 2]
        elected.append(means[top].reshape(-1, 4))
        sizes.append(counts[top])
    order = np.argsort(-np.concatenate(sizes), kind="stable")
    return np.asarray(np.concatenate(elected)[order])


def _root_rays(roots: Roots) -> _Rays:
    """Rays from each root to its nearest ones that are not of its own unit."""
    at = roots.xy @ _COMPLEX
    gap = np.abs(at[None] - at[:, None])
    gap = np.where((gap >= _PAIR_UM[0]) & (gap <= _PAIR_UM[1]), gap, np.inf)
    rank = np.argsort(np.argsort(gap, axis=1, kind="stable"), axis=1)
    ones, others = np.nonzero(np.isfinite(gap) & (rank < _NEIGHBOURS))
    leaving = roots.heading @ _COMPLEX
    return _rays(at[ones], at[others], leaving[ones], leaving[others])


def _dot_rays(roots: Roots, dots_um: FloatArray) -> _Rays:
    """Rays from each dot to the roots around it."""
    at, dots = roots.xy @ _COMPLEX, dots_um @ _COMPLEX
    gap = np.abs(at[None] - dots[:, None])
    ones, others = np.nonzero((gap >= _PAIR_UM[0]) & (gap <= _PAIR_UM[1]))
    return _rays(dots[ones], at[others], (roots.heading @ _COMPLEX)[others])


def _rays_between(dots_um: FloatArray) -> _Rays:
    """Rays from each dot to every other."""
    dots = dots_um @ _COMPLEX
    ones, others = np.nonzero(np.abs(dots[None] - dots[:, None]) >= _PAIR_UM[0])
    return _rays(dots[ones], dots[others])


def _rays(start: NDArray[np.complex128], end: NDArray[np.complex128], *leaving: NDArray[np.complex128]) -> _Rays:
    """Rays, with the directions in which hairs leave their ends."""
    step = end - start
    along = step / np.abs(step)
    columns = [np.log(np.abs(step)) / _ZOOM_LOG]
    columns += [part / _HEADING_CHORD for one in leaving for part in ((one / along).real, (one / along).imag)]
    return _Rays(start, step, np.column_stack(columns))


def _units(xy: FloatArray) -> NDArray[np.intp]:
    """Number of the unit of every root: those within `_UNIT_UM`, linked."""
    if len(xy) < 2:
        return np.zeros(len(xy), np.intp)
    return np.asarray(fcluster(linkage(xy, "single"), _UNIT_UM, "distance"), np.intp)
