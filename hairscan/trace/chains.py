"""Ridge points become chains: unbranched runs of points along one shaft."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hairscan.trace.ridges import RidgePoints

REACH_CELLS = 2.6
"""Farthest step from one ridge point to the next."""
MAX_TURN_COS = np.cos(np.deg2rad(28.0))


@dataclass(frozen=True, slots=True)
class Chain:
    """Ridge points in order.

    Attributes
    ----------
    points : int array, shape (P,)
        Indices into the ridge points, root side first.
    direction : float
        Mean evidence that this is the right way round, -1 to 1; the sign is made positive.
    """

    points: NDArray[np.intp]
    direction: float


def link_chains(ridge: RidgePoints, *, min_points: int) -> list[Chain]:
    """Chains of ridge points that choose each other as next, root side first."""
    forth, back = _best_neighbours(ridge)
    chains = []
    for run in _runs(forth, back):
        if len(run) < min_points:
            continue
        points = np.array(run, np.intp)
        chains.append(orient_chain(ridge, points))
    return chains


def orient_chain(ridge: RidgePoints, points: NDArray[np.intp]) -> Chain:
    """The chain of these points, turned so that it runs root to tip by the directed evidence."""
    steps = np.gradient(ridge.xy[points], axis=0)
    sign = np.sign((steps * ridge.tangent_xy[points]).sum(axis=1))
    direction = float((sign * ridge.forward[points]).mean())
    ordered = points if direction >= 0 else points[::-1]
    return Chain(ordered, abs(direction))


def _best_neighbours(ridge: RidgePoints) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Of each point, the best next point along and against its tangent; -1 where there is none."""
    count = len(ridge.xy)
    best = np.full((2, count), -1, np.intp)
    pairs = cKDTree(ridge.xy).query_pairs(REACH_CELLS, output_type="ndarray") if count else np.zeros((0, 2), np.intp)
    first, second = np.concatenate([pairs, pairs[:, ::-1]]).T
    step = ridge.xy[second] - ridge.xy[first]
    along = (step * ridge.tangent_xy[first]).sum(axis=1)
    across = np.abs(step[:, 0] * ridge.tangent_xy[first, 1] - step[:, 1] * ridge.tangent_xy[first, 0])
    turn = np.abs((ridge.tangent_xy[first] * ridge.tangent_xy[second]).sum(axis=1))
    fits = (turn > MAX_TURN_COS) & (np.abs(along) > 0.45) & (across < 0.25 + 0.45 * np.abs(along))
    cost = np.abs(along) + 2.0 * across + 3.0 * np.arccos(np.minimum(turn, 1.0))
    for side, ahead in enumerate((along > 0, along < 0)):
        chosen = np.nonzero(fits & ahead)[0]
        chosen = chosen[np.argsort(-cost[chosen], kind="stable")]
        best[side, first[chosen]] = second[chosen]
    return best[0], best[1]


def _runs(forth: NDArray[np.intp], back: NDArray[np.intp]) -> list[list[int]]:
    """Maximal runs of mutual best neighbours, each once."""
    points = np.arange(len(forth))
    mutual = [np.where((forth[best] == points) | (back[best] == points), best, -1) for best in (forth, back)]
    links = np.sort(mutual, axis=0)
    first, second = links.tolist()
    # The last entry answers for -1, where there is no neighbour.
    seen = [False] * len(points) + [True]
    runs = []
    # Ends first, then what is left are closed loops.
    for start in np.argsort((links >= 0).sum(axis=0) != 1, kind="stable").tolist():
        if seen[start]:
            continue
        at, run = start, []
        while not seen[at]:
            run.append(at)
            seen[at] = True
            at = second[at] if seen[first[at]] else first[at]
        runs.append(run)
    return runs
