"""Hairs hardly longer than wide: the map shows their root and their tip, and hardly a centre-line between."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import map_coordinates

from hairscan.lines import distances
from hairscan.trace.shafts import Shaft, places_of
from hairscan.trace.splits import free_peaks
from hairscan.types import N_DIRECTIONS, FloatArray, MapArray

SHORTEST_CELLS, LONGEST_CELLS = 2.0, 25.0
"""Longest: 220 um at 4.45 um/px; the ridge of a longer hair is traced."""
LEAST_EVIDENCE = 0.1
"""Least mean evidence of a centre-line from root to tip, less that from tip to root."""


def find_stubs(shafts: list[Shaft], roots: FloatArray, tips: FloatArray, centreline: MapArray) -> list[Shaft]:
    """Straight shafts from roots to tips at which none of the others ends, those of most evidence first.

    Parameters
    ----------
    shafts : list of Shaft
        What was traced.
    roots, tips : float arrays, shape (N, 2)
        Peaks of the root and the tip map, map cells.
    centreline : float32 array, shape (N_DIRECTIONS, h, w)
    """
    roots = free_peaks(roots, places_of(shafts, 0))
    tips = free_peaks(tips, places_of(shafts, -1))
    length = distances(roots, tips)
    pairs = np.argwhere((length >= SHORTEST_CELLS) & (length <= LONGEST_CELLS))
    stubs = [(_straight(roots[root], tips[tip], centreline), int(root), int(tip)) for root, tip in pairs]
    stubs.sort(key=lambda one: -one[0].forward / len(one[0].path))
    chosen, used_roots, used_tips = [], set[int](), set[int]()
    for stub, root, tip in stubs:
        if stub.forward >= LEAST_EVIDENCE * len(stub.path) and root not in used_roots and tip not in used_tips:
            chosen.append(stub)
            used_roots.add(root)
            used_tips.add(tip)
    return chosen


def _straight(root: FloatArray, tip: FloatArray, centreline: MapArray) -> Shaft:
    """The shaft from a root straight to a tip, with what the directed layers say along it."""
    step = tip - root
    path = root + np.linspace(0.0, 1.0, max(int(np.hypot(*step)) + 1, 3))[:, None] * step
    layer = int(np.floor(np.arctan2(step[1], step[0]) / (2 * np.pi) * N_DIRECTIONS)) % N_DIRECTIONS
    forth, back = (
        np.sum([_along(centreline[(first + k) % N_DIRECTIONS], path) for k in (0, 1)], axis=0)
        for first in (layer, layer + N_DIRECTIONS // 2)
    )
    strength = np.asarray(np.clip(forth + back, 0.0, 1.0), np.float64)
    return Shaft(path, float((forth - back).sum()), strength, root_seen=True, tip_seen=True)


def _along(layer: MapArray, path: FloatArray) -> FloatArray:
    """Values of a map along a path."""
    return np.asarray(map_coordinates(layer, path.T[::-1], order=1, mode="nearest"), np.float64)
