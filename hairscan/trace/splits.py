"""Hairs in line that were traced as one are told apart by the roots and tips along the way at which no shaft ends."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hairscan.trace.shafts import PEAK_REACH_CELLS, Shaft, places_of
from hairscan.types import FloatArray

ON_PATH_CELLS = 2.0
"""A root or tip this near to a path is one of a hair along it."""
FROM_ROOT_CELLS = 20.0
"""Nearer to the shaft's own root, 180 um at 4.45 um/px, a second peak may be a blot or another hair of the unit."""
FROM_TIP_CELLS = 6.0
SHORTEST_CELLS = 3.0
"""A free tip nearer than this to a root belongs to another hair."""
CLEAR_TIP = 0.3
"""Height from which a tip ends a hair although no root is seen beyond it: that one is covered."""
FROM_ENDS_CELLS = 10.0
"""Nearer to either end of the shaft, such a tip may be that end seen twice."""


def split_at_ends(
    shafts: list[Shaft], roots: FloatArray, tips: FloatArray, clear_tips: FloatArray
) -> tuple[list[Shaft], NDArray[np.intp]]:
    """Shafts of one hair each, and for each the index of the one that it is cut from.

    Where a root lies along a shaft, another hair begins there. The one before it ends at the first free tip; without
    one it runs on, under the other or beside it, to where the two of them end. Where no root lies along it but a clear
    tip does, a hair ends there and another comes out from under it.

    Parameters
    ----------
    roots, tips : float arrays, shape (N, 2)
        Peaks of the root and the tip map, map cells.
    clear_tips : float array, shape (N, 2)
        Those of the tips that reach `CLEAR_TIP`.
    """
    root_at = _along(free_peaks(roots, places_of(shafts, 0)), shafts, FROM_ROOT_CELLS, FROM_TIP_CELLS)
    last_points = places_of(shafts, -1)
    tip_at = _along(free_peaks(tips, last_points), shafts, SHORTEST_CELLS, SHORTEST_CELLS)
    cut_at = _along(free_peaks(clear_tips, last_points), shafts, FROM_ENDS_CELLS, FROM_ENDS_CELLS)
    split, source = [], []
    for index, shaft in enumerate(shafts):
        last = len(shaft.path) - 1
        spans = _overlapping(root_at[index], tip_at[index], last) if root_at[index] else _in_line(cut_at[index], last)
        pieces = _pieces(shaft, spans, root_at[index]) if len(spans) > 1 else [shaft]
        split += pieces
        source += [index] * len(pieces)
    return split, np.array(source, np.intp)


def free_peaks(peaks: FloatArray, ends: FloatArray) -> FloatArray:
    """The peaks at which no shaft ends."""
    if not len(peaks) or not len(ends):
        return peaks
    distance, _ = cKDTree(ends).query(peaks)
    free: FloatArray = peaks[distance > PEAK_REACH_CELLS]
    return free


def _along(peaks: FloatArray, shafts: list[Shaft], from_root: float, from_tip: float) -> dict[int, list[int]]:
    """Of every shaft, in order, the points of its path beside which a peak lies that is far from both its ends."""
    found: dict[int, list[int]] = defaultdict(list)
    if not len(peaks) or not shafts:
        return found
    owner = np.repeat(np.arange(len(shafts)), [len(shaft.path) for shaft in shafts])
    place = np.concatenate([np.arange(len(shaft.path)) for shaft in shafts])
    points = np.concatenate([shaft.path for shaft in shafts])
    first, last = (places_of(shafts, side)[owner] for side in (0, -1))
    inside = (np.hypot(*(points - first).T) >= from_root) & (np.hypot(*(points - last).T) >= from_tip)
    # A stretch that was taken from another shaft is that shaft's to split.
    taken = np.array([shaft.shared for shaft in shafts])[owner]
    tree = cKDTree(points)
    for peak in peaks:
        if on := [point for point in tree.query_ball_point(peak, ON_PATH_CELLS) if inside[point]]:
            best = min(on, key=lambda point: (taken[point], np.hypot(*(points[point] - peak))))
            found[int(owner[best])].append(int(place[best]))
    return defaultdict(list, {index: sorted(places) for index, places in found.items()})


def _overlapping(starts: list[int], stops: list[int], last: int) -> list[tuple[int, int]]:
    """First and last point of the hair from a shaft's root, and of one from each point at which another root lies."""
    free = list(stops)
    spans = []
    for begin in [0, *starts[:-1]]:
        end = next((stop for stop in free if stop > begin + SHORTEST_CELLS), last)
        free = [stop for stop in free if stop > end]
        spans.append((begin, end))
    spans.append((starts[-1], last))
    return spans


def _in_line(stops: list[int], last: int) -> list[tuple[int, int]]:
    """First and last point of the hairs that follow each other from tip to tip."""
    begins, ends = [0, *(stop + 1 for stop in stops)], [*stops, last]
    return [(begin, end) for begin, end in zip(begins, ends, strict=True) if end - begin >= SHORTEST_CELLS]


def _pieces(shaft: Shaft, spans: list[tuple[int, int]], starts: list[int]) -> list[Shaft]:
    """The hairs along a shaft, from the first and last point of each; `starts` are the points at which a root lies."""
    last = len(shaft.path) - 1
    users = np.zeros(last + 1, np.intp)
    for begin, end in spans:
        users[begin : end + 1] += 1
    return [
        replace(
            shaft.part(slice(begin, end + 1)),
            forward=shaft.forward * (end - begin) / last,
            root_seen=shaft.root_seen if begin == 0 else begin in starts,
            tip_seen=shaft.tip_seen or end < last,
            shared=max(shaft.shared, float((users[begin : end + 1] > 1).mean())),
        )
        for begin, end in spans
    ]
