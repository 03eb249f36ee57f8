"""Where a hair's tip lies, in the photograph's own pixels: the edge at the end of its shaft, along its axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, nan

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from hairscan.lines import arc_lengths, normals, points_at, unit
from hairscan.measure.robust import median, robust_sd
from hairscan.measure.sampling import judged_points
from hairscan.types import FloatArray, Hair, LabelImage, MapArray, Photo

TIP_OUTSIDE = "tip-outside"
"""The tip lies outside the picture, or where it cannot be judged."""
TIP_HIDDEN = "tip-hidden"
"""No end of the shaft can be seen where its trace ends: it is too pale there, or runs on into another hair."""
_STEP_PX = 0.5
_BEYOND_UM = 150.0
_NEAR_UM = 80.0
"""So far before the end of its trace a shaft may end."""
_BARE_UM = 30.0
"""So much bare skin follows a tip."""
_FIT_UM = 40.0
_UNLIKE_SKIN = 0.6
_MOST_UNLIKE = 0.15
"""What follows a tip is skin: neither another hair nor glare, but for so much of it."""
_SOFT_SAMPLES = 2
_USUAL_HALF_UM = 30.0
_CENTRAL_SHARE = 0.35
"""Share of the half width within which the shaft is read: its middle, whatever the slant of the cut."""
_LEAST_CONTRAST = 12.0
"""Grey levels."""
_EDGE_PX = np.array([0.7, 1.0, 1.5, 2.2, 3.2, 4.5, 6.5, 9.0, 13.0])
"""Softness of an edge."""
_SOFT_SHARE = 0.28
"""Standard error that a soft edge adds, as a share of its softness: a tip out of focus fades from both sides."""
_LEAST_FALL = 0.6
"""A tip falls by more than this share of the contrast between shaft and skin; a shaft that fades has no tip to see."""
_CUT_SHARE = 0.03
"""Standard error that the shape of a cut adds, as a share of the width."""


@dataclass(frozen=True, slots=True)
class Tip:
    """End of a shaft.

    Attributes
    ----------
    along_px : float
        Arc length from the first point of the trace; where the tip is not seen, of what is surely shaft.
    se_px : float
        Standard error; NaN where the tip is not seen.
    reason : str
        Why the tip is not seen; empty where it is.
    """

    along_px: float
    se_px: float
    xy: FloatArray
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Axis:
    """A shaft and its straight continuation, in even steps.

    Attributes
    ----------
    along_px : float array, shape (K,)
        Arc length from the first point of the trace.
    xy, normal_xy : float array, shape (K, 2)
    """

    along_px: FloatArray
    xy: FloatArray
    normal_xy: FloatArray


def find_tips(photo: Photo, hairs: Sequence[Hair], um_per_px: float) -> list[Tip]:
    """Tip of every hair of a photograph.

    Parameters
    ----------
    um_per_px : float
        Scale of the photograph.

    Notes
    -----
    The level along the middle of the shaft is read from before the end of the trace to beyond it, as a share of the
    contrast between shaft and skin. Where it falls below one half and stays there, an edge ``b + a Phi((t - s) / w)``
    is fitted by least squares. Its formal standard error holds the noise, a share of the width the shape of the cut.
    """
    grey = photo.rgb.astype(np.float32).mean(axis=2)
    return [_find_tip(grey, photo.ignored, hair, um_per_px) for hair in hairs]


def _find_tip(grey: MapArray, ignored: LabelImage, hair: Hair, um_per_px: float) -> Tip:
    half_px = 0.5 * hair.width_px if np.isfinite(hair.width_px) else _USUAL_HALF_UM / um_per_px
    end_px = hair.length_px
    axis = _end_axis(hair.path_xy, um_per_px)
    # A trace that leaves the picture is bent along its border.
    seen = np.all([judged_points(ignored, axis.xy + side * half_px * axis.normal_xy) for side in (-1, 0, 1)], axis=0)
    share = _shaft_share(grey, axis, half_px, end_px, um_per_px)
    at = None if share is None else _fall(share, axis.along_px, end_px, um_per_px)
    if share is None or at is None or not seen[: at + round(_BARE_UM / um_per_px / _STEP_PX)].all():
        outside = not seen[axis.along_px < end_px + _BARE_UM / um_per_px].all()
        shown_px = 0.0 if share is None else _shown_px(share, seen, axis.along_px, end_px, um_per_px)
        return Tip(shown_px, nan, hair.tip_xy, TIP_OUTSIDE if outside else TIP_HIDDEN)
    along_px, se_px, fall = _fit_edge(share, axis.along_px, at, um_per_px)
    if fall < _LEAST_FALL:
        return Tip(min(along_px, end_px), nan, hair.tip_xy, TIP_HIDDEN)
    place = points_at(axis.xy, axis.along_px, along_px)
    return Tip(along_px, hypot(se_px, 2.0 * _CUT_SHARE * half_px), place)


def _end_axis(path_xy: FloatArray, um_per_px: float) -> _Axis:
    """The axis of a trace, continued beyond its end."""
    along = arc_lengths(path_xy)
    end = float(along[-1])
    # The last points of a trace are pulled to the tip's peak on the map: the direction is that of the shaft before.
    from_px, to_px = max(end - 90.0 / um_per_px, 0.0), max(end - 15.0 / um_per_px, 0.5 * end)
    ends = points_at(path_xy, along, np.array([from_px, to_px]))
    ahead = unit(ends[1] - ends[0])
    at = np.arange(0.0, end + _BEYOND_UM / um_per_px, _STEP_PX)
    xy = points_at(path_xy, along, at)
    straight = at > to_px
    xy[straight] = ends[1] + (at[straight] - to_px)[:, None] * ahead
    return _Axis(at, xy, normals(xy))


def _shaft_share(grey: MapArray, axis: _Axis, half_px: float, end_px: float, um_per_px: float) -> FloatArray | None:
    """Level along the axis, 1 on the shaft and 0 on the skin; None where the two hardly differ."""
    middle = _read(grey, axis, np.linspace(-_CENTRAL_SHARE, _CENTRAL_SHARE, 5) * half_px).mean(axis=1)
    away = half_px + np.linspace(10.0, 25.0, 4) / um_per_px
    beside = np.stack([_read(grey, axis, side * away).mean(axis=1) for side in (-1.0, 1.0)])
    inner = axis.along_px < end_px - 20.0 / um_per_px
    if not inner.any():
        inner = axis.along_px < end_px
    shaft = median(middle[inner])
    # Another hair may lie on one side: the side that differs more from the shaft is skin.
    levels = [median(level[axis.along_px < end_px + 2.0 * half_px]) for level in beside]
    skin = max(levels, key=lambda level: abs(level - shaft))
    noise = robust_sd(middle[inner], shaft)
    if abs(skin - shaft) < max(_LEAST_CONTRAST, 2.0 * noise):
        return None
    return np.asarray((middle - skin) / (shaft - skin), np.float64)


def _shown_px(
    share: FloatArray, seen: NDArray[np.bool_], along_px: FloatArray, end_px: float, um_per_px: float
) -> float:
    """Arc length up to which the pixels show the shaft that the trace follows, without a long gap."""
    shown = np.flatnonzero((share >= 0.5) & seen & (along_px <= end_px))
    if not len(shown):
        return 0.0
    gaps = np.flatnonzero(np.diff(shown) * _STEP_PX > _BARE_UM / um_per_px)
    return float(along_px[shown[gaps[0] if len(gaps) else -1]])


def _fall(share: FloatArray, along_px: FloatArray, end_px: float, um_per_px: float) -> int | None:
    """Where the shaft ends and bare skin follows; None where it does not."""
    dark = share >= 0.5
    bare = round(_BARE_UM / um_per_px / _STEP_PX)
    start = int(np.searchsorted(along_px, end_px - _NEAR_UM / um_per_px))
    falls = start + np.flatnonzero(dark[start:-1] & ~dark[start + 1 :]) + 1
    for at in falls:
        after = share[at : at + bare]
        if len(after) == bare and float(np.mean(np.abs(after[_SOFT_SAMPLES:]) >= _UNLIKE_SKIN)) < _MOST_UNLIKE:
            return int(at)
    return None


def _fit_edge(share: FloatArray, along_px: FloatArray, at: int, um_per_px: float) -> tuple[float, float, float]:
    """Position of the edge near a place and its standard error, px, and by how much the level falls there.

    Notes
    -----
    Variable projection: for every place and softness of the edge the two levels follow by linear least squares.
    """
    reach = round(_FIT_UM / um_per_px / _STEP_PX)
    part = slice(max(at - reach, 0), at + reach)
    s, level = along_px[part], share[part]
    places = np.arange(along_px[at] - 6.0, along_px[at] + 6.0, 0.1)
    step = ndtr((places[:, None, None] - s) / _EDGE_PX[:, None])
    off = step - step.mean(axis=-1, keepdims=True)
    away = level - level.mean()
    power = (off**2).sum(axis=-1)
    error = (away**2).sum() - (off @ away) ** 2 / np.maximum(power, 1e-9)
    row, column = np.unravel_index(int(error.argmin()), error.shape)
    place, rise = float(places[row]), float((off[row, column] @ away) / power[row, column])
    slope = rise * np.exp(-0.5 * ((place - s) / _EDGE_PX[column]) ** 2) / (_EDGE_PX[column] * np.sqrt(2 * np.pi))
    # Samples lie half a pixel apart and share their noise.
    free = max(len(s) * _STEP_PX / 2.0 - 4.0, 1.0)
    variance = float(error.min()) / len(s) * (len(s) * _STEP_PX / 2.0) / free
    information = float((slope**2).sum()) * _STEP_PX / 2.0
    noise_px = float(np.sqrt(variance / max(information, 1e-9)))
    return place, hypot(noise_px, _SOFT_SHARE * float(_EDGE_PX[column])), rise


def _read(grey: MapArray, axis: _Axis, aside_px: NDArray[np.floating]) -> FloatArray:
    """Grey levels beside the axis, shape (K, A)."""
    points = (axis.xy[:, None] + aside_px[:, None] * axis.normal_xy[:, None]).astype(np.float32)
    x, y = np.ascontiguousarray(points[..., 0]), np.ascontiguousarray(points[..., 1])
    return np.asarray(cv2.remap(grey, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float64)
