"""Text that a device or program burnt into a photograph is covered, so that nobody can read who or when it was."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.batch.letters import Text, find_texts
from hairscan.photo.drawn import find_drawn
from hairscan.photo.field import judge_field
from hairscan.types import Ignored, RgbImage

_THICKEST_LINE_PX = 9
_LEVELS = (128, 32, 224, 255)
"""Greys; white, the last, is never judged: it is taken for glare."""
_MAX_JUDGED_SHARE = 0.02
_MAX_BACKGROUND_SD = 12.0
_BOX_SHARE = 0.75


def cover_text(rgb: RgbImage) -> tuple[RgbImage, NDArray[np.bool_]]:
    """Photograph whose burnt-in text and its boxes are flat grey, and where that is.

    Returns
    -------
    covered : uint8 array, shape (H, W, 3)
        Equal to `rgb` outside of the mask.
    mask : bool array, shape (H, W)

    Notes
    -----
    Covered are texts on an even ground with a row of three letters or more, and whatever drawn box
    (`hairscan.photo.drawn.find_drawn`) holds such a text. Drawn lines (scale bar, ruler, counting circle) stay. The
    grey is one that the judged field leaves out, so that a cover is not counted as bald skin. One or two letters by
    themselves, handwriting, and letters on uneven skin are not found.
    """
    mask = _text_mask(rgb)
    return (_least_judged(rgb, mask), mask) if mask.any() else (rgb, mask)


def _text_mask(rgb: RgbImage) -> NDArray[np.bool_]:
    gray = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    texts = find_texts(gray, bright=True) + find_texts(gray, bright=False)
    mask = _boxes_with_text(find_drawn(rgb), texts)
    for text in texts:
        if text.background_sd <= _MAX_BACKGROUND_SD:
            x0, y0, x1, y1 = text.box
            margin = text.height_px // 2 + 4
            mask[max(y0 - margin, 0) : y1 + margin, max(x0 - 2 * margin, 0) : x1 + 2 * margin] = 1
    # Straight sides, by which the judged field knows a box.
    for x, y, width, height, area in cv2.connectedComponentsWithStats(mask, connectivity=8)[2][1:]:
        if area >= _BOX_SHARE * width * height:
            mask[y : y + height, x : x + width] = 1
    return mask > 0


def _boxes_with_text(drawn: NDArray[np.uint8], texts: list[Text]) -> NDArray[np.uint8]:
    """Parts of a drawing, broader than a line, in which the middle of a text lies."""
    side = _THICKEST_LINE_PX + 2
    broad = cv2.morphologyEx(drawn, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    _, labels = cv2.connectedComponents(broad, connectivity=8)
    middles = [((y0 + y1) // 2, (x0 + x1) // 2) for x0, y0, x1, y1 in (text.box for text in texts)]
    lettered = {int(labels[middle]) for middle in middles} - {0}
    held = np.isin(labels, list(lettered)).astype(np.uint8)
    return np.asarray(cv2.dilate(held, np.ones((9, 9), np.uint8)), dtype=np.uint8)


def _least_judged(rgb: RgbImage, mask: NDArray[np.bool_]) -> RgbImage:
    """Photograph under a cover of the first level that the judged field leaves out, or else the one most left out."""
    best, least = rgb, np.inf
    for level in _LEVELS:
        covered = rgb.copy()
        covered[mask] = level
        judged = float((judge_field(covered).ignored[mask] == Ignored.JUDGED).mean())
        if judged < least:
            best, least = covered, judged
        if judged < _MAX_JUDGED_SHARE:
            break
    return best
