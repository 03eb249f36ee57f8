"""What part of each profile belongs to the shaft's edges, and which neighbours must be fitted with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hairscan.measure.guess import Guess
from hairscan.measure.model import Profiles
from hairscan.measure.neighbours import PARALLEL_COS, Neighbours
from hairscan.measure.paths import Stations
from hairscan.measure.sampling import judged_points, read_profiles, station_points
from hairscan.types import FloatArray, LabelImage

_SAMPLES = 32
_SAMPLES_JOINT = 64
_LEAST_JUDGED = 0.85


@dataclass(frozen=True, slots=True)
class Layout:
    """How the neighbours of each station are treated.

    Attributes
    ----------
    usable : bool array, shape (N,)
        False where another hair lies over or under this one.
    joint : bool array, shape (N, 2)
        The neighbour on that side is fitted together with the hair.
    free_px : float array, shape (N, 2)
        How far the skin on that side reaches from the axis, where the neighbour is not fitted.
    neighbour_half_px : float array, shape (N, 2)
        Half width of the neighbour along the station's normal.
    """

    usable: NDArray[np.bool_]
    joint: NDArray[np.bool_]
    free_px: FloatArray
    neighbour_half_px: FloatArray


def lay_out(stations: Stations, neighbours: Neighbours, half_px: FloatArray, sigma_px: float) -> Layout:
    """Sort the neighbours of each station into far, beside (fitted jointly) and in the way."""
    own = half_px[stations.hair][:, None]
    none = neighbours.hair < 0
    other = np.where(none, 0.0, half_px[neighbours.hair] / np.maximum(neighbours.cosine, 0.3))
    apart = np.abs(neighbours.offset_px)
    gap = np.where(none, np.inf, apart - other - own)
    close = gap < 5 * sigma_px + 4.0
    parallel = neighbours.cosine >= PARALLEL_COS
    overlapping = gap < -np.maximum(1.5, 0.4 * np.minimum(own, np.where(none, own, other)))
    usable = (neighbours.clear_px >= 3 * sigma_px) & ~(overlapping | ((gap < 2 * sigma_px) & ~parallel)).any(axis=1)
    free = np.where(none | (close & parallel), np.inf, apart - other - 2.0 * sigma_px)
    return Layout(usable, close & parallel, free, other)


def read_windows(
    image: NDArray[np.float32],
    ignored: LabelImage,
    stations: Stations,
    neighbours: Neighbours,
    layout: Layout,
    guess: Guess,
    sigma_px: float,
) -> tuple[Profiles, NDArray[np.bool_]]:
    """Profiles of stations with the same number of joint neighbours, and which of them can be judged."""
    own = guess.half_px[stations.hair]
    centre, half = _shafts(own, neighbours, layout)
    outer = 3 * sigma_px + np.maximum(3.0, 0.35 * own)
    inner = 2.2 * sigma_px + 1.2 + 0.1 * own
    if centre.shape[1] == 1:
        offsets = _two_blocks(own, inner, outer)
    else:
        low, high = (centre - half).min(axis=1) - outer, (centre + half).max(axis=1) + outer
        offsets = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, _SAMPLES_JOINT)
    judged = judged_points(ignored, station_points(stations, offsets))
    weight = judged.astype(np.float64)
    weight[(offsets < -layout.free_px[:, :1]) | (offsets > layout.free_px[:, 1:])] = 0.0
    for shaft in range(centre.shape[1]):
        # Deep inside a shaft lie the highlight and the cortex: only the edges decide.
        weight[np.abs(offsets - centre[:, shaft, None]) < (half[:, shaft] - inner)[:, None]] = 0.0
    level = guess.tone.level(read_profiles(image, stations, offsets), stations.hair)
    edges = np.stack([centre - half, centre + half], axis=2)
    return Profiles(offsets, level, weight, edges, guess.shiny[stations.hair]), judged.mean(axis=1) >= _LEAST_JUDGED


def _shafts(own: FloatArray, neighbours: Neighbours, layout: Layout) -> tuple[FloatArray, FloatArray]:
    """Centres and half widths of the hair and its joint neighbours, each of shape (N, M)."""
    centre = np.column_stack([np.zeros(len(own)), neighbours.offset_px[layout.joint].reshape(len(own), -1)])
    half = np.column_stack([own, layout.neighbour_half_px[layout.joint].reshape(len(own), -1)])
    return centre, half


def _two_blocks(half: FloatArray, inner: FloatArray, outer: FloatArray) -> FloatArray:
    """Offsets dense around both edges, none deep inside the shaft."""
    share = np.linspace(0, 1, _SAMPLES // 2)
    depth = np.minimum(inner, half)
    right = (half - depth)[:, None] + (depth + outer)[:, None] * (share + 0.5 / len(share)) / (1 + 0.5 / len(share))
    return np.concatenate([-right[:, ::-1], right], axis=1)
