"""The photograph read along the normals of the stations."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.measure.paths import Stations
from hairscan.types import FloatArray, HairMaps, LabelImage

_MOST_ROWS = 16384
"""cv2.remap refuses 32767 rows and more."""
_ALONG = 5
"""Readings averaged along the shaft at each station."""
_LONGEST_STEP_PX = 1.5


def station_points(stations: Stations, offsets_px: FloatArray) -> FloatArray:
    """Points on the normals of the stations, px, shape (N, K, 2), for offsets of shape (N, K)."""
    return stations.xy[:, None, :] + offsets_px[:, :, None] * stations.normal_xy[:, None, :]


def read_image(image: NDArray[np.float32], points_xy: FloatArray) -> NDArray[np.float32]:
    """Image at sub-pixel points by cubic interpolation, shape of the points (N, K) plus the channels.

    Beyond the border the nearest pixel answers.
    """
    parts = []
    for start in range(0, len(points_xy), _MOST_ROWS):
        block = points_xy[start : start + _MOST_ROWS].astype(np.float32)
        parts.append(
            cv2.remap(
                image,
                np.ascontiguousarray(block[..., 0]),
                np.ascontiguousarray(block[..., 1]),
                cv2.INTER_CUBIC,
                borderMode=cv2.BORDER_REPLICATE,
            )
        )
    return np.concatenate(parts)


def read_profiles(image: NDArray[np.float32], stations: Stations, offsets_px: FloatArray) -> NDArray[np.float32]:
    """Profiles of shape (N, K, C): the mean of five readings side by side along the shaft."""
    points = station_points(stations, offsets_px)
    along = np.stack([stations.normal_xy[:, 1], -stations.normal_xy[:, 0]], axis=1)
    step = np.minimum(stations.spacing_px / _ALONG, _LONGEST_STEP_PX)[:, None, None]
    total = read_image(image, points)
    for side in (-2.0, -1.0, 1.0, 2.0):
        total = total + read_image(image, points + side * step * along[:, None, :])
    return total / np.float32(_ALONG)


def read_coverage(maps: HairMaps, points_xy: FloatArray) -> FloatArray:
    """Shaft coverage at photograph points, 0 to 1, by linear interpolation."""
    cells = ((points_xy + 0.5) / maps.px_per_cell - 0.5).astype(np.float32)
    parts = [
        cv2.remap(
            maps.coverage,
            np.ascontiguousarray(cells[start : start + _MOST_ROWS, :, 0]),
            np.ascontiguousarray(cells[start : start + _MOST_ROWS, :, 1]),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for start in range(0, len(cells), _MOST_ROWS)
    ]
    return np.asarray(np.concatenate(parts), dtype=np.float64)


def judged_points(ignored: LabelImage, points_xy: FloatArray) -> NDArray[np.bool_]:
    """Tell where a point lies in the picture on a pixel that can be judged."""
    height, width = ignored.shape
    column = np.rint(points_xy[..., 0]).astype(np.intp)
    row = np.rint(points_xy[..., 1]).astype(np.intp)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    return np.asarray(inside & (ignored[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)] == 0))
