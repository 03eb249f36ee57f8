"""How much hairs stand out from the skin beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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
    return np.array([_contrast(rgb, hair) for hair in hairs], dtype=np.float64)


def _contrast(rgb: RgbImage, hair: Hair) -> float:
    """Contrast of one hair, grey levels."""
    if not np.isfinite(hair.width_px) or len(hair.path_xy) < 2:
        return float("nan")
    ahead_xy = np.gradient(hair.path_xy, axis=0)
    across_xy = np.column_stack([-ahead_xy[:, 1], ahead_xy[:, 0]])
    across_xy /= np.maximum(np.hypot(*across_xy.T), 1e-9)[:, None]
    offset_xy = (hair.width_px + _CLEAR_PX) * across_xy
    flanks = np.concatenate([_grey_at(rgb, hair.path_xy + offset_xy), _grey_at(rgb, hair.path_xy - offset_xy)])
    return median(flanks) - median(_grey_at(rgb, hair.path_xy))


def _grey_at(rgb: RgbImage, points_xy: FloatArray) -> FloatArray:
    """Grey level of the pixel nearest to each point, shape (P,); points outside take the border's."""
    height_px, width_px = rgb.shape[:2]
    columns, rows = np.rint(points_xy).astype(np.int64).T
    return np.asarray(rgb[rows.clip(0, height_px - 1), columns.clip(0, width_px - 1)] @ _GREY)
