"""Pieces of a shaft are joined across crossings and merges: what lies in line, with evidence of a shaft between."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from hairscan.lines import unit
from hairscan.trace.ridges import N_ORIENTATIONS
from hairscan.trace.shafts import PEAK_HEIGHT, Shaft, concatenated, outward
from hairscan.types import FloatArray, MapArray

REACH_CELLS = 60.0
"""Longest gap that is bridged, 530 um at 4.45 um/px: two shafts that lie across each other at a narrow angle."""
SOFT_CELLS = 2.0
"""Over gaps shorter than this the pieces' own directions say more than the line between their ends."""
MAX_BEND_RAD = np.deg2rad(40.0)
UNIT_BEND_RAD = np.deg2rad(21.0)
UNIT_GAP_CELLS = 7.0
"""A gap of this length without evidence costs as much as a bend of `UNIT_BEND_RAD`."""
END_COST = 5.0
DIRECTION_COST = 4.0
MAX_COST = 5.0
_STEPS = np.linspace(0.0, 1.0, 9)


def join_pieces(pieces: list[Shaft], pairs: MapArray, ends: MapArray) -> list[Shaft]:
    """Shafts made of pieces in line with each other, the cheapest joins first; each turned root to tip.

    Parameters
    ----------
    pairs : float32 array, shape (N_ORIENTATIONS, h, w)
        Centre-line layers, as `ridges.pair_layers` adds them.
    ends : float32 array, shape (h, w)
        Evidence of a root or a tip.
    """
    partner = _partners(pieces, pairs, ends) if len(pieces) > 1 else {}
    joined, used = [], set[int]()
    # Ends are numbered 2 * piece + (1 at the tip side); a run of joined pieces starts at an end without a partner.
    for end in [end for end in range(2 * len(pieces)) if end not in partner]:
        if end // 2 in used:
            continue
        run = []
        while True:
            used.add(end // 2)
            piece = pieces[end // 2]
            run.append(piece.reversed() if end % 2 else piece)
            if (leaving := end ^ 1) not in partner:
                break
            end = partner[leaving]
        joined.append(concatenated(run))
    return joined


def _partners(pieces: list[Shaft], pairs: MapArray, ends: MapArray) -> dict[int, int]:
    """Ends that belong together, both ways."""
    places = np.array([piece.path[-side] for piece in pieces for side in (0, 1)])
    first, second = cKDTree(places).query_pairs(REACH_CELLS, output_type="ndarray").T
    other = first // 2 != second // 2
    first, second = first[other], second[other]
    at_end = np.asarray(map_coordinates(ends, places.T[::-1], order=1, mode="nearest"), np.float64)
    cost = _join_costs(pieces, places, at_end, first, second, pairs)
    partner: dict[int, int] = {}
    run_of = list(range(len(pieces)))
    for index in np.argsort(cost, kind="stable"):
        if cost[index] > MAX_COST:
            break
        a, b = int(first[index]), int(second[index])
        if a in partner or b in partner or run_of[a // 2] == run_of[b // 2]:
            continue
        partner[a], partner[b] = b, a
        old, new = run_of[a // 2], run_of[b // 2]
        run_of = [new if run == old else run for run in run_of]
    return partner


def _join_costs(
    pieces: list[Shaft],
    places: FloatArray,
    at_end: FloatArray,
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    pairs: MapArray,
) -> FloatArray:
    """Cost of joining two ends: bends, length without evidence, ends that look like a root or a tip, directions."""
    leaving = np.stack([outward(pieces, tip_side=side) for side in (False, True)], axis=1).reshape(-1, 2)
    gap = places[second] - places[first]
    length = np.hypot(gap[:, 0], gap[:, 1])
    line = unit(gap + SOFT_CELLS * (leaving[first] - leaving[second]))
    bends = np.stack(
        [
            np.arccos(np.clip((line * leaving[first]).sum(axis=1), -1, 1)),
            np.arccos(np.clip(-(line * leaving[second]).sum(axis=1), -1, 1)),
        ]
    )
    evidence = _evidence_between(places[first], gap, line, pairs)
    sure = np.repeat([abs(piece.forward) / max(len(piece.path), 1) for piece in pieces], 2)
    same_way = (first % 2) == (second % 2)
    cost = bends.sum(axis=0) / UNIT_BEND_RAD + length * (1.0 - evidence) / UNIT_GAP_CELLS
    cost += END_COST * np.maximum(np.maximum(at_end[first], at_end[second]) - PEAK_HEIGHT, 0.0)
    cost += DIRECTION_COST * same_way * np.minimum(sure[first], sure[second])
    cost[(bends > MAX_BEND_RAD).any(axis=0)] = np.inf
    return np.asarray(cost, np.float64)


def _evidence_between(start: FloatArray, gap: FloatArray, line: FloatArray, pairs: MapArray) -> FloatArray:
    """Mean evidence of a centre-line along the gap, in its direction, 0 to 1."""
    layer = (np.arctan2(line[:, 1], line[:, 0]) / np.pi * N_ORIENTATIONS) % N_ORIENTATIONS
    lower = layer.astype(int) % N_ORIENTATIONS
    where = start[:, None] + _STEPS[None, :, None] * gap[:, None]
    layers = np.broadcast_to(lower[:, None], where.shape[:2])
    points = np.stack([layers.astype(np.float64), where[..., 1], where[..., 0]]).reshape(3, -1)
    values = map_coordinates(pairs, points, order=1, mode="nearest").reshape(where.shape[:2])
    return np.asarray(np.clip(values, 0.0, 1.0).mean(axis=1), np.float64)
