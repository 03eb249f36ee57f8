"""Controlled extraction on a photograph: single hairs painted out, as if they had been pulled."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.lines import unit
from hairscan.types import FloatArray, LabelImage, MapArray, RgbImage

_CORRIDOR_UM = 110.0
"""Half width of the strip around a labelled hair in which its pixels are looked for: labels lie off the axis."""
_BEYOND_UM = 80.0
_HALO_UM = 42.0
"""The dark pixels of a hair are widened by this much: its blurred edges and its shadow go with it."""
_SHIFTS_UM = (170.0, -170.0, 230.0, -230.0, 300.0, -300.0, 400.0, -400.0)
"""How far aside the skin is looked for that takes the place of a hair."""
_SKIN_UM = 45.0
"""Standard deviation of the blur above which the skin's shading lies; its texture lies below."""
_DARKER = 0.5
"""A pixel this share of the way from the skin to the middle of the shaft is of the hair."""
_COARSE = 6
"""Pixels of the photograph per pixel of its shading."""
_MOST_TOUCHED = 0.01
"""Share of a hair's pixels that its mask may take of others."""
_WIDEST_UM = 110.0
"""Anything wider is more than one hair."""
_PALER = 22.0
"""Grey levels below the usual skin from which skin is no longer bare."""


def hair_mask(rgb: RgbImage, ends_xy: FloatArray, um_per_px: float) -> LabelImage | None:
    """Mask of the pixels of one labelled hair, 255 inside; None where it does not stand alone or is hardly seen.

    Parameters
    ----------
    ends_xy : float array, shape (2, 2)
        Root and tip as labelled, px.
    """
    corridor = _strip(rgb.shape, ends_xy, _CORRIDOR_UM / um_per_px, _BEYOND_UM / um_per_px)
    around = _strip(rgb.shape, ends_xy, 1.6 * _CORRIDOR_UM / um_per_px, 2.0 * _BEYOND_UM / um_per_px)
    core = _strip(rgb.shape, ends_xy, 0.15 * _CORRIDOR_UM / um_per_px, -_BEYOND_UM / um_per_px / 2)
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    skin = float(np.median(grey[around]))
    if not core.any():
        return None
    shaft = float(np.percentile(grey[core], 30))
    if skin - shaft < 25.0:
        return None
    dark = cv2.GaussianBlur(grey, (0, 0), 1.5) < skin - _DARKER * (skin - shaft)
    _, labels = cv2.connectedComponents((dark & around).astype(np.uint8))
    touched = np.unique(labels[core & dark])
    hair = np.isin(labels, touched[touched > 0])
    mask = _widened(hair, _HALO_UM / um_per_px)
    strangers = (dark & around & ~hair & mask).sum() > _MOST_TOUCHED * hair.sum()
    length_px = float(np.hypot(*(ends_xy[1] - ends_xy[0]))) + 1.0
    several = hair.sum() / length_px > _WIDEST_UM / um_per_px
    if strangers or several or (hair & ~corridor).any() or hair[core].mean() < 0.5:
        return None
    return np.asarray(mask * np.uint8(255), np.uint8)


def paint_out(rgb: RgbImage, mask: LabelImage, um_per_px: float) -> RgbImage | None:
    """The photograph with bare skin where the mask is; None where no bare skin lies beside it.

    The texture is that of the skin next to the hair, the shading that of the skin around it.
    """
    x, y, width, height = cv2.boundingRect(mask)
    reach = int(4 * _SKIN_UM / um_per_px)
    box = (slice(max(y - reach, 0), y + height + reach), slice(max(x - reach, 0), x + width + reach))
    patch, hole = rgb[box].astype(np.float32), mask[box] > 0
    grey = patch.mean(axis=2)
    dark = cv2.GaussianBlur(grey, (0, 0), 1.5) < np.median(grey[~hole]) - _PALER
    # The halo of a hair that stays, and of this one, is no skin either.
    bare = ~_widened(dark, _HALO_UM / um_per_px) & ~_widened(hole, _HALO_UM / um_per_px / 2)
    texture = patch - _blur_within(patch, bare, _SKIN_UM / um_per_px)
    shift = _bare_shift(hole, bare, mask, um_per_px)
    if shift is None:
        return None
    filled = _membrane(patch, hole, ~hole & ~_widened(dark, _HALO_UM / um_per_px / 3)) + np.roll(
        texture, shift, axis=(0, 1)
    )
    soft = cv2.GaussianBlur(cv2.erode(hole.astype(np.float32), np.ones((5, 5))), (0, 0), 3.0)[..., None]
    out = rgb.copy()
    out[box] = np.clip(np.rint(patch * (1 - soft) + filled * soft), 0, 255).astype(np.uint8)
    return out


