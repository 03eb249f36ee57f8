"""Rows of letters in a photograph."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from hairscan.types import FloatArray

_STROKE_PX, _MIN_STEP = 11, 70
_MIN_HEIGHT_PX, _MAX_HEIGHT_PX, _MAX_ASPECT = 8, 64, 1.6
_MAX_CHARACTERS = 4000
_HEIGHT_RATIO, _FOOT_SHARE, _GAP_SHARE = 0.6, 0.15, 1.2
_MIN_LETTERS = 3
_LINE_SHARE = 1.6


class Text(NamedTuple):
    """A row of letters on one base line, with shorter lines above and below.

    Attributes
    ----------
    box : (int, int, int, int)
        x0, y0, x1, y1 around them, px, ends excluded.
    height_px : int
        Of the tallest letter.
    background_sd : float
        Robust spread of the levels between the letters.
    """

    box: tuple[int, int, int, int]
    height_px: int
    background_sd: float


def find_texts(gray: NDArray[np.uint8], *, bright: bool) -> list[Text]:
    """Texts with a row of three letters or more, brighter or darker than what is between them.

    Notes
    -----
    A letter is a connected group of strokes thinner than 11 px, 8 to 64 px high but no higher than an eighth of the
    picture, and not much wider than high. Its neighbour stands on the same base line, is of like height and not much
    farther than its height away.
    """
    operation = cv2.MORPH_TOPHAT if bright else cv2.MORPH_BLACKHAT
    hat = cv2.morphologyEx(gray, operation, np.ones((_STROKE_PX, _STROKE_PX), np.uint8))
    strokes = (hat > _MIN_STEP).astype(np.uint8)
    stats = cv2.connectedComponentsWithStats(strokes, connectivity=8)[2][1:]
    width, height = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    tallest = min(_MAX_HEIGHT_PX, min(gray.shape) // 8)
    is_letter = (height >= _MIN_HEIGHT_PX) & (height <= tallest) & (width <= _MAX_ASPECT * height)
    letters = stats[is_letter][:_MAX_CHARACTERS]
    if len(letters) < _MIN_LETTERS:
        return []
    boxes = np.column_stack([letters[:, :2], letters[:, :2] + letters[:, 2:4]]).astype(np.float64)
    _, labels = connected_components(_are_neighbours(boxes), directed=False)
    rows = (labels == label for label in np.flatnonzero(np.bincount(labels) >= _MIN_LETTERS))
    return [_text(gray, strokes, boxes[_grown(row, boxes)]) for row in rows]


def _are_neighbours(boxes: FloatArray) -> NDArray[np.bool_]:
    x0, y0, x1, y1 = boxes.T
    height = y1 - y0
    taller, smaller = np.maximum.outer(height, height), np.minimum.outer(height, height)
    gap = np.maximum.outer(x0, x0) - np.minimum.outer(x1, x1)
    level = np.abs(np.subtract.outer(y1, y1)) <= np.maximum(_FOOT_SHARE * taller, 2)
    like = smaller >= _HEIGHT_RATIO * taller
    near: NDArray[np.bool_] = level & like & (gap <= _GAP_SHARE * taller) & (gap >= -2)
    return near


def _grown(row: NDArray[np.bool_], boxes: FloatArray) -> NDArray[np.bool_]:
    """Letters of a row, and those of like height above, below and beside it: a text may end with a shorter line."""
    height = float(np.median(boxes[row, 3] - boxes[row, 1]))
    own = boxes[:, 3] - boxes[:, 1]
    like = (own >= _HEIGHT_RATIO * height) & (own <= height / _HEIGHT_RATIO)
    members = row
    while True:
        reach = _LINE_SHARE * height
        low, high = boxes[members, :2].min(axis=0) - reach, boxes[members, 2:].max(axis=0) + reach
        near = like & (boxes[:, :2] < high).all(axis=1) & (boxes[:, 2:] > low).all(axis=1)
        if not (near & ~members).any():
            return members
        members = members | near


def _text(gray: NDArray[np.uint8], strokes: NDArray[np.uint8], boxes: FloatArray) -> Text:
    x0, y0 = boxes[:, :2].min(axis=0).astype(int)
    x1, y1 = boxes[:, 2:].max(axis=0).astype(int)
    around = cv2.dilate(strokes[y0:y1, x0:x1], np.ones((5, 5), np.uint8)) == 0
    between = gray[y0:y1, x0:x1][around].astype(np.float64)
    spread = 1.4826 * float(np.median(np.abs(between - np.median(between)))) if between.size else 0.0
    return Text((int(x0), int(y0), int(x1), int(y1)), int((boxes[:, 3] - boxes[:, 1]).max()), spread)
