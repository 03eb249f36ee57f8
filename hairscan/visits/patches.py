"""Skin looked for patch by patch near where a first transformation puts it: finds what no single feature shows."""

from __future__ import annotations

import cv2
import numpy as np

from hairscan.types import FloatArray, MapArray
from hairscan.visits.plane import inverse, transform
from hairscan.visits.texture import MIDDLE_GREY, UM_PER_PX, Texture, TextureMatch, agree

_SIDE_PX = 64
"""Patch of 0.4 mm: large enough that faint texture stands out of the noise, small enough not to feel a turn."""
_REACH_PX = 10
_LEAST_BARE = 0.5
_NEAR_UM = 15.0
_FEW_PATCHES = 6
_ALIKE = 2.0
"""Furrows run on from patch to patch: chance is this many times what evenly strewn places would have."""


def match_patches(first: Texture, second: Texture, matrix: FloatArray) -> TextureMatch | None:
    """The similarity near a first one that most patches of the skin agree on; None with too little skin.

    Parameters
    ----------
    matrix : float array, shape (3, 3)
        First transformation, um to um, that is wrong by some 50 um at most.

    Notes
    -----
    Each patch goes to where its correlation is highest. Where the transformation is wrong, the places are strewn over
    all that was searched; where it is right, they agree with one similarity. See `hairscan.visits.chance`.
    """
    height, width = first.picture.shape
    seen, bare = _seen_by(first, second, matrix)
    own = first.picture.astype(np.float32) - MIDDLE_GREY
    places, shifts = [], []
    for top in range(0, height - _SIDE_PX + 1, _SIDE_PX):
        for left in range(0, width - _SIDE_PX + 1, _SIDE_PX):
            inside = slice(top, top + _SIDE_PX), slice(left, left + _SIDE_PX)
            wide = slice(top, top + _SIDE_PX + 2 * _REACH_PX), slice(left, left + _SIDE_PX + 2 * _REACH_PX)
            middle = slice(top + _REACH_PX, wide[0].stop - _REACH_PX), slice(left + _REACH_PX, wide[1].stop - _REACH_PX)
            if min(first.bare[inside].mean(), (bare[middle] > 0).mean()) < _LEAST_BARE:
                continue
            shift = _best_shift(own[inside], seen[wide])
            if shift is not None:
                places.append((left + _SIDE_PX / 2 - 0.5, top + _SIDE_PX / 2 - 0.5))
                shifts.append(shift)
    if len(places) < _FEW_PATCHES:
        return None
    at = np.array(places)
    to_um = transform(matrix, transform(first.to_um, at + np.array(shifts)))
    chance = _ALIKE * np.pi * _NEAR_UM**2 / (2.0 * _REACH_PX * UM_PER_PX) ** 2
    return agree(transform(first.to_um, at), to_um, _NEAR_UM, chance)


def _seen_by(first: Texture, second: Texture, matrix: FloatArray) -> tuple[MapArray, MapArray]:
    """The skin of the second photograph in px of the first, with a border, and where it is bare."""
    border = np.array([[1.0, 0.0, -_REACH_PX], [0.0, 1.0, -_REACH_PX], [0.0, 0.0, 1.0]])
    warp = inverse(second.to_um) @ matrix @ first.to_um @ border
    height, width = first.picture.shape
    size = (width + 2 * _REACH_PX, height + 2 * _REACH_PX)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    pictures = (second.picture.astype(np.float32) - MIDDLE_GREY, second.bare.astype(np.float32))
    seen, bare = (cv2.warpPerspective(picture, warp, size, flags=flags) for picture in pictures)
    return seen, bare


def _best_shift(own: MapArray, seen: MapArray) -> tuple[float, float] | None:
    """Where a patch correlates most, px from where it was expected; None at the rim of what was searched."""
    table = np.nan_to_num(cv2.matchTemplate(seen, own, cv2.TM_CCOEFF_NORMED))
    row, column = np.unravel_index(int(table.argmax()), table.shape)
    if not (0 < row < table.shape[0] - 1 and 0 < column < table.shape[1] - 1):
        return None
    across, down = table[row, column - 1 : column + 2], table[row - 1 : row + 2, column]
    return float(column) + _vertex(across) - _REACH_PX, float(row) + _vertex(down) - _REACH_PX


def _vertex(three: MapArray) -> float:
    """Place of the top of the parabola through three values at -1, 0 and 1, the middle one the largest."""
    bend = float(three[0] - 2.0 * three[1] + three[2])
    return 0.0 if bend > -1e-9 else float(three[0] - three[2]) / (2.0 * bend)
