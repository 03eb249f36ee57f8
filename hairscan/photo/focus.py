"""How blurred the edges of a picture are: the sharpest of them, and zones out of focus."""

from __future__ import annotations

from math import erf, log, nan, pi, sqrt
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.types import FloatArray, LabelImage, MapArray, RgbImage

OUT_OF_FOCUS_UM = 25.0
OUT_OF_FOCUS_PX = 6.0
_BLOCK_PX = 96
_BLOCKS_ACROSS = 11
_EDGES_PER_BLOCK = 10
_MIN_EDGES = 30
_MIN_STEP, _MIN_SLOPE = 20.0, 0.5
_STEEP, _LEAST_STEEP = 0.6, 0.3
_SMOOTH = cv2.getGaussianKernel(13, 1.5)
_REACH_PX = 24.0
_STEP_PX = 0.5
# What sampling adds to the variance of an edge: the difference over one pixel, and bicubic interpolation.
_SAMPLING_VARIANCE_PX2 = 1.0 / 12.0 + 0.06
_SHARP_PERCENTILE = 40.0
# The rise is followed down to this share of its steepest slope, beyond which noise takes over; the rest of the
# Gaussian is added: erf(sqrt(ln(1 / foot))) of it lies above the foot.
_FOOT = 0.2
_SHARE_ABOVE_FOOT = erf(sqrt(log(1 / _FOOT)))
# Smoothing along the profile, px, and the blur from which on it is not too much: soft edges need it against noise.
_SMOOTHING_PX = ((4.0, 3.5), (1.6, 1.3), (0.6, 0.0))
_SOFTER, _SOFT_PX = 4.0, 7.0
_MIN_EDGES_OF_BLOCK = 4
_MIN_SOFT_SHARE = 0.1
"""Share of a picture from which soft blocks are a zone."""


class Edges(NamedTuple):
    """The strongest edges of each block of a picture.

    Attributes
    ----------
    xy : float array, shape (E, 2)
        Where, px.
    slope : float array, shape (E,)
        Grey levels per px after a slight smoothing.
    sigmas_px : float array, shape (3, E)
        Gaussian blur under three degrees of smoothing; NaN for a faint edge.
    block_px : int
        Side of a block.
    """

    xy: FloatArray
    slope: FloatArray
    sigmas_px: FloatArray
    block_px: int


