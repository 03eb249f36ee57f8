"""Straight bars drawn along the rows or columns of a picture, to a fraction of a pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_MIN_RUN_PX = 31
_MIN_CONTRAST = 18
_MAX_LEVEL_SD = 8.0
_MAX_WANDER_PX = 0.35
_MAX_OVERRUN_PX = 40
_GrayImage = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Bar:
    """One drawn bar along a row (after transposing, for a column).

    Attributes
    ----------
    start_px, end_px : float
        Where its level falls to half its contrast at either end, pixel centres at integers.
    middle_px : float
        Its axis, across.
    thickness_px : float
    level : float
        Grey level of the bar, 0 to 255.
    vertical : bool
        True for a bar along a column: then start and end are y, and the axis is x.
    """

    start_px: float
    end_px: float
    middle_px: float
    thickness_px: float
    level: float
    vertical: bool

    @property
    def length_px(self) -> float:
        """From end to end, px."""
        return self.end_px - self.start_px

    @property
    def ends_xy(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Both ends, (x, y) px."""
        if self.vertical:
            return (self.middle_px, self.start_px), (self.middle_px, self.end_px)
        return (self.start_px, self.middle_px), (self.end_px, self.middle_px)


def find_bars(gray: NDArray[np.uint8], *, min_length_px: float) -> list[Bar]:
    """Drawn bars, dark or bright, whose two ends can both be seen.

    A drawn bar has one level from end to end, a constant thickness, an axis within half a pixel of one row or
    column, and square ends; hair has none of these. Bars that touch the border of the picture, or end under a hair,
    are left out rather than guessed.
    """
    bars: list[Bar] = []
    for vertical in (False, True):
        plane = np.ascontiguousarray(gray.T) if vertical else gray
        for inverted in (False, True):
            dark = cv2.bitwise_not(plane) if inverted else plane
            for bar in _dark_bars(dark, min_length_px):
                level = 255 - bar.level if inverted else bar.level
                bars.append(Bar(bar.start_px, bar.end_px, bar.middle_px, bar.thickness_px, level, vertical))
    return bars


def is_bar(gray: NDArray[np.uint8], box: tuple[int, int, int, int]) -> bool:
    """True where a box (x0, y0, x1, y1) along a row holds a drawn bar: one level, straight, with sharp sides."""
    x0, y0, x1, y1 = box
    if y1 <= y0 or y0 < 4 or y1 + 4 > gray.shape[0]:
        return False
    strip = gray[y0 - 4 : y1 + 4, x0:x1]
    middle, outside = np.median(strip[4:-4]), np.median(strip[[0, -1]])
    dark = cv2.bitwise_not(strip) if middle > outside else strip
    lowest = dark[4:-4].min(axis=0)
    if 1.4826 * np.median(np.abs(lowest - np.median(lowest))) > _MAX_LEVEL_SD / 2:
        return False
    return _across(dark, (4, 4 + y1 - y0, 0, x1 - x0), _MIN_CONTRAST / 2) is not None


def _dark_bars(gray: _GrayImage, min_length_px: float) -> list[Bar]:
    thin, thick = 9, max(25, int(0.02 * max(gray.shape)) | 1)
    bars: list[Bar] = []
    for reach in (thin, thick):
        hat = cv2.morphologyEx(gray, cv2.MORPH_BLACKHAT, np.ones((reach, 1), np.uint8))
        for piece in _merge(_runs(hat), gray):
            bar = _measure(gray, hat, piece)
            if bar is not None and bar.length_px >= min_length_px and not any(_same(bar, other) for other in bars):
                bars.append(bar)
    return bars


def _runs(hat: _GrayImage) -> list[tuple[int, int, int, int]]:
    """(y0, y1, x0, x1), ends excluded, of long straight runs of the black-hat."""
    mask = (hat > _MIN_CONTRAST).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((1, _MIN_RUN_PX), np.uint8))
    stats = cv2.connectedComponentsWithStats(mask, connectivity=4)[2][1:]
    # A run of constant thickness fills its own box.
    return [
        (int(y), int(y + h), int(x), int(x + w))
        for x, y, w, h, area in stats
        if area >= 0.85 * w * h and h <= max(3, w / 5)
    ]


def _merge(runs: list[tuple[int, int, int, int]], gray: _GrayImage) -> list[tuple[int, int, int, int]]:
    """Runs of the same rows joined where only something dark (a hair) lies between them."""
    merged: list[tuple[int, int, int, int]] = []
    for run in sorted(runs, key=lambda r: (r[2], r[0])):
        for k, (y0, y1, x0, x1) in enumerate(merged):
            same_rows = abs(run[0] - y0) <= 1 and abs(run[1] - y1) <= 1
            if same_rows and run[2] >= x1 and _dark_between(gray, (y0, y1, x0, x1), run):
                merged[k] = (min(run[0], y0), max(run[1], y1), x0, run[3])
                break
        else:
            merged.append(run)
    return merged


def _dark_between(gray: _GrayImage, left: tuple[int, int, int, int], right: tuple[int, int, int, int]) -> bool:
    row = (left[0] + left[1]) // 2
    level = float(np.median(gray[row, left[2] : left[3]]))
    gap = gray[row, left[3] : right[2]]
    return bool((gap <= level + _MIN_CONTRAST).mean() >= 0.9) if gap.size else True


