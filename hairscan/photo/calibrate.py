"""The scale of a photograph from what lies in it: a burnt-in scale bar, a ruler, or two given points."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from hairscan.errors import ScaleError
from hairscan.photo.bars import Bar, find_bars
from hairscan.photo.ruler import find_ruler
from hairscan.photo.scale import MAX_UM_PER_PX, MIN_UM_PER_PX, checked_scale
from hairscan.types import RgbImage

_MIN_BAR_SHARE = 0.04
_AGREEMENT = 0.01
_POINTING_SD_PX = 0.5
_END_SD_PX = 0.5
_THIN_LINE_PX = 5.0
_OTHER_WAY = "Give two points whose distance is known: --point X,Y --point X,Y --distance-mm D."

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Calibration:
    """A scale found in a picture.

    Attributes
    ----------
    um_per_px, sd : float
        Scale and its standard deviation.
    length_px : float
        What was measured: the bar, the ruler from first to last tick, or the distance of the points.
    points : tuple of (x, y)
        Both ends of the bar, every tick of the ruler, or the two points, px.
    kind : str
        ``scale-bar``, ``ruler`` or ``points``.
    """

    um_per_px: float
    sd: float
    length_px: float
    points: tuple[Point, ...]
    kind: str


def scale_from_bar(rgb: RgbImage, bar_mm: float) -> Calibration:
    """Scale from the one scale bar burnt into a picture, a plain bar or the foot of an L.

    Parameters
    ----------
    rgb : uint8 array, shape (H, W, 3)
    bar_mm : float
        Length that the bar stands for.

    Raises
    ------
    ScaleError
        No bar, or bars of different lengths: nothing is guessed.

    Notes
    -----
    The length is taken from half level to half level at the outer edges. Its sd allows 0.5 px for rasterisation at
    each end, and half the thickness of a thin line: it may end in another one (an L, end caps), and programs differ
    in counting that one's thickness.
    """
    _check_positive(bar_mm, "bar length")
    gray = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    bars = [
        bar
        for bar in find_bars(gray, min_length_px=_MIN_BAR_SHARE * max(gray.shape))
        if MIN_UM_PER_PX <= 1000 * bar_mm / bar.length_px <= MAX_UM_PER_PX
    ]
    if not bars:
        raise ScaleError(f"No scale bar found. {_OTHER_WAY}")
    bar = _choose(bars)
    line_px = bar.thickness_px if bar.thickness_px <= _THIN_LINE_PX else 0.0
    sd_px = math.hypot(math.sqrt(2) * _END_SD_PX, line_px / 2)
    return _calibration(1000 * bar_mm, bar.length_px, sd_px, bar.ends_xy, "scale-bar")


def scale_from_ruler(rgb: RgbImage, tick_mm: float) -> Calibration:
    """Scale from the even ticks of a ruler that lies along a row or column of the picture.

    Parameters
    ----------
    rgb : uint8 array, shape (H, W, 3)
    tick_mm : float
        Distance of neighbouring ticks, the short ones included.

    Raises
    ------
    ScaleError
        No ruler with at least ten even ticks.
    """
    _check_positive(tick_mm, "tick distance")
    gray = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    ruler = find_ruler(gray)
    if ruler is None:
        raise ScaleError(f"No ruler found: no row of at least ten even ticks. {_OTHER_WAY}")
    ticks = ruler.ticks_xy
    length_px = ruler.period_px * (ruler.n_ticks - 1)
    sd_px = ruler.period_sd_px * (ruler.n_ticks - 1)
    return _calibration(1000 * tick_mm * (ruler.n_ticks - 1), length_px, sd_px, ticks, "ruler")


def scale_from_points(first_xy: Point, second_xy: Point, distance_mm: float) -> Calibration:
    """Scale from two points of a picture whose distance on the scalp is known; 0.5 px of pointing error each.

    Raises
    ------
    ScaleError
        The points lie too close together, or the distance is not positive.
    """
    _check_positive(distance_mm, "distance")
    length_px = math.dist(first_xy, second_xy)
    if not math.isfinite(length_px) or length_px < 10:
        raise ScaleError(f"The points are {length_px:.1f} px apart; choose two at least 10 px apart, best far more.")
    sd_px = math.sqrt(2) * _POINTING_SD_PX
    return _calibration(1000 * distance_mm, length_px, sd_px, (first_xy, second_xy), "points")


def _calibration(length_um: float, length_px: float, sd_px: float, points: tuple[Point, ...], kind: str) -> Calibration:
    um_per_px = length_um / length_px
    scale = checked_scale(um_per_px, um_per_px * sd_px / length_px, source=kind)
    return Calibration(scale.um_per_px, scale.sd, length_px, points, kind)


def _check_positive(length_mm: float, name: str) -> None:
    if not (math.isfinite(length_mm) and length_mm > 0):
        raise ScaleError(f"The {name} must be a positive number of millimetres, not {length_mm:g}.")


def _choose(bars: list[Bar]) -> Bar:
    """The scale bar: two arms of an L vouch for each other, otherwise all bars found must agree."""
    pairs = [(bar, other) for bar in bars for other in bars if bar.vertical < other.vertical and _meet(bar, other)]
    pairs = [(bar, other) for bar, other in pairs if _agree(bar, other)]
    if len(pairs) == 1:
        return pairs[0][0]
    longest = max(bars, key=lambda bar: bar.length_px)
    agree = all(_agree(bar, longest) for bar in bars)
    if len(bars) > 2 or not agree:
        lengths = ", ".join(f"{bar.length_px:.0f}" for bar in bars[:4])
        raise ScaleError(f"More than one line could be the scale bar ({lengths} px long). {_OTHER_WAY}")
    # The end of the bar along a row is free, with the label beside it; that of an L's upright arm is not.
    return min(bars, key=lambda bar: bar.vertical)


def _agree(bar: Bar, other: Bar) -> bool:
    """True where two bars are of one length, within 1 % or the thickness of a line that may count with either."""
    apart_px = abs(bar.length_px - other.length_px)
    return apart_px <= max(_AGREEMENT * bar.length_px, bar.thickness_px + 0.5)


def _meet(level: Bar, upright: Bar) -> bool:
    """True where an end of one bar lies on an end of the other."""
    reach = 2 + max(level.thickness_px, upright.thickness_px)
    return any(math.dist(a, b) <= reach for a in level.ends_xy for b in upright.ends_xy)