def find_edges(rgb: RgbImage, ignored: LabelImage | None = None) -> Edges:
    """The strongest edges of each block of the judged field, with the blur of each.

    Parameters
    ----------
    rgb : uint8 array, shape (H, W, 3)
    ignored : uint8 array, shape (H, W), optional
        `Ignored` codes; edges in or beside an ignored pixel (burnt-in text is sharper than any lens) do not count.
    """
    green = cv2.extractChannel(rgb, 1)
    judged = np.ones(green.shape, np.uint8) if ignored is None else (ignored == 0).astype(np.uint8)
    allowed = cv2.erode(judged, np.ones((9, 9), np.uint8))
    block_px = max(_BLOCK_PX, min(green.shape) // _BLOCKS_ACROSS)
    tops = range(0, green.shape[0], block_px)
    found = [_strip_edges(green[y : y + block_px], allowed[y : y + block_px], block_px) for y in tops]
    edges = np.concatenate([edges + np.array([0, y, 0, 0, 0]) for y, edges in zip(tops, found, strict=True)])
    profiles = _profiles(green, edges[:, :2], edges[:, 2:4])
    sigmas = np.array([_rise_sigmas(profiles, smooth_px) for smooth_px, _ in _SMOOTHING_PX])
    return Edges(edges[:, :2], edges[:, 4], sigmas, block_px)


def psf_sigma_px(edges: Edges) -> float:
    """Gaussian blur of the sharpest strong edges, px; NaN where there are too few.

    Notes
    -----
    A step of height h under a Gaussian blur s has the steepest slope ``h / (s sqrt(2 pi))``. Profiles across the
    strongest edges give h (over the stretch in which they keep rising) and the slope. Edges of things thinner than
    the blur give down to 0.66 s, edges out of the plane of focus give more than s, hence a percentile a little under
    the median of the strongest.
    """
    if edges.slope.size == 0:
        return nan
    strong = edges.slope >= 0.5 * np.percentile(edges.slope, 95)
    answer = nan
    for sigmas, (_, least_px) in zip(edges.sigmas_px, _SMOOTHING_PX, strict=True):
        usable = sigmas[strong & np.isfinite(sigmas)]
        if usable.size < _MIN_EDGES:
            continue
        answer = float(np.percentile(usable, _SHARP_PERCENTILE))
        if answer >= least_px:
            break
    return answer


def find_blurred(edges: Edges, sigma_px: float, shape: tuple[int, int]) -> LabelImage:
    """Mask of zones out of focus, 1 where even the sharpest edges are far softer than the rest; shape (H, W).

    Parameters
    ----------
    sigma_px : float
        Blur of the sharpest edges of the photo, px; with NaN nothing is called blurred.
    shape : tuple of int
        Height and width of the photo, px.

    Notes
    -----
    A zone is a stretch of touching blocks, none of them sharp, whose soft ones are a tenth of the picture or more: a
    few blocks are soft where shadows under the skin have the only edges. Soft is a block with several edges and no
    sharp one. A block without edges (smooth skin) tells nothing: it may join soft blocks, and is not left out itself.
    """
    rows, columns = (-(-n // edges.block_px) for n in shape)
    sharp, soft = np.zeros((2, rows, columns), np.uint8)
    if np.isfinite(sigma_px):
        sigmas = _per_edge(edges.sigmas_px)
        cells = (edges.xy // edges.block_px).astype(int) @ (1, columns)
        order = np.lexsort((sigmas, cells))
        order = order[np.isfinite(sigmas[order])]
        cell, first, count = np.unique(cells[order], return_index=True, return_counts=True)
        is_soft = sigmas[order][first + count // 5] > max(_SOFTER * sigma_px, _SOFT_PX)
        told = count >= _MIN_EDGES_OF_BLOCK
        sharp.ravel()[cell[told]], soft.ravel()[cell[told]] = ~is_soft[told], is_soft[told]
    n_labels, labels = cv2.connectedComponents(1 - sharp, connectivity=4)
    wide = np.bincount(labels[soft > 0], minlength=n_labels) >= _MIN_SOFT_SHARE * soft.size
    if not wide.any():
        return np.zeros(shape, np.uint8)
    blocks = np.kron(wide[labels] * soft, np.ones((edges.block_px, edges.block_px), np.uint8))
    return np.ascontiguousarray(blocks[: shape[0], : shape[1]], np.uint8)


def is_out_of_focus(sigma_px: float, um_per_px: float | None) -> bool:
    """True where the sharpest edges are too soft to measure a shaft: above 25 um, or 6 px without a scale."""
    if um_per_px is None:
        return sigma_px > OUT_OF_FOCUS_PX
    return sigma_px * um_per_px > OUT_OF_FOCUS_UM


def _per_edge(sigmas_px: FloatArray) -> FloatArray:
    """Blur of each edge under the strongest smoothing that it bears."""
    chosen = sigmas_px[-1]
    for sigmas, (_, least_px) in zip(sigmas_px[-2::-1], _SMOOTHING_PX[-2::-1], strict=True):
        chosen = np.where(sigmas >= least_px, sigmas, chosen)
    return np.asarray(chosen, dtype=np.float64)


def _strip_edges(green: NDArray[np.uint8], allowed: NDArray[np.uint8], block_px: int) -> FloatArray:
    """Strongest edge points of each block of a row of blocks: x, y, unit direction of the rise, slope; shape (E, 5)."""
    if min(green.shape) < 8:
        return np.empty((0, 5))
    smooth = cv2.sepFilter2D(green, cv2.CV_32F, _SMOOTH, _SMOOTH)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, dx, 1 - dx, scale=0.125) for dx in (1, 0))
    slope = np.asarray(cv2.magnitude(across, down), dtype=np.float32)
    slope[:3] = slope[-3:] = slope[:, :3] = slope[:, -3:] = 0
    slope *= allowed
    width = green.shape[1]
    blocks = np.arange(width) // block_px
    steepest = np.maximum.reduceat(slope.max(axis=0), np.arange(0, width, block_px))
    # Few of many are kept: where enough are steep, the others need not be looked at.
    share = np.full(len(steepest), _STEEP)
    at = _edge_points(slope, across, down, (share * steepest)[blocks])
    few = np.bincount(blocks[at % width], minlength=len(steepest)) < _EDGES_PER_BLOCK
    if few.any():
        share[few] = _LEAST_STEEP
        at = _edge_points(slope, across, down, (share * steepest)[blocks])
    block = blocks[at % width]
    across, down, slope = across.ravel(), down.ravel(), slope.ravel()
    order = np.lexsort((-slope[at], block))
    block = block[order]
    rank = np.arange(block.size) - np.searchsorted(block, block)
    at = np.sort(at[order[rank < _EDGES_PER_BLOCK]])
    size = slope[at]
    return np.column_stack([at % width, at // width, across[at] / size, down[at] / size, size]).astype(np.float64)


def _edge_points(slope: MapArray, across: MapArray, down: MapArray, least: FloatArray) -> NDArray[np.intp]:
    """Flat indices of points steeper than their column asks for, and no less than both neighbours along the rise."""
    at = np.flatnonzero(slope > np.maximum(least, _MIN_SLOPE).astype(np.float32))
    beside = np.where(np.abs(across.ravel()[at]) >= np.abs(down.ravel()[at]), 1, slope.shape[1])
    size = slope.ravel()
    return at[size[at] >= np.maximum(size[at - beside], size[at + beside])]


def _profiles(green: NDArray[np.uint8], at_xy: FloatArray, rise_xy: FloatArray) -> MapArray:
    """Grey levels across each edge, mean of three parallel lines, every half pixel; shape (E, N)."""
    along = np.arange(-_REACH_PX, _REACH_PX + _STEP_PX / 2, _STEP_PX, dtype=np.float32)
    at_xy, rise_xy = at_xy.astype(np.float32), rise_xy.astype(np.float32)
    profiles = np.zeros((len(at_xy), along.size), np.float32)
    for offset_px in (-1, 0, 1):
        beside = at_xy + offset_px * np.column_stack([-rise_xy[:, 1], rise_xy[:, 0]])
        x = beside[:, :1] + rise_xy[:, :1] * along
        y = beside[:, 1:] + rise_xy[:, 1:] * along
        if len(at_xy):
            profiles += cv2.remap(green, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return profiles / np.float32(3)


def _rise_sigmas(profiles: MapArray, smooth_px: float) -> FloatArray:
    """Blur of the rise in the middle of each profile, without the smoothing, px; NaN for faint rises."""
    if len(profiles) == 0:
        return np.empty(0)
    smooth = cv2.GaussianBlur(profiles, (0, 0), smooth_px / _STEP_PX, sigmaY=1e-6)
    lag = round(1 / _STEP_PX)
    slope = smooth[:, lag:] - smooth[:, :-lag]
    first, end = slope.shape[1] // 2 - 3, slope.shape[1] // 2 + 4
    near = slope[:, first:end]
    peak = near.max(axis=1)
    peak_at = first + near.argmax(axis=1)[:, None]
    falling = slope <= _FOOT * peak[:, None]
    index = np.arange(slope.shape[1], dtype=np.int16)
    before, after = index[:end], index[first:]
    left = np.where(falling[:, :end] & (before < peak_at), before + 1, 0).max(axis=1)
    right = np.where(falling[:, first:] & (after > peak_at), after - 1, index[-1]).min(axis=1)
    # The differences between the two add up to what lies beyond them at either end.
    rows, ends = np.arange(len(smooth))[:, None], np.arange(1, lag + 1)
    rise = smooth[rows, right[:, None] + ends] - smooth[rows, left[:, None] + ends - 1]
    height = rise.sum(axis=1) * _STEP_PX / _SHARE_ABOVE_FOOT
    variance = (height / (sqrt(2 * pi) * np.maximum(peak, 1e-6))) ** 2
    sigma = np.sqrt(np.maximum(variance - smooth_px**2 - _SAMPLING_VARIANCE_PX2, 0.0))
    return np.where(height >= _MIN_STEP, sigma, nan).astype(np.float64)