def _measure(gray: _GrayImage, hat: _GrayImage, piece: tuple[int, int, int, int]) -> Bar | None:
    """The bar of a run, or None where it is not drawn or an end cannot be seen."""
    y0, y1, x0, x1 = piece
    contrast = float(np.median(hat[y0:y1, x0:x1]))
    core = gray[y0:y1, x0:x1].astype(np.float32).mean(axis=0)
    level = float(np.median(core))
    seen = (hat[y0:y1, x0:x1] > _MIN_CONTRAST).all(axis=0)
    if not seen.any() or core[seen].std() > min(_MAX_LEVEL_SD, 0.2 * contrast):
        return None
    start = _end(gray, hat, (y0, y1), x0, -1, level)
    end = _end(gray, hat, (y0, y1), x1 - 1, 1, level)
    if start is None or end is None or end - start < _MIN_RUN_PX:
        return None
    whole = (y0, y1, max(math.ceil(start), 0), math.floor(end) + 1)
    if not _square_ends(gray, whole, level, contrast):
        return None
    across = _across(gray, whole, 2 * _MIN_CONTRAST)
    if across is None:
        return None
    return Bar(start, end, *across, level, vertical=False)


def _end(gray: _GrayImage, hat: _GrayImage, rows: tuple[int, int], at: int, step: int, level: float) -> float | None:
    """Sub-pixel end of a bar, or None where a hair or the picture's border hides it."""
    y0, y1 = rows
    profile = gray[y0:y1].astype(np.float32).mean(axis=0)[::step]
    start = at if step == 1 else gray.shape[1] - 1 - at
    # A run may reach past the end of its bar, where something else stands out beside it.
    on_bar = np.flatnonzero(profile[: start + 1] <= level + _MIN_CONTRAST)
    if on_bar.size == 0 or start - on_bar[-1] > _MAX_OVERRUN_PX:
        return None
    first = max(int(on_bar[-1]) - 5, 0)
    beyond = profile[first : first + 29]
    outside = np.flatnonzero(beyond > level + _MIN_CONTRAST)
    if outside.size == 0 or not 0 < outside[0] <= 19 or outside[0] + 7 > beyond.size:
        return None
    background = float(np.median(beyond[outside[0] + 1 : outside[0] + 7]))
    half = (level + background) / 2
    crossing = np.flatnonzero(beyond >= half)
    if background <= level + _MIN_CONTRAST or crossing.size == 0:
        return None
    k = int(crossing[0])
    # The bar must still stand out from what is above or below it just inside its end.
    inside = hat[y0:y1, ::step][:, max(first + k - 10, 0) : first + k - 3]
    if inside.size == 0 or np.median(inside) <= _MIN_CONTRAST:
        return None
    position = first + k - (float(beyond[k]) - half) / max(float(beyond[k] - beyond[k - 1]), 1e-6)
    return position if step == 1 else gray.shape[1] - 1 - position


def _square_ends(gray: _GrayImage, piece: tuple[int, int, int, int], level: float, contrast: float) -> bool:
    """False for a bar with round ends, as phones draw theirs at the foot of the screen."""
    y0, y1, x0, x1 = piece
    half = level + contrast / 2
    if y1 - y0 < 7:
        return True
    rows = y0 + np.flatnonzero(np.median(gray[y0:y1, x0:x1], axis=1) < half)
    if rows.size < 7:
        return True
    reach = rows.size
    for part in (slice(max(x0 - reach, 0), x0 + reach), slice(x1 - reach, x1 + reach)):
        filled = (gray[rows, part] < half).sum(axis=1)
        if filled.max() - min(filled[0], filled[-1]) > max(1, 0.2 * reach):
            return False
    return True


def _across(gray: _GrayImage, piece: tuple[int, int, int, int], contrast: float) -> tuple[float, float] | None:
    """Axis and thickness of the bar; None where its sides are soft or it is not straight."""
    y0, y1, x0, x1 = piece
    reach = 4
    if y0 < reach or y1 + reach > gray.shape[0] or x1 - x0 < _MIN_RUN_PX:
        return None
    band = gray[y0 - reach : y1 + reach, x0:x1].astype(np.float32)
    background = np.maximum(band[:2].mean(axis=0), band[-2:].mean(axis=0))
    low = float(np.median(band.min(axis=0)))
    weights = np.clip((background - band) / np.maximum(background - low, 1.0), 0, 1)
    weights[: reach - 1] = weights[1 - reach :] = 0  # texture of the skin beside the bar
    clear = (background > low + contrast) & (band[:2].min(axis=0) > (background + low) / 2)
    clear &= band[-2:].min(axis=0) > (background + low) / 2
    clear &= weights.sum(axis=0) > 0.4
    if clear.sum() < _MIN_RUN_PX:
        return None
    rows = np.arange(y0 - reach, y1 + reach)
    axis = (weights[:, clear] * rows[:, None]).sum(axis=0) / weights[:, clear].sum(axis=0)
    profile = np.median(weights[:, clear], axis=1)
    soft = int(((profile > 0.2) & (profile < 0.8)).sum())
    if soft > 2 or _wander_px(axis) > _MAX_WANDER_PX:
        return None
    return float(np.median(axis)), float(profile.sum())


def _wander_px(axis_px: NDArray[np.float32]) -> float:
    """Largest departure of an axis from one row, px, averaged over eighths of its length."""
    parts = np.array_split(axis_px, 8)
    middles = np.array([np.median(part) for part in parts])
    return float(np.abs(middles - np.median(middles)).max())


def _same(bar: Bar, other: Bar) -> bool:
    across = abs(bar.middle_px - other.middle_px) <= max(bar.thickness_px, other.thickness_px)
    return across and bar.start_px < other.end_px and other.start_px < bar.end_px
