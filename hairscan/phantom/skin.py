"""Bare skin: tone, patches, fine lines, vessels and the speckle of its own shine."""

from __future__ import annotations

import cv2
import numpy as np

from hairscan.phantom.look import Look
from hairscan.types import MapArray

_YELLOW_TO_BLUE = np.array([-0.75, -0.35, 1.0], dtype=np.float32)
_VESSEL_RGB = np.array([-0.25, -1.0, -0.8], dtype=np.float32)


def paint_skin(shape: tuple[int, int], um_per_px: float, look: Look, rng: np.random.Generator) -> MapArray:
    """Bare skin of one picture, 8 bit levels as float, shape (H, W, 3)."""
    skin = np.empty((*shape, 3), dtype=np.float32)
    skin[:] = look.skin_rgb
    if look.mottle:
        patches = 0.75 * smooth_noise(shape, 900 / um_per_px, rng) + 0.6 * smooth_noise(shape, 260 / um_per_px, rng)
        skin += (look.mottle * patches)[..., None]
    if look.tint:
        skin += (look.tint * smooth_noise(shape, 1100 / um_per_px, rng))[..., None] * _YELLOW_TO_BLUE
    if look.lines:
        skin += (look.lines * _skin_lines(shape, um_per_px, look, rng))[..., None]
    if look.vessels:
        skin += (look.vessels * _vessels(shape, um_per_px, rng))[..., None] * _VESSEL_RGB
    skin += paint_shine(shape, um_per_px, look, rng)
    if look.grain:
        rough = smooth_noise(shape, max(11 / um_per_px, 1.0), rng) + smooth_noise(shape, 32 / um_per_px, rng)
        skin += (look.grain * rough)[..., None]
    return skin


def paint_shine(shape: tuple[int, int], um_per_px: float, look: Look, rng: np.random.Generator) -> MapArray:
    """Shine of the skin in one light, 8 bit levels to be added to it, shape (H, W, 3)."""
    if not look.speckle:
        return np.zeros((*shape, 3), np.float32)
    sheen = np.array(look.sheen_rgb, dtype=np.float32) / max(look.sheen_rgb)
    shine: MapArray = (look.speckle * _speckle(shape, um_per_px, look, rng))[..., None] * sheen
    return shine


def smooth_noise(shape: tuple[int, int], scale_px: float, rng: np.random.Generator) -> MapArray:
    """Smooth random field of standard deviation near 1 whose patches measure about `scale_px`, shape (H, W)."""
    height, width = shape
    if scale_px <= 1.0:
        return rng.standard_normal(shape, dtype=np.float32)
    rows, cols = (int(np.ceil(side / scale_px)) + 3 for side in shape)
    grid = rng.standard_normal((rows, cols), dtype=np.float32)
    span_x, span_y = int(np.ceil(cols * scale_px)), int(np.ceil(rows * scale_px))
    if max(span_x, span_y) > 4 * max(shape) + 64:
        # A patch larger than the picture: only its neighbourhood is ever seen.
        centre = np.array([[1 / scale_px, 0, rng.uniform(0.5, 1.5)], [0, 1 / scale_px, rng.uniform(0.5, 1.5)]])
        field = cv2.warpAffine(grid, centre, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    else:
        left = int(rng.integers(0, span_x - width + 1))
        top = int(rng.integers(0, span_y - height + 1))
        field = cv2.resize(grid, (span_x, span_y), interpolation=cv2.INTER_CUBIC)[
            top : top + height, left : left + width
        ]
    smooth: MapArray = field * np.float32(1.35)
    return smooth


def stretched_noise(
    shape: tuple[int, int], scale_px: float, stretch: float, angle_deg: float, rng: np.random.Generator
) -> MapArray:
    """Smooth random field drawn out along one direction by a factor `stretch`, shape (H, W), deviation near 1."""
    height, width = shape
    reach = float(np.hypot(height, width))
    rows, cols = int(np.ceil(reach / scale_px)) + 6, int(np.ceil(reach / (scale_px * stretch))) + 6
    grid = rng.standard_normal((rows, cols), dtype=np.float32)
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    turn = np.array([[c, s], [-s, c]]) / np.array([[scale_px * stretch], [scale_px]])
    shift = np.array([cols / 2, rows / 2]) - turn @ np.array([width / 2, height / 2])
    field: MapArray = cv2.warpAffine(
        grid,
        np.hstack([turn, shift[:, None]]),
        (width, height),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT,
    )
    return field * np.float32(1.35)


def _skin_lines(shape: tuple[int, int], um_per_px: float, look: Look, rng: np.random.Generator) -> MapArray:
    """Fine furrows and ridges: the zero lines of drawn-out noise, in two crossing directions."""
    total = np.zeros(shape, dtype=np.float32)
    for turn, scale_um, sharpness in ((0.0, 95.0, 5.0), (rng.uniform(40, 90), 130.0, 6.0), (10.0, 45.0, 2.5)):
        field = stretched_noise(
            shape, max(scale_um / um_per_px, 2.0), rng.uniform(2.5, 6.0), look.lines_angle_deg + turn, rng
        )
        total += rng.choice([-1.0, 1.0]) * np.exp(-np.abs(field) * np.float32(sharpness))
    where = smooth_noise(shape, 500 / um_per_px, rng)
    lines: MapArray = (total * np.clip(1.0 + 0.6 * where, 0.1, 2.2)).astype(np.float32)
    return lines


def _vessels(shape: tuple[int, int], um_per_px: float, rng: np.random.Generator) -> MapArray:
    course = smooth_noise(shape, 420 / um_per_px, rng) + 0.25 * smooth_noise(shape, 90 / um_per_px, rng)
    where = np.clip(smooth_noise(shape, 700 / um_per_px, rng), 0, 1.5)
    vessels: MapArray = (np.exp(-np.abs(course) * 9.0) * where).astype(np.float32)
    return vessels


def _speckle(shape: tuple[int, int], um_per_px: float, look: Look, rng: np.random.Generator) -> MapArray:
    """Bright flecks of shine: glints a few um wide, denser inside drifting patches, over a soft glow."""
    where = 0.8 * smooth_noise(shape, 650 / um_per_px, rng) + 0.7 * smooth_noise(shape, 170 / um_per_px, rng)
    patch = 0.45 * np.logaddexp(0.0, 2.2 * where - 0.4).astype(np.float32)
    glow = np.zeros(shape, dtype=np.float32)
    angle = look.lines_angle_deg
    for scale_um, stretch, floor, strength in ((8.0, 3.0, 0.7, 1.1), (16.0, 2.0, 0.6, 0.8), (42.0, 2.0, 0.3, 0.45)):
        field = stretched_noise(shape, max(scale_um / um_per_px, 1.2), stretch, angle + rng.uniform(-25, 25), rng)
        glow += np.float32(strength) * np.clip(field - np.float32(floor), 0, 2.5)
    shine: MapArray = (patch + np.float32(0.2)) * (glow + np.float32(0.15))
    return shine
