"""Shafts drawn with exact pixel areas: the truth under every phantom.

A pixel's share is the area of the unit square that the shaft covers, from the distribution of a square's
points projected on the edge's normal; summed across a shaft it gives the shaft's width at any angle. Polygon
fillers also paint their border pixels, which adds 0.2 px to every width even when they draw at 4 times the size.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, hypot, radians, sin

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from hairscan.types import FloatArray, MapArray, RgbImage

_THINNEST_SIDE = 0.01
_PIXEL_VARIANCE = 1.0 / 12.0


@dataclass(frozen=True, slots=True)
class ShaftPixels:
    """The pixels near a centre-line, each in the shaft's own coordinates.

    Attributes
    ----------
    rows, cols : int array, shape (N,)
        Where the pixels lie in the picture.
    across_px : float array, shape (N,)
        Signed distance from the centre-line, positive on its right-hand side seen from the root.
    along_px : float array, shape (N,)
        Position along the centre-line from the root; negative before the root, beyond the length after the tip.
    tangent_xy : float array, shape (N, 2)
        Unit direction root to tip of the nearest segment.
    """

    rows: NDArray[np.intp]
    cols: NDArray[np.intp]
    across_px: FloatArray
    along_px: FloatArray
    tangent_xy: FloatArray


@dataclass(frozen=True, slots=True)
class ShaftPhantom:
    """One straight shaft on flat skin.

    Attributes
    ----------
    gray : float32 array, shape (H, W)
        Grey levels, skin bright and shaft dark, not rounded.
    path_xy : float array, shape (2, 2)
        Its centre-line, px; both ends lie outside the picture.
    """

    gray: MapArray
    path_xy: FloatArray
    width_px: float

    @property
    def rgb(self) -> RgbImage:
        """The same picture as 8 bit RGB, shape (H, W, 3)."""
        levels = np.clip(np.rint(self.gray), 0, 255).astype(np.uint8)
        return np.repeat(levels[:, :, None], 3, axis=2)


def edge_share(
    inside_px: FloatArray, normal_xy: FloatArray, sigma_px: float | FloatArray | NDArray[np.float32] = 0.0
) -> FloatArray:
    """Share of each pixel that lies inside a straight edge.

    Parameters
    ----------
    inside_px : float array, shape (N,)
        Signed distance of the pixel centre from the edge, positive inside.
    normal_xy : float array, shape (N, 2)
        Unit normal of the edge; its sign does not matter.
    sigma_px : float or float array, shape (N,)
        Gaussian softness of the edge; 0 gives the exact area.

    Notes
    -----
    A unit square projected on the normal is the sum of two uniform variables of widths ``|nx|`` and ``|ny|``;
    the share is the distribution function of that sum.
    """
    soft = np.asarray(sigma_px, dtype=np.float64)
    if soft.any():
        share: FloatArray = ndtr(inside_px / np.sqrt(soft**2 + _PIXEL_VARIANCE))
        return share
    sides = np.maximum(np.abs(normal_xy), _THINNEST_SIDE)
    a, b = sides[:, 0], sides[:, 1]
    half_sum, half_gap = (a + b) / 2, (a - b) / 2
    ramps = [np.maximum(inside_px + shift, 0.0) ** 2 for shift in (half_sum, half_gap, -half_gap, -half_sum)]
    exact: FloatArray = np.clip((ramps[0] - ramps[1] - ramps[2] + ramps[3]) / (2 * a * b), 0.0, 1.0)
    return exact


def nearby_pixels(path_xy: FloatArray, reach_px: float, shape: tuple[int, int]) -> ShaftPixels:
    """Every pixel of the picture within `reach_px` of a centre-line, in the shaft's coordinates.

    Parameters
    ----------
    path_xy : float array, shape (P, 2)
        Root to tip, px. The two end segments are prolonged by up to `reach_px`.
    shape : (int, int)
        Height and width of the picture, px.
    """
    low = np.maximum(np.floor(path_xy.min(axis=0) - reach_px).astype(int), 0)
    high = np.minimum(np.ceil(path_xy.max(axis=0) + reach_px).astype(int) + 1, (shape[1], shape[0]))
    size_x, size_y = np.maximum(high - low, 0)
    best = np.full((size_y, size_x), reach_px**2)
    across = np.zeros((size_y, size_x))
    along = np.zeros((size_y, size_x))
    segment_of = np.zeros((size_y, size_x), dtype=np.intp)
    steps = np.diff(path_xy, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    starts = np.concatenate([[0.0], np.cumsum(lengths)])
    tangents = steps / lengths[:, None]
    last = len(steps) - 1
    for k in range(last + 1):
        ends = path_xy[k : k + 2]
        x0, y0 = np.clip(np.floor(ends.min(axis=0) - reach_px).astype(int) - low, 0, (size_x, size_y))
        x1, y1 = np.clip(np.ceil(ends.max(axis=0) + reach_px).astype(int) + 1 - low, 0, (size_x, size_y))
        if x1 <= x0 or y1 <= y0:
            continue
        window = (slice(y0, y1), slice(x0, x1))
        ux, uy = tangents[k]
        dx = np.arange(x0, x1) + (low[0] - ends[0, 0])
        dy = (np.arange(y0, y1) + (low[1] - ends[0, 1]))[:, None]
        position = ux * dx + uy * dy
        foot = np.clip(position, -np.inf if k == 0 else 0.0, np.inf if k == last else lengths[k])
        side = ux * dy - uy * dx
        distance2 = side**2 + (position - foot) ** 2
        nearer = distance2 < best[window]
        best[window][nearer] = distance2[nearer]
        across[window][nearer] = np.copysign(np.sqrt(distance2[nearer]), side[nearer])
        along[window][nearer] = starts[k] + foot[nearer]
        segment_of[window][nearer] = k
    rows, cols = np.nonzero(best < reach_px**2)
    return ShaftPixels(
        rows + low[1], cols + low[0], across[rows, cols], along[rows, cols], tangents[segment_of[rows, cols]]
    )


def across_share(pixels: ShaftPixels, half_width_px: FloatArray, sigma_px: float | FloatArray = 0.0) -> FloatArray:
    """Share of each pixel between the two edges of a shaft; its integral across is the width, however thin."""
    normal_xy = pixels.tangent_xy[:, ::-1]
    upper = edge_share(half_width_px - pixels.across_px, normal_xy, sigma_px)
    lower = edge_share(-half_width_px - pixels.across_px, normal_xy, sigma_px)
    return upper - lower


def render_shaft(
    width_um: float,
    um_per_px: float,
    angle_deg: float,
    *,
    psf_sigma_px: float,
    size_px: int = 128,
    offset_px: tuple[float, float] = (0.0, 0.0),
    noise_sd: float = 0.0,
    contrast: float = 120.0,
    skin_level: float = 170.0,
    rng: np.random.Generator | None = None,
) -> ShaftPhantom:
    """One straight shaft that crosses a square picture of flat skin, blurred and optionally noisy.

    Parameters
    ----------
    width_um, um_per_px : float
        The shaft is ``width_um / um_per_px`` pixels wide.
    angle_deg : float
        Direction root to tip: 0 to the right, 90 down.
    psf_sigma_px : float
        Gaussian blur of the optics, px; 0 for none.
    offset_px : (float, float)
        Where the centre-line passes, (x, y) from the picture's centre.
    noise_sd : float
        Standard deviation of white noise, grey levels; needs `rng` where above 0.
    contrast : float
        Skin level minus shaft level, grey levels; negative for a shaft brighter than skin.
    """
    width_px = width_um / um_per_px
    pad = int(np.ceil(4 * psf_sigma_px)) + 2
    canvas = size_px + 2 * pad
    centre_xy = np.array([(size_px - 1) / 2 + offset_px[0], (size_px - 1) / 2 + offset_px[1]])
    reach = hypot(size_px, size_px) + 2 * pad + hypot(*offset_px)
    direction = np.array([cos(radians(angle_deg)), sin(radians(angle_deg))])
    path_xy = np.stack([centre_xy - reach * direction, centre_xy + reach * direction])
    pixels = nearby_pixels(path_xy + pad, width_px / 2 + 2, (canvas, canvas))
    share = np.zeros((canvas, canvas), dtype=np.float32)
    share[pixels.rows, pixels.cols] = across_share(pixels, np.full(len(pixels.rows), width_px / 2))
    if psf_sigma_px > 0:
        share = cv2.GaussianBlur(share, (2 * pad + 1, 2 * pad + 1), psf_sigma_px)
    gray = (skin_level - contrast * share[pad : pad + size_px, pad : pad + size_px]).astype(np.float32)
    if noise_sd > 0:
        if rng is None:
            raise ValueError("noise_sd above 0 needs rng: give a numpy.random.Generator.")
        gray += rng.normal(0.0, noise_sd, gray.shape).astype(np.float32)
    return ShaftPhantom(gray, path_xy, width_px)
