"""Looking for one hair of a visit in the other visit, where it should be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.lines import arc_lengths, normals, points_at, unit
from hairscan.measure.sampling import judged_points, read_coverage
from hairscan.types import FloatArray, HairMaps, MapArray
from hairscan.visits.plane import transform
from hairscan.visits.visit import Visit

_LENGTH_UM = 400.0
"""So much of a hair, from its root on, is looked for: its length changes with every clipping."""
_ASIDE_UM = 45.0
_SLACK_UM = 40.0
"""How far from its expected place a hair may lie."""
_STEP_UM = 5.0
_WHITE = 245.0
_MOST_BLOWN_OUT = 0.15
"""Where more than this share of a hair's place is white, glare may hide it."""
_TURNS_DEG = (0.0, -10.0, 10.0)
_LEAST_FREE = 0.2
"""Share of a hair's place that must be free of others to be judged by itself."""
Covered = Callable[[FloatArray], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Presence:
    """What the other visit shows where a hair should be.

    Attributes
    ----------
    likeness : float
        Correlation of the pictures of the hair and of the place most like it nearby, -1 to 1.
    contrast : float
        Contrast there as a share of the hair's contrast at home.
    likeness_in_place, contrast_in_place : float
        The same where the registration puts the hair.
    contrast_alone : float
        The latter from what no other hair covers at either visit; NaN where others cover nearly all of it.
    coverage, line : float
        Shaft coverage and centre-line evidence of the network where the registration puts the hair, 0 to 1, where no
        other hair covers it; NaN where others cover nearly all of it.
    path_xy : float array, shape (P, 2)
        The place most like the hair, px of the other visit.
    judged : bool
        False where too much of the place cannot be judged.
    """

    likeness: float
    contrast: float
    likeness_in_place: float
    contrast_in_place: float
    contrast_alone: float
    coverage: float
    line: float
    path_xy: FloatArray
    judged: bool


def look_for(
    path_xy: FloatArray,
    width_px: float,
    home: Visit,
    away: Visit,
    matrix: FloatArray,
    *,
    covered_at_home: Covered,
    covered_away: Covered,
) -> Presence:
    """What the other visit shows of a hair.

    Parameters
    ----------
    path_xy : float array, shape (P, 2)
        Centre-line, px of its own visit.
    width_px : float
        Its width, px; NaN where not measured.
    matrix : float array, shape (3, 3)
        Homography from px of its own visit to px of the other.
    covered_at_home, covered_away : callable
        Which points, px of its own visit, other hairs cover in each visit.
    """
    um_per_px = home.um_per_px
    step = _STEP_UM / um_per_px
    half = 0.5 * width_px if np.isfinite(width_px) else 25.0 / um_per_px
    path = _evenly(path_xy, step, _LENGTH_UM / um_per_px)
    slack, reach = round(_SLACK_UM / _STEP_UM), round((half + _ASIDE_UM / um_per_px) / step)
    aside = step * np.arange(-reach, reach + 1)
    wide = step * np.arange(-reach - slack, reach + slack + 1)
    grid = _grid(path, aside)
    open_away = ~covered_away(grid)
    free = open_away & ~covered_at_home(grid)
    core = np.abs(aside) <= half
    own = _strip(home.photo.rgb, grid)
    found = []
    for turn_deg in _TURNS_DEG:
        points = _grid(_drawn_out(_turned(path, turn_deg), slack, step), wide)
        there = transform(matrix, points)
        seen = _strip(away.photo.rgb, there)
        row, column = _most_alike(seen, own)
        place = there[row : row + len(path), column + len(aside) // 2]
        found.append((*_compared(own, seen[row:, column:]), place))
        if not turn_deg:
            in_place = _compared(own, seen[slack:, slack:])
            is_bared = free[:, core].mean() > _LEAST_FREE
            alone = _compared(own, seen[slack:, slack:], free)[1] if is_bared else np.nan
            blown_out = float(np.mean(seen[slack:, slack:][: len(own), : len(aside)][:, core] > _WHITE))
    likeness, contrast, place = max(found, key=lambda one: one[0])
    expected = transform(matrix, path)
    open_skin = open_away[:, len(aside) // 2]
    coverage, line = _read(away.maps, expected[open_skin]) if open_skin.mean() > _LEAST_FREE else (np.nan, np.nan)
    judged = float(judged_points(away.photo.ignored, expected).mean()) > 0.8 and blown_out < _MOST_BLOWN_OUT
    return Presence(likeness, contrast, *in_place, alone, coverage, line, place, judged)


def _most_alike(seen: MapArray, own: MapArray) -> tuple[int, int]:
    """Row and column of the part of a strip that correlates most with another."""
    table = np.nan_to_num(cv2.matchTemplate(seen, own, cv2.TM_CCOEFF_NORMED), nan=-1.0)
    row, column = np.unravel_index(int(table.argmax()), table.shape)
    return int(row), int(column)


def _compared(own: MapArray, seen: MapArray, weight: NDArray[np.bool_] | float = 1.0) -> tuple[float, float]:
    """Correlation of a strip with the first part of another, and the contrast of that part as a share of its own.

    Parameters
    ----------
    weight : bool array of the strip's shape, or 1
        The pixels that count: some must.
    """
    part = seen[: own.shape[0], : own.shape[1]]
    kept = np.broadcast_to(np.asarray(weight, np.float64), own.shape)
    off, away = own - np.average(own, weights=kept), part - np.average(part, weights=kept)
    both, one, other = (float((kept * a * b).sum()) for a, b in ((off, away), (off, off), (away, away)))
    return both / max(float(np.sqrt(one * other)), 1e-6), both / max(one, 1e-6)


def _read(maps: HairMaps, place_xy: FloatArray) -> tuple[float, float]:
    """Mean coverage along a path, and mean of the strongest centre-line evidence within a cell of it."""
    coverage = float(read_coverage(maps, place_xy[:, None]).mean())
    strongest = cv2.dilate(maps.centreline.max(axis=0), np.ones((3, 3), np.uint8))
    cells = np.rint((place_xy + 0.5) / maps.px_per_cell - 0.5).astype(np.intp)
    height, width = strongest.shape
    return coverage, float(strongest[cells[:, 1].clip(0, height - 1), cells[:, 0].clip(0, width - 1)].mean())


def _evenly(path_xy: FloatArray, step_px: float, most_px: float) -> FloatArray:
    """First part of a path, points evenly apart."""
    along = arc_lengths(path_xy)
    at = np.arange(0.0, max(min(float(along[-1]), most_px), 3.0 * step_px), step_px)
    return points_at(path_xy, along, at)


def _turned(path_xy: FloatArray, turn_deg: float) -> FloatArray:
    """The path turned about its first point."""
    c, s = np.cos(np.deg2rad(turn_deg)), np.sin(np.deg2rad(turn_deg))
    return np.asarray(path_xy[0] + (path_xy - path_xy[0]) @ np.array([[c, s], [-s, c]]))


def _drawn_out(path_xy: FloatArray, count: int, step_px: float) -> FloatArray:
    """The path with so many points more at both ends."""
    out = step_px * np.arange(1, count + 1)[:, None]
    near = min(5, len(path_xy) - 1)
    first, last = unit(path_xy[0] - path_xy[near]), unit(path_xy[-1] - path_xy[-1 - near])
    return np.concatenate([(path_xy[0] + out * first)[::-1], path_xy, path_xy[-1] + out * last])


def _grid(path_xy: FloatArray, aside_px: NDArray[np.floating]) -> FloatArray:
    """Points on the normals of a path, shape (P, K, 2)."""
    return np.asarray(path_xy[:, None] + aside_px[None, :, None] * normals(path_xy)[:, None])


def _strip(rgb: NDArray[np.uint8], points_xy: FloatArray) -> MapArray:
    """Grey levels at points, shape (P, K), lightly smoothed; beyond the border the nearest pixel answers."""
    x, y = (np.ascontiguousarray(points_xy[..., axis], np.float32) for axis in (0, 1))
    colour = cv2.remap(rgb, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.GaussianBlur(colour.astype(np.float32).mean(axis=2), (0, 0), 1.0), np.float32)
