"""Where the skin of one photograph may lie in another, from all of it at once: for sites with hardly a hair."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.fft import irfft2, next_fast_len, rfft2

from hairscan.types import FloatArray, MapArray
from hairscan.visits.plane import inverse, similarity
from hairscan.visits.texture import MIDDLE_GREY, Texture

_COARSER = 4
"""Pixels of the pictures of texture that make one: at 24 um a degree more or less hardly matters."""
_TURNS_DEG = np.arange(-12.0, 12.1, 1.5)
_ZOOMS = (0.955, 0.985, 1.015, 1.045)
TRIED_WHOLE = len(_TURNS_DEG) * len(_ZOOMS)
"""How many turns and zooms are tried."""
_LEAST_COMMON = 0.25
"""Least share of the picture that both must show; less agrees too easily."""


def match_whole_skin(first: Texture, second: Texture, count: int) -> list[FloatArray]:
    """The similarities, um to um, by which most of the skin looks alike, the best one first.

    Notes
    -----
    Correlation of the two pictures, all shifts at once by the Fourier transform, over a grid of turns and zooms. Their
    contrast is alike everywhere: over the square root of the common extent the correlation is its significance.
    """
    one, other = _coarse(first), _coarse(second)
    size = tuple(next_fast_len(a + b, real=True) for a, b in zip(one.shape, other.shape, strict=True))
    spectrum = rfft2(one, size)
    extent = irfft2(rfft2(np.ones_like(one), size) * np.conj(rfft2(np.ones_like(other), size)), size)
    significance = np.where(extent > _LEAST_COMMON * other.size, 1.0 / np.sqrt(np.maximum(extent, 1.0)), 0.0)
    middle = np.array(other.shape[::-1]) / 2.0
    found = []
    for zoom in _ZOOMS:
        for turn_deg in _TURNS_DEG:
            turned = similarity(zoom, float(np.deg2rad(turn_deg)), middle, middle)
            seen = cv2.warpAffine(other, turned[:2], other.shape[::-1], flags=cv2.INTER_LINEAR)
            score = irfft2(spectrum * np.conj(rfft2(seen, size)), size) * significance
            down, across = np.unravel_index(int(score.argmax()), score.shape)
            shift = np.eye(3)
            shift[:2, 2] = _signed(int(across), size[1]), _signed(int(down), size[0])
            found.append((float(score[down, across]), shift @ turned))
    found.sort(key=lambda each: -each[0])
    from_um, to_um = inverse(_coarse_px(first)), _coarse_px(second)
    return [to_um @ inverse(matrix) @ from_um for _, matrix in found[:count]]


def _signed(index: int, period: int) -> int:
    return index - period if index > period // 2 else index


def _coarse(texture: Texture) -> MapArray:
    """Picture of the texture, coarser, 0 where there is none."""
    height, width = texture.picture.shape
    size = (max(width // _COARSER, 1), max(height // _COARSER, 1))
    picture = texture.picture.astype(np.float32) - MIDDLE_GREY
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


def _coarse_px(texture: Texture) -> FloatArray:
    """From px of the coarse picture to um of the photograph."""
    height, width = texture.picture.shape
    across, down = width / max(width // _COARSER, 1), height / max(height // _COARSER, 1)
    to_fine = np.array([[across, 0.0, (across - 1) / 2], [0.0, down, (down - 1) / 2], [0.0, 0.0, 1.0]])
    return np.asarray(texture.to_um @ to_fine)
