"""Straight drawn parts of a picture: thin lines along rows and columns, boxes of text, ruler ticks."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.photo.bars import is_bar

_Mask = NDArray[np.uint8]
_Box = tuple[int, int, int, int]
_MIN_STEP = 8
_STRIP_PX, _STRIP_MARGIN_PX = 256, 3
_BESIDE = np.array([[1], [1], [0], [1], [1]], np.uint8)
_PAIR_GAP = np.ones((13, 1), np.uint8)
_ROW_GAP_PX = 5
_MIN_RUN_PX, _MIN_LINE_PX, _MAX_BAR_PX = 21, 60, 16
_MIN_BOX_PX, _MIN_ROW_PX = 9, 100
_JOIN_X_PX, _JOIN_Y_PX = 3, 6
_SIDE_SHARE, _ROW_SHARE, _MAX_BOX_SHARE = 0.5, 0.5, 0.15
_RIM_OF_BOX_PX = 8
_RIM_PX, _STROKE_STEP, _STROKE_SHARE = 4, 40, 0.15
_TICK_PX, _TICK_REACH_PX, _MIN_TICKS = 7, 40, 8


def find_straight(gray: NDArray[np.uint8], bands: NDArray[np.uint8]) -> _Mask:
    """Mask of straight drawn parts, uint8, 1 where drawn; shape (H, W).

    Parameters
    ----------
    gray : uint8 array, shape (H, W)
    bands : uint8 array, shape (H, W)
        1 in the empty bands along the borders, whose own sides say nothing.

    Notes
    -----
    Everything starts from runs of steps of one pixel that keep to one row or column. A run with its mirror image
    a few pixels away, of one level between, is a line; runs around a rectangle are a box, drawn inside as well. The
    side of a straight hair gives such runs too, but hair is not of one level, nor does it enclose a box.
    """
    drawn = np.zeros(gray.shape, np.uint8)
    # The headers of a photograph that lies on its side run along columns.
    turned = cv2.transpose(gray)
    ways = (gray, *_steps_and_runs(gray, bands)), (turned, *_steps_and_runs(turned, cv2.transpose(bands)))
    for (level, steps, runs), (_, across, runs_across), part in zip(ways, ways[::-1], (drawn, drawn.T), strict=True):
        for x0, y0, x1, y1 in _lines(level, runs) + _boxes(level, runs, cv2.transpose(runs_across)):
            part[y0:y1, x0:x1] = 1
        _draw_ticks(part, steps, across)
    return drawn


def _lines(gray: _Mask, runs: _Mask) -> list[_Box]:
    """Boxes around thin lines along rows, with one pixel around them."""
    boxes = []
    pairs = _keep_long(cv2.morphologyEx(runs, cv2.MORPH_CLOSE, _PAIR_GAP), _MIN_LINE_PX, gap_px=_MIN_RUN_PX)
    for outline in cv2.findContours(pairs, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]:
        x, y, w, h = cv2.boundingRect(outline)
        # The last row of a pair is the first one below the bar.
        if 2 <= h <= _MAX_BAR_PX and is_bar(gray, (x, y, x + w, y + h - 1)):
            boxes.append((max(x - 1, 0), max(y - 2, 0), x + w + 1, y + h + 1))
    return boxes


def _boxes(gray: _Mask, along_rows: _Mask, along_columns: _Mask) -> list[_Box]:
    """Rectangles that runs enclose."""
    runs = along_rows | along_columns
    joined = cv2.dilate(runs, np.ones((2 * _JOIN_Y_PX + 1, 2 * _JOIN_X_PX + 1), np.uint8))
    outlines, levels = cv2.findContours(joined, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    boxes = []
    for outline, level in zip(outlines, () if levels is None else levels[0], strict=True):
        x, y, w, h = cv2.boundingRect(outline)
        # A single run encloses nothing, unless the picture's own borders are its other sides.
        spans_picture = x <= _RIM_OF_BOX_PX and x + w >= runs.shape[1] - _RIM_OF_BOX_PX
        too_small = w <= _MIN_RUN_PX or (h - 2 * _JOIN_Y_PX < _MIN_BOX_PX and not spans_picture)
        if level[3] >= 0 or too_small:  # the first is a hole
            continue
        _, labels = cv2.connectedComponents(joined[y : y + h, x : x + w], connectivity=8)
        at_x, at_y = outline[0, 0] - (x, y)
        own = (labels == labels[at_y, at_x]) & (runs[y : y + h, x : x + w] > 0)
        box = _enclosed(gray, own, (x, y))
        if box is not None and (box[2] - box[0]) * (box[3] - box[1]) < _MAX_BOX_SHARE * runs.size:
            boxes.append(_extend(box, along_rows))
    return boxes


def _extend(box: _Box, along_rows: _Mask) -> _Box:
    """Box lengthened along its own two rows, as far as their runs go on: a header is one row of boxes."""
    x0, y0, x1, y1 = box
    if y1 - y0 > x1 - x0:
        return box
    near = np.concatenate([along_rows[max(y0 - 2, 0) : y0 + 3], along_rows[max(y1 - 3, 0) : y1 + 2]])
    rows = near.max(axis=0) > 0
    return x0 - _reach(rows[:x0][::-1]), y0, x1 + _reach(rows[x1:]), y1


def _reach(onward: NDArray[np.bool_]) -> int:
    """How far a row of runs goes on: to the last place up to which most of it is run."""
    if onward.size == 0:
        return 0
    share = np.cumsum(onward) / np.arange(1, onward.size + 1)
    far = np.flatnonzero(onward & (share >= _ROW_SHARE))
    return int(far[-1]) + 1 if far.size else 0


def _enclosed(gray: _Mask, runs: NDArray[np.bool_], corner_xy: tuple[int, int]) -> _Box | None:
    """Box (x0, y0, x1, y1) that runs enclose: on four sides, or by two long rows with text between them."""
    x, y = corner_xy
    if _has_four_sides(runs, corner_xy, gray.shape):
        height, width = runs.shape
        inset_x, inset_y = _JOIN_X_PX - 1, _JOIN_Y_PX - 1
        return x + inset_x, y + inset_y, x + width - inset_x, y + height - inset_y
    long = runs.sum(axis=1)
    first = int(np.argmax(long))
    apart = np.where(np.abs(np.arange(long.size) - first) >= _MIN_BOX_PX, long, 0)
    top, bottom = sorted((first, int(np.argmax(apart))))
    if apart.max() < _MIN_ROW_PX:
        return None
    covered = [np.flatnonzero(runs[max(row - 1, 0) : row + 2].any(axis=0)) for row in (top, bottom)]
    x0, x1 = max(int(c[0]) for c in covered), min(int(c[-1]) for c in covered) + 1
    shares = [((c >= x0) & (c < x1)).sum() / max(x1 - x0, 1) for c in covered]
    if x1 - x0 < _MIN_ROW_PX or min(shares) < _ROW_SHARE or bottom - top > (x1 - x0) / 2:
        return None
    return (
        (x + x0, y + top, x + x1, y + bottom + 1)
        if _holds_text(gray[y + top : y + bottom + 1, x + x0 : x + x1])
        else None
    )


def _holds_text(inside: _Mask) -> bool:
    """True where strokes of another level stand on an even ground: the two sides of a hair along a row hold none."""
    ground = inside[_RIM_PX:-_RIM_PX, _RIM_PX:-_RIM_PX].astype(np.int16)
    return bool(ground.size and (np.abs(ground - np.median(ground)) > _STROKE_STEP).mean() >= _STROKE_SHARE)


def _has_four_sides(runs: NDArray[np.bool_], corner_xy: tuple[int, int], shape: tuple[int, ...]) -> bool:
    """True where runs cover the four sides of their bounding box; the picture's border stands for a side."""
    x, y = corner_xy
    rim = _RIM_OF_BOX_PX
    return all(
        (
            runs[:rim].any(axis=0).mean() >= _SIDE_SHARE or y <= rim,
            runs[-rim:].any(axis=0).mean() >= _SIDE_SHARE or y + runs.shape[0] >= shape[0] - rim,
            runs[:, :rim].any(axis=1).mean() >= _SIDE_SHARE or x <= rim,
            runs[:, -rim:].any(axis=1).mean() >= _SIDE_SHARE or x + runs.shape[1] >= shape[1] - rim,
        )
    )


