"""Pixels that software drew over a photograph: coloured lines, text and its boxes, scale bar, ruler, empty bands."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.photo.straight import find_straight
from hairscan.types import RgbImage

_Mask = NDArray[np.uint8]
_Box = tuple[int, int, int, int]
_RED_PURITY, _BLUE_PURITY = 70, 90
_REDDER, _SAMPLE_PX = 45, 8
_MAX_PALENESS = 0.5
_MIN_LINE_PX = 60
_MIN_STROKES = 5
_BAND_TOLERANCE, _BAND_SHARE, _MIN_BAND_PX = 4, 0.85, 4
_BAND_RIM_PX = 3
"""How far a band's soft rim, and the noise of a JPEG beside it, reach into the picture."""
_BEYOND_BAND_SHARE = 0.5
"""Most of a column that keeps a band's level where the band ends: the level of even skin in dim light fades away."""
_MOST_FRAMES = 3


def find_drawn(rgb: RgbImage) -> _Mask:
    """Mask of burnt-in graphics, uint8, 1 where drawn; shape (H, W).

    Notes
    -----
    Three signs that skin and hair do not give: a colour purer than any tissue in thin strokes (a red circle, blue
    text), a border of the picture that keeps one level (a phone's interface), and steps of one pixel that keep to
    one row or column (scale bar, ruler, the sides of a text box; what such sides enclose is drawn too). Each is taken
    with as little around it as covers its soft rim.
    """
    gray = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    bands = _bands(gray)
    return np.asarray(bands | find_straight(gray, bands) | _pure_colours(rgb), dtype=np.uint8)


def _bands(gray: NDArray[np.uint8]) -> _Mask:
    """Mask of the bands along the borders, 1 in them and 3 px into the picture."""
    rows, columns = slice(0, gray.shape[0]), slice(0, gray.shape[1])
    # Bars beside a screenshot hide that its toolbar keeps one level: what bands leave over is looked at again.
    for _ in range(_MOST_FRAMES):
        widths = [_band_width(np.rot90(gray[rows, columns], side)) for side in range(4)]
        if not any(widths):
            break
        left, top, right, bottom = (width + _BAND_RIM_PX if width else 0 for width in widths)
        rows = slice(rows.start + top, max(rows.stop - bottom, rows.start + top))
        columns = slice(columns.start + left, max(columns.stop - right, columns.start + left))
        if not gray[rows, columns].size:
            break
    bands = np.ones(gray.shape, np.uint8)
    bands[rows, columns] = 0
    return bands


def _pure_colours(rgb: RgbImage) -> _Mask:
    red, green, blue = cv2.split(rgb)
    redness = cv2.subtract(red, cv2.max(green, blue))
    # In warm light the skin itself is reddish.
    usual = float(np.median(redness[::_SAMPLE_PX, ::_SAMPLE_PX]))
    reddish = cv2.compare(redness, max(_RED_PURITY, usual + _REDDER), cv2.CMP_GT)
    paler = cv2.max(red, green)
    bluish = cv2.compare(cv2.subtract(blue, paler), _BLUE_PURITY, cv2.CMP_GT)
    bluish &= cv2.compare(cv2.convertScaleAbs(blue, alpha=_MAX_PALENESS), paler, cv2.CMP_GT)
    drawn = _thin_parts(reddish)
    for x0, y0, x1, y1 in _text_blocks(bluish):
        drawn[max(y0, 0) : y1, max(x0, 0) : x1] = 1
    for y0, x0, y1, x1 in _text_blocks(cv2.transpose(bluish)):
        drawn[max(y0, 0) : y1, max(x0, 0) : x1] = 1
    return drawn


def _thin_parts(mask: _Mask) -> _Mask:
    """Lines of a mask, with one pixel around them: thinner than 7 px, longer than 60 px."""
    if cv2.countNonZero(mask) == 0:
        return np.zeros(mask.shape, np.uint8)
    core = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((7, 7), np.uint8))
    thin = cv2.subtract(mask, cv2.dilate(core, np.ones((5, 5), np.uint8)))
    outlines = cv2.findContours(cv2.dilate(thin, np.ones((7, 7), np.uint8)), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[
        0
    ]
    long = [outline for outline in outlines if np.hypot(*cv2.boundingRect(outline)[2:]) > _MIN_LINE_PX]
    kept = cv2.drawContours(np.zeros(mask.shape, np.uint8), long, -1, 1, cv2.FILLED) & (thin > 0)
    return np.asarray(cv2.dilate(kept, np.ones((3, 3), np.uint8)), dtype=np.uint8)


def _text_blocks(mask: _Mask) -> list[_Box]:
    """Boxes (x0, y0, x1, y1) around blocks of text: at least five separate strokes, thin and of like height."""
    if cv2.countNonZero(mask) < 100:
        return []
    _, _, stats, centres = cv2.connectedComponentsWithStats(mask, connectivity=8)
    width, height, area = (stats[:, k] for k in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA))
    stroke = (height >= 8) & (height <= mask.shape[0] // 12) & (width <= 2 * height) & (area < 0.7 * width * height)
    stroke[0] = False
    if stroke.sum() < _MIN_STROKES:
        return []
    tall = int(np.median(height[stroke]))
    stroke &= (height > tall // 2) & (height < 2 * tall)
    stroke[stroke] = _stand_in_rows(centres[stroke, 0], (stats[:, cv2.CC_STAT_TOP] + height)[stroke], tall)
    if stroke.sum() < _MIN_STROKES:
        return []
    letters = np.zeros(mask.shape, np.uint8)
    for x, y, w, h, _ in stats[stroke]:
        letters[y : y + h, x : x + w] = 1
    block = cv2.morphologyEx(letters, cv2.MORPH_CLOSE, np.ones((2 * tall + 1, 2 * tall + 1), np.uint8))
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(block, connectivity=8)
    columns, rows = np.rint(centres[stroke]).astype(int).T
    members = np.bincount(labels[rows, columns], minlength=len(boxes))
    margin = tall // 2 + 4
    return [
        (int(x) - margin, int(y) - margin, int(x + w) + margin, int(y + h) + margin)
        for (x, y, w, h, _), n in zip(boxes[1:], members[1:], strict=True)
        if n >= _MIN_STROKES
    ]


def _stand_in_rows(x_px: NDArray[np.float64], foot_px: NDArray[np.int32], tall_px: int) -> NDArray[np.bool_]:
    """True for strokes that have two neighbours on their own base line."""
    beside = np.abs(x_px[:, None] - x_px) < 3 * tall_px
    level = np.abs(foot_px[:, None] - foot_px) <= max(2, tall_px // 10)
    return np.asarray((beside & level).sum(axis=1) >= 3)


def _band_width(gray: NDArray[np.uint8]) -> int:
    """How many columns from the left keep the level of the first one."""
    level = int(np.median(gray[:, 0]))
    # Nearly every picture has no band: a few columns tell.
    for limit in (_MIN_BAND_PX, gray.shape[1] // 2):
        same = cv2.inRange(np.ascontiguousarray(gray[:, :limit]), level - _BAND_TOLERANCE, level + _BAND_TOLERANCE)
        share = cv2.reduce(same, 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F)[0] / 255
        broken = np.flatnonzero(share < _BAND_SHARE)
        width = int(broken[0]) if broken.size else limit
        if width < _MIN_BAND_PX:
            return 0
    beyond = share[width : width + _BAND_RIM_PX]
    return width if beyond.min(initial=1.0) < _BEYOND_BAND_SHARE or width == limit else 0
