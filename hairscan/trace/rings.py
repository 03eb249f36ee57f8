"""Coiled hairs that close on themselves are opened where they emerge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hairscan.lines import distances
from hairscan.trace.shafts import MAX_BEND_COS, PEAK_REACH_CELLS, Shaft, concatenated, outward
from hairscan.types import FloatArray

CLOSED_CELLS = 12.0
"""Ends that meet in line, this near to each other, are one place of a ring: another hair crosses it there."""
SHORTEST_CELLS = 40.0
"""Least length of a ring, a turn of 0.1 mm across at 4.45 um/px."""


def open_rings(shafts: list[Shaft], roots: FloatArray, tips: FloatArray) -> list[Shaft]:
    """The shafts, those that close on themselves made to run from their root to their tip.

    The tip of a coiled hair may lie on its first part: it is followed past its root then. A ring without a root or a
    tip stays as it is.

    Parameters
    ----------
    roots, tips : float arrays, shape (N, 2)
        Peaks of the root and the tip map, map cells.
    """
    return [_opened(shaft, roots, tips) if _is_ring(shaft) else shaft for shaft in shafts]


def _is_ring(shaft: Shaft) -> bool:
    """Tell whether the ends of a shaft meet in line."""
    gap = float(np.hypot(*(shaft.path[0] - shaft.path[-1])))
    if len(shaft.path) < SHORTEST_CELLS or gap > CLOSED_CELLS:
        return False
    before, after = (outward([shaft], tip_side=side)[0] for side in (False, True))
    return bool(before @ after < -MAX_BEND_COS)


def _opened(shaft: Shaft, roots: FloatArray, tips: FloatArray) -> Shaft:
    """The ring from its root to its tip, half a turn or more; a whole turn where one of them is not seen."""
    turns = concatenated([shaft] * 3)
    turn = (len(turns.path) - len(shaft.path)) // 2
    root, tip = (_place_on(turns.path[:turn], peaks) for peaks in (roots, tips))
    begin = tip if root is None else root
    if begin is None:
        return shaft
    length = turn if root is None or tip is None else (tip - root) % turn
    end = begin + (length if 2 * length >= turn else length + turn)
    opened = turns.part(slice(begin, end + 1))
    return replace(opened, forward=shaft.forward * len(opened.path) / len(shaft.path))


def _place_on(path: FloatArray, peaks: FloatArray) -> int | None:
    """Index of the point of a path that lies nearest to any of the peaks; None where none is near."""
    near = distances(path, peaks).min(axis=1, initial=np.inf)
    return int(near.argmin()) if near.min() <= PEAK_REACH_CELLS else None