def _membrane(patch: MapArray, hole: NDArray[np.bool_], skin: NDArray[np.bool_]) -> MapArray:
    """The picture's shading, drawn over the hole from the skin at its rim."""
    height, width = hole.shape
    size = (max(width // _COARSE, 8), max(height // _COARSE, 8))
    known = cv2.resize(skin.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(patch * skin[..., None], size, interpolation=cv2.INTER_AREA)
    coarse /= np.maximum(known, 1e-3)[..., None]
    inside = (known < 0.5).astype(np.uint8)
    smooth = _blur_within(coarse, inside == 0, 1.5)
    drawn = cv2.inpaint(np.clip(np.rint(smooth), 0, 255).astype(np.uint8), inside, 3.0, cv2.INPAINT_NS)
    drawn = cv2.GaussianBlur(drawn.astype(np.float32), (0, 0), 1.0)
    return np.asarray(cv2.resize(drawn, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _bare_shift(
    hole: NDArray[np.bool_], bare: NDArray[np.bool_], mask: LabelImage, um_per_px: float
) -> tuple[int, int] | None:
    """Shift (rows, columns) that brings bare skin onto the whole hole, aside of the hair; None where there is none."""
    ys, xs = np.nonzero(mask)
    _, _, axes = np.linalg.svd(np.stack([xs - xs.mean(), ys - ys.mean()], 1)[::7], full_matrices=False)
    aside = axes[1]
    best: tuple[float, tuple[int, int]] | None = None
    for distance in _SHIFTS_UM:
        dx, dy = np.rint(aside * distance / um_per_px).astype(int)
        share = float(np.roll(bare, (dy, dx), axis=(0, 1))[hole].mean())
        if best is None or share > best[0] + 0.005:
            best = share, (int(dy), int(dx))
    return best[1] if best and best[0] > 0.97 else None


def _widened(area: NDArray[np.bool_], reach_px: float) -> NDArray[np.bool_]:
    """The area and everything within reach of it."""
    side = 2 * round(reach_px) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.dilate(area.astype(np.uint8), disc) > 0)


def _blur_within(patch: MapArray, known: NDArray[np.bool_], sigma_px: float) -> MapArray:
    """Gaussian blur of the known pixels alone."""
    weight = cv2.GaussianBlur(known.astype(np.float32), (0, 0), sigma_px)
    total = cv2.GaussianBlur(patch * known[..., None], (0, 0), sigma_px)
    return np.asarray(total / np.maximum(weight, 1e-3)[..., None], np.float32)


def _strip(shape: tuple[int, ...], ends_xy: FloatArray, half_px: float, beyond_px: float) -> NDArray[np.bool_]:
    """Pixels within half a width of the line between two points that are moved apart."""
    along = unit(ends_xy[1] - ends_xy[0])
    aside = np.array([-along[1], along[0]]) * half_px
    first, last = ends_xy[0] - beyond_px * along, ends_xy[1] + beyond_px * along
    corners = np.array([first + aside, last + aside, last - aside, first - aside])
    out = np.zeros(shape[:2], np.uint8)
    cv2.fillConvexPoly(out, np.rint(corners).astype(np.int32), 1)
    return out > 0
