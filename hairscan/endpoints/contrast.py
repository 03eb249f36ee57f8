"""How much hairs stand out from the skin beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hairscan.lines import normals
from hairscan.measure.robust import median
from hairscan.types import FloatArray, Hair, RgbImage

_GREY = np.array([0.299, 0.587, 0.114])
_CLEAR_PX = 3.0
"""Room left between the edge of a shaft and the skin that it is compared with."""


def hair_contrasts(rgb: RgbImage, hairs: Sequence[Hair]) -> FloatArray:
    """Grey levels by which the skin beside each hair is brighter than its middle; negative for pale hair.

    Parameters
    ----------
    rgb : uint8 array, shape (H, W, 3)

    Returns
    -------
    float array, shape (N,)
        NaN for a hair without a width: where its flanks are is not known.

    Notes
    -----
    Median along the hair of the middle against the median of both flanks, half a width and `_CLEAR_PX` outside the
    edges.
    """
    contrasts = np.full(len(hairs), np.nan)
    known = [index for index, hair in enumerate(hairs) if np.isfinite(hair.width_px) and len(hair.path_xy) > 1]
    if known:
        lines = [_flanks_and_middle(hairs[index]) for index in known]
        ends = np.cumsum([line.shape[1] for line in lines])[:-1]
        levels = np.split(_grey_at(rgb, np.concatenate(lines, axis=1)), ends, axis=1)
        contrasts[known] = [median(level[:2].ravel()) - median(level[2]) for level in levels]
    return contrasts


def _flanks_and_middle(hair: Hair) -> FloatArray:
    """Points beside a hair on either side, and on it, shape (3, P, 2)."""
    offset_xy = (hair.width_px + _CLEAR_PX) * normals(hair.path_xy)
    return hair.path_xy + np.array([1.0, -1.0, 0.0])[:, None, None] * offset_xy


def _grey_at(rgb: RgbImage, points_xy: FloatArray) -> FloatArray:
    """Grey level of the pixel nearest to each point, one axis less than the points; outside, the border answers."""
    height_px, width_px = rgb.shape[:2]
    columns, rows = np.moveaxis(np.rint(points_xy).astype(np.intp), -1, 0)
    return np.asarray(rgb[rows.clip(0, height_px - 1), columns.clip(0, width_px - 1)] @ _GREY)
