"""Which pixels of a photograph can be judged, and why the others cannot."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.photo.drawn import find_drawn
from hairscan.photo.focus import find_blurred, find_edges, psf_sigma_px
from hairscan.types import Ignored, LabelImage, RgbImage

_SMALL_SIDE_PX = 256
_LENS_LEVEL = 40
_RIM_STEP = 35
_SATURATED = 244
_GLARE_SHARE = 0.7
_INK_DARKER = 5
"""Levels of lightness by which ink is darker than the skin at least."""
_Mask = NDArray[np.uint8]


class Field(NamedTuple):
    """The judged field of a photograph.

    Attributes
    ----------
    ignored : uint8 array, shape (H, W)
        `Ignored` code of every pixel.
    psf_sigma_px : float
        Gaussian blur of the sharpest edges in the judged field, px; NaN where there are none.
    flags : tuple of str
        ``glare`` (over 5 % of the picture), ``ink`` (over 1 %), ``blur`` (over 5 %), ``small-field`` (under half
        of the picture is judged).
    """

    ignored: LabelImage
    psf_sigma_px: float
    flags: tuple[str, ...]


def judge_field(rgb: RgbImage) -> Field:
    """Judged field of a photograph: lens edge, burnt-in graphics, glare, ink and blurred zones are left out.

    Parameters
    ----------
    rgb : uint8 array, shape (H, W, 3)

    Notes
    -----
    Graphics are looked for at full size, the rest at about 256 px on the short side. Where two reasons apply, the
    first of lens, graphics, glare, ink, blur is given. A zone is left out only where nothing could be measured in
    it: fine specular speckle, smooth skin and the blue shadow of a hair under the skin stay judged.
    """
    small = _reduce(rgb)
    graphics = find_drawn(rgb)
    drawn = _shrink(graphics, small)
    lens = _lens(small)
    glare = _glare(small) & ~lens
    ink = _ink(small, judged=(lens | drawn) == 0)
    ignored = np.zeros(rgb.shape[:2], np.uint8)
    for code, mask in ((Ignored.INK, ink), (Ignored.GLARE, glare), (Ignored.LENS, lens)):
        if mask.any():
            ignored[_enlarge(mask, rgb)] = code
    if graphics.any():
        ignored[(graphics > 0) & (ignored != int(Ignored.LENS))] = Ignored.GRAPHICS
    edges = find_edges(rgb, ignored)
    sigma_px = psf_sigma_px(edges)
    blurred = find_blurred(edges, sigma_px, (rgb.shape[0], rgb.shape[1]))
    if blurred.any():
        ignored[(blurred > 0) & (ignored == int(Ignored.JUDGED))] = Ignored.BLUR
    return Field(ignored, sigma_px, _flags(ignored))


def _flags(ignored: LabelImage) -> tuple[str, ...]:
    share = {code: np.count_nonzero(ignored == int(code)) / ignored.size for code in Ignored}
    found = {
        "glare": share[Ignored.GLARE] > 0.05,
        "ink": share[Ignored.INK] > 0.01,
        "blur": share[Ignored.BLUR] > 0.05,
        "small-field": share[Ignored.JUDGED] < 0.5,
    }
    return tuple(flag for flag, is_so in found.items() if is_so)


def _reduce(rgb: RgbImage) -> RgbImage:
    factor = max(1, round(min(rgb.shape[:2]) / _SMALL_SIDE_PX))
    size = (max(1, rgb.shape[1] // factor), max(1, rgb.shape[0] // factor))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _shrink(mask: _Mask, small: RgbImage) -> _Mask:
    """Cells of the small picture that hold any pixel of a mask."""
    size = (small.shape[1], small.shape[0])
    share = cv2.resize(mask * np.uint8(255), size, interpolation=cv2.INTER_AREA)
    return np.asarray(share > 0.02 * 255, dtype=np.uint8)


def _enlarge(mask: _Mask, rgb: RgbImage) -> NDArray[np.bool_]:
    size = (rgb.shape[1], rgb.shape[0])
    return np.asarray(cv2.resize(mask * np.uint8(255), size, interpolation=cv2.INTER_LINEAR) > 0.5 * 255)


def _within(small: RgbImage, low: int, high: int) -> _Mask:
    """Pixels whose three channels all lie between two levels, both included."""
    return np.asarray(cv2.inRange(small, (low,) * 3, (high,) * 3) & 1, dtype=np.uint8)


def _disk(radius: int) -> _Mask:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)), dtype=np.uint8)


def _components(mask: _Mask) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Label image and, from label 1 on, the (x, y, width, height, area) of each component."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    return labels, stats


def _lens(small: RgbImage) -> _Mask:
    """Dark surroundings of a round field of view: dark, in a corner, broader than any hair, outside a convex field."""
    dark = _within(small, 0, _LENS_LEVEL - 1)
    if not dark[[0, 0, -1, -1], [0, -1, 0, -1]].any():
        return np.zeros_like(dark)
    radius = max(3, min(small.shape[:2]) // 22)
    padded = cv2.copyMakeBorder(dark, radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    broad = cv2.morphologyEx(padded, cv2.MORPH_OPEN, _disk(radius))[radius:-radius, radius:-radius]
    labels, _ = _components(broad)
    corners = {int(labels[y, x]) for y in (0, -1) for x in (0, -1)} - {0}
    lens = np.isin(labels, list(corners)).astype(np.uint8)
    if lens.mean() < 0.005 or not _is_convex(1 - lens) or not _has_sharp_rim(small, lens, radius):
        return np.zeros(lens.shape, np.uint8)
    # The opening rounds the inner edge off; give back what is dark next to it, and the half-lit rim.
    near = cv2.dilate(lens, _disk(radius // 2)) & dark
    return np.asarray(cv2.dilate(lens | near, _disk(1)), dtype=np.uint8)


def _is_convex(field: _Mask) -> bool:
    """True where the field fills its convex hull, bright letters in its surroundings not counted."""
    outlines, _ = cv2.findContours(
        cv2.morphologyEx(field, cv2.MORPH_OPEN, _disk(4)), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    if not outlines:
        return False
    largest = max(outlines, key=cv2.contourArea)
    hull = float(cv2.contourArea(cv2.convexHull(largest)))
    return hull > 0 and float(cv2.contourArea(largest)) / hull > 0.95


def _has_sharp_rim(small: RgbImage, lens: _Mask, radius: int) -> bool:
    """True where brightness jumps at the rim of the lens; towards the corners of a vignette it fades."""
    light = small.max(axis=2)
    inside = (cv2.dilate(lens, _disk(radius)) > 0) & (cv2.dilate(lens, _disk(max(2, radius // 3))) == 0)
    outside = (lens > 0) & (cv2.erode(lens, _disk(max(2, radius // 3))) == 0)
    return bool(inside.any() and np.median(light[inside]) - np.median(light[outside]) > _RIM_STEP)


def _glare(small: RgbImage) -> _Mask:
    """Blown-out blobs, every channel at its end, broader than the speckle of moist skin."""
    blown = _within(small, _SATURATED, 255)
    radius = max(2, min(small.shape[:2]) // 80)
    share = cv2.blur(blown.astype(np.float32), (2 * radius + 1, 2 * radius + 1))
    core: _Mask = (share > _GLARE_SHARE).astype(np.uint8)
    if not core.any():
        return core
    core = cv2.morphologyEx(core, cv2.MORPH_OPEN, _disk(1))
    return np.asarray(cv2.dilate(core, _disk(radius)) & cv2.dilate(blown, _disk(1)), dtype=np.uint8)


def _ink(small: RgbImage, judged: NDArray[np.bool_]) -> _Mask:
    """Large stains of marker: blue, violet or green, darker and far more colourful than the skin of this photo.

    Light that moist skin throws back may be as blue, but never darker than the skin.
    """
    nothing = np.zeros(small.shape[:2], np.uint8)
    if judged.mean() < 0.05:
        return nothing
    lab = cv2.cvtColor(cv2.GaussianBlur(small, (0, 0), 1.5), cv2.COLOR_RGB2LAB)
    light, green_red, blue_yellow = (np.asarray(plane, np.float32) for plane in cv2.split(lab))
    usual_light, *usual = (float(np.median(plane[judged])) for plane in (light, green_red, blue_yellow))
    shifted = ((blue_yellow < usual[1] - 20) | (green_red < usual[0] - 25)) & judged  # bluer or greener
    shifted &= light < usual_light - _INK_DARKER
    if not shifted.any():
        return nothing
    away2 = (green_red - usual[0]) ** 2 + (blue_yellow - usual[1]) ** 2
    chroma2 = (green_red - 128) ** 2 + (blue_yellow - 128) ** 2
    stained = (shifted & (away2 > 28**2) & (chroma2 > 30**2)).astype(np.uint8)
    if not stained.any():
        return nothing
    radius = max(2, min(small.shape[:2]) // 64)
    stained = cv2.morphologyEx(stained, cv2.MORPH_CLOSE, _disk(radius))
    stained = cv2.morphologyEx(stained, cv2.MORPH_OPEN, _disk(radius))
    labels, stats = _components(stained)
    large = [k for k in range(1, len(stats)) if stats[k, cv2.CC_STAT_AREA] > 0.003 * stained.size]
    return np.asarray(np.isin(labels, large), dtype=np.uint8)
