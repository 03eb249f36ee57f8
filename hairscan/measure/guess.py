"""A first idea of each shaft: its axis on the photograph, half width and colour against the skin."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from hairscan.measure.neighbours import Neighbours, find_neighbours
from hairscan.measure.paths import Curves, Stations, place_stations, shift_curves
from hairscan.measure.robust import group_medians, median, robust_lines
from hairscan.measure.sampling import read_coverage, read_profiles, station_points
from hairscan.types import FloatArray, HairMaps

_WIDEST_HALF_UM = 110.0
_STATIONS = 20
_EDGE_SIGMA_PX = 1.2
_LEAST_ALONE = 3
"""Stations without a neighbour in the way from which they alone are asked."""
_HIGHLIGHT = 0.06
"""Share of the contrast by which a highlight lightens the middle of a shaft."""
_CLEAR_EDGE = 0.4
"""Steepness, as a share of the usual edge, from which skin is seen between two hairs."""
_LEAST_CONTRAST = 4.0
"""Grey levels between hair and skin below which nothing can be measured."""


@dataclass(frozen=True, slots=True)
class Tone:
    """How a hair's colour becomes one number: skin 0, hair about 1.

    Attributes
    ----------
    skin : float array, shape (H, 3)
    direction : float array, shape (H, 3)
        ``(rgb - skin) @ direction`` is the level; NaN where hair and skin do not differ.
    """

    skin: FloatArray
    direction: FloatArray

    def level(self, rgb: NDArray[np.float32], hair: NDArray[np.intp]) -> FloatArray:
        """Levels (N, K) of colours (N, K, 3) at stations of the given hairs."""
        return np.asarray(np.einsum("nkc,nc->nk", rgb - self.skin[hair][:, None, :], self.direction[hair]))


@dataclass(frozen=True, slots=True)
class Guess:
    """What is known of the shafts before the fit.

    Attributes
    ----------
    curves : Curves
        Axes, centred on the photograph.
    half_px, covered_px : float array, shape (H,)
        Half width between the steepest edges, and the width that the coverage shows.
    cell_px : float
        Size of the cells of the coverage.
    shiny : bool array, shape (H,)
        A highlight runs along the middle.
    """

    curves: Curves
    half_px: FloatArray
    covered_px: FloatArray
    cell_px: float
    shiny: NDArray[np.bool_]
    tone: Tone


def guess_shafts(image: NDArray[np.float32], curves: Curves, maps: HairMaps) -> Guess:
    """Axis, half width and tone of every hair, good to a few px, from coverage and the steepest edges."""
    px_per_um = maps.px_per_cell / maps.um_per_cell
    reach = float(np.clip(_WIDEST_HALF_UM * px_per_um, 12.0, 90.0))
    stations = place_stations(curves, np.zeros(len(curves)), curves.length_px, _STATIONS, 2.0)
    grid = np.linspace(-reach, reach, 2 * int(min(reach, 45.0)) + 1)
    offsets = np.broadcast_to(grid, (len(stations), len(grid)))
    neighbours = find_neighbours(stations, curves, np.ones(len(curves)), reach)
    coverage = read_coverage(maps, station_points(stations, offsets))
    runs, crowded = _runs(grid, coverage, neighbours)
    half = _half_widths(stations, runs, crowded, len(curves))
    rgb = read_profiles(image, stations, offsets, cv2.INTER_LINEAR)
    tone = _tones(grid, rgb, coverage, stations, half, maps.px_per_cell)
    level = tone.level(rgb, stations.hair)
    edges, clear = _steepest(grid, level, stations, half, neighbours)
    moved, between = _recentre(curves, stations, edges, crowded & ~clear, half, tone)
    return Guess(moved, between, 2 * half, maps.px_per_cell, _shining(grid, level, edges, stations, len(half)), tone)


def _runs(grid: FloatArray, coverage: FloatArray, neighbours: Neighbours) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Covered length on each side of the path (N, 2), and whether a neighbour spoils it (N, 2)."""
    middle = len(grid) // 2
    step = grid[1] - grid[0]
    runs = np.empty((len(coverage), 2))
    for side, part in enumerate((coverage[:, middle::-1], coverage[:, middle:])):
        joined = np.minimum.accumulate(part > 0.15, axis=1)
        runs[:, side] = ((part * joined).sum(axis=1) - 0.5 * part[:, 0] * joined[:, 0]) * step
    apart = np.abs(neighbours.offset_px)
    crowded = (runs > 0.4 * apart) | (apart < 4 * np.maximum(runs.min(axis=1, keepdims=True), 1.0))
    return np.minimum(runs, 0.5 * apart), crowded


def _half_widths(stations: Stations, runs: FloatArray, crowded: NDArray[np.bool_], count: int) -> FloatArray:
    """Half width of each hair from the coverage, px."""
    free = np.where(crowded, np.nan, runs)
    one_sided = np.where(
        crowded.all(axis=1), runs.mean(axis=1), np.nan_to_num(free).sum(axis=1) / np.maximum((~crowded).sum(axis=1), 1)
    )
    alone = ~crowded.any(axis=1)
    asked = alone | (np.bincount(stations.hair[alone], minlength=count) < _LEAST_ALONE)[stations.hair]
    return np.asarray(np.fmax(group_medians(stations.hair[asked], one_sided[asked], count), 1.0))