def _steps_and_runs(gray: _Mask, bands: _Mask) -> tuple[_Mask, _Mask]:
    """Steps of either sign within one row, and their long straight runs along rows; 0 or 1."""
    steps, runs = np.empty_like(gray), np.empty_like(gray)
    # A few rows at a time stay in the processor's cache. A step is told by the rows within three of its own.
    for top in range(0, len(gray), _STRIP_PX):
        first, end = max(top - _STRIP_MARGIN_PX, 0), top + _STRIP_PX
        rows, strip = slice(first, end + _STRIP_MARGIN_PX), slice(top - first, end - first)
        rises, falls = (sign[strip] for sign in _steps(gray[rows], bands[rows]))
        steps[top:end], runs[top:end] = rises | falls, _runs((rises, falls))
    return steps, runs


def _steps(gray: _Mask, bands: _Mask) -> tuple[_Mask, _Mask]:
    """Pixels, 1 in two masks, below which a level rises or falls within one row, and hardly changes beside it."""
    after, before = gray[1:], gray[:-1]
    counted = 1 - bands[1:]
    masks = np.zeros((2, *gray.shape), np.uint8)
    for steps, size in zip(masks, (cv2.subtract(after, before), cv2.subtract(before, after)), strict=True):
        # Only a change of the same sign makes a step soft: the other one is the far side of a thin line. Two rows are
        # asked on each side: photographs that were enlarged change in every other row only.
        beside = cv2.convertScaleAbs(cv2.dilate(size, _BESIDE), alpha=2.0, beta=_MIN_STEP // 2)
        np.bitwise_and(cv2.compare(size, cv2.max(beside, _MIN_STEP), cv2.CMP_GE), counted, out=steps[1:])
    return masks[0], masks[1]


def _runs(steps: tuple[_Mask, _Mask]) -> _Mask:
    """Long straight runs along rows of steps of one sign, 0 or 1."""
    rises, falls = (_keep_long(sign, _MIN_RUN_PX, gap_px=_ROW_GAP_PX) for sign in steps)
    return rises | falls


def _keep_long(mask: _Mask, length_px: int, *, gap_px: int = 1) -> _Mask:
    """Runs along rows, closed over gaps shorter than `gap_px`, that have at least a length; at the border half."""
    kept = np.zeros_like(mask)
    # Few rows hold as many pixels as the shortest run that is kept.
    rows = np.flatnonzero(cv2.reduce(mask, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S) >= length_px // 2 // gap_px)
    if rows.size:
        closed = cv2.morphologyEx(mask[rows], cv2.MORPH_CLOSE, np.ones((1, gap_px), np.uint8))
        kept[rows] = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((1, length_px), np.uint8))
    return kept


def _draw_ticks(drawn: _Mask, base: _Mask, across: _Mask) -> None:
    """Draw the ticks of a ruler: many short steps across, given turned, that stand on one long line along a row."""
    lines = _keep_long(cv2.morphologyEx(base, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)), base.shape[1] // 3)
    rows = np.flatnonzero(cv2.reduce(lines, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S))
    if not rows.size:
        return
    zone = slice(max(rows[0] - 2 * _TICK_REACH_PX, 0), rows[-1] + 2 * _TICK_REACH_PX)
    lines, cross = lines[zone], cv2.transpose(across[:, zone])
    near = cv2.dilate(lines, np.ones((2 * _TICK_REACH_PX + 1, 1), np.uint8))
    found = cv2.morphologyEx(cross & near, cv2.MORPH_OPEN, np.ones((_TICK_PX, 1), np.uint8))
    found = cv2.dilate(found, np.ones((3, 3), np.uint8))
    count, labels = cv2.connectedComponents(found)
    standing = np.zeros(count, np.uint8)
    standing[labels[(found & cv2.dilate(lines, np.ones((5, 5), np.uint8))) > 0]] = 1
    if standing.sum() >= _MIN_TICKS:
        drawn[zone] |= standing[labels]