def _tones(
    grid: FloatArray,
    rgb: NDArray[np.float32],
    coverage: FloatArray,
    stations: Stations,
    half: FloatArray,
    cell_px: float,
) -> Tone:
    """Skin colour beside each hair and the direction of its contrast."""
    skin, direction = np.full((len(half), 3), np.nan), np.full((len(half), 3), np.nan)
    away = np.abs(grid)
    for hair in np.unique(stations.hair):
        rows = slice(*np.searchsorted(stations.hair, [hair, hair + 1]))
        inside = away <= max(0.6 * half[hair], 1.0)
        outside = away >= half[hair] + 0.5 * cell_px
        bare = (coverage[rows] < 0.1) & outside
        if bare.sum() < 20:
            bare = np.broadcast_to(outside & (away <= 4 * half[hair] + cell_px), bare.shape)
        core = np.array([median(channel) for channel in rgb[rows][:, inside].reshape(-1, 3).T])
        skin[hair] = [median(channel) for channel in rgb[rows][bare].T]
        difference = core - skin[hair]
        if np.hypot.reduce(difference) >= _LEAST_CONTRAST:
            direction[hair] = difference / (difference @ difference)
    return Tone(skin, direction)


def _steepest(
    grid: FloatArray, level: FloatArray, stations: Stations, half: FloatArray, neighbours: Neighbours
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Place of the steepest rise and fall near the expected edges (N, 2), px, and where it is steep enough (N, 2)."""
    step = grid[1] - grid[0]
    slope = gaussian_filter1d(np.nan_to_num(level), _EDGE_SIGMA_PX / step, axis=1, order=1)
    same = stations.hair[1:] == stations.hair[:-1]
    smooth = slope.copy()
    smooth[1:][same] += 0.5 * slope[:-1][same]
    smooth[:-1][same] += 0.5 * slope[1:][same]
    expected = half[stations.hair][:, None]
    tolerance = np.maximum(3.0, 0.4 * expected)
    edges, steep = np.empty((len(level), 2)), np.empty((len(level), 2))
    rows = np.arange(len(level))
    for side, sign in enumerate((-1.0, 1.0)):
        allowed = np.abs(grid) < np.abs(neighbours.offset_px[:, side, None]) * 0.75
        score = -sign * smooth * np.exp(-0.5 * ((grid - sign * expected) / tolerance) ** 2)
        best = np.where(allowed, score, -np.inf).argmax(axis=1)
        edges[:, side] = grid[best]
        steep[:, side] = -sign * smooth[rows, best]
    return edges, steep > _CLEAR_EDGE * np.median(steep.max(axis=1))


def _recentre(
    curves: Curves,
    stations: Stations,
    edges: FloatArray,
    crowded: NDArray[np.bool_],
    half: FloatArray,
    tone: Tone,
) -> tuple[Curves, FloatArray]:
    """Curves moved onto the middle between the edges; beside a neighbour the free edge alone decides."""
    known = np.asarray(np.isfinite(tone.direction).all(axis=1))
    left, right = edges.T
    spoilt_left, spoilt_right = crowded.T
    free = ~(spoilt_left | spoilt_right) & (right > left)
    seen = known & (np.bincount(stations.hair[free], minlength=len(half)) >= _LEAST_ALONE)
    between = group_medians(stations.hair[free], (right - left)[free], len(half))
    half = np.where(seen, np.maximum(0.5 * between, 0.5), half)
    own = half[stations.hair]
    one_sided = np.where(spoilt_left, right - own, left + own)
    centre = np.where(free, (left + right) / 2, np.where(spoilt_left ^ spoilt_right, one_sided, 0.0))
    # A unit whose hairs all touch says little: trust the path within what the network may be off.
    most = np.maximum(4.0, 0.5 * own)
    centre = np.clip(centre, -most, most)
    offset = np.where(known[stations.hair], robust_lines(stations.hair, stations.arc_px, centre), 0.0)
    return shift_curves(curves, stations, offset, np.maximum(6.0, half)), half


def _shining(
    grid: FloatArray, level: FloatArray, edges: FloatArray, stations: Stations, count: int
) -> NDArray[np.bool_]:
    """Hairs whose middle is nearer to the skin's brightness than both their flanks."""
    centre, half = edges.mean(axis=1), 0.5 * (edges[:, 1] - edges[:, 0])
    rows = np.arange(len(level))
    middle, *flanks = (
        level[
            rows,
            np.clip(np.rint((centre + share * half - grid[0]) / (grid[1] - grid[0])), 0, len(grid) - 1).astype(int),
        ]
        for share in (0.0, -0.5, 0.5)
    )
    dip = np.minimum(*flanks) - middle
    return np.asarray(group_medians(stations.hair, dip, count) > _HIGHLIGHT)
