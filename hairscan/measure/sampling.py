"""The photograph read along the normals of the stations."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.measure.paths import Stations
from hairscan.types import FloatArray, HairMaps, LabelImage, MapArray

_MOST_ROWS = 16384
"""cv2.remap refuses 32767 rows and more."""
_ALONG = 5
"""Readings averaged along the shaft at each station."""
_LONGEST_STEP_PX = 1.5


def station_points(stations: Stations, offsets_px: FloatArray) -> FloatArray:
    """Points on the normals of the stations, px, shape (N, K, 2), for offsets of shape (N, K)."""
    # One plane for x and one for y, as they are read: pairs of numbers side by side are slow to take apart.
    points = np.empty((2, *offsets_px.shape))
    for axis, plane in enumerate(points):
        np.multiply(offsets_px, stations.normal_xy[:, axis, None], out=plane)
        plane += stations.xy[:, axis, None]
    return np.moveaxis(points, 0, 2)


def read_profiles(
    image: MapArray, stations: Stations, offsets_px: FloatArray, method: int = cv2.INTER_CUBIC
) -> MapArray:
    """Profiles of shape (N, K, C): the mean of five readings side by side along the shaft.

    `method` is how to interpolate, as `cv2.remap` says it; beyond the border the nearest pixel answers.
    """
    x, y = _coordinates(station_points(stations, offsets_px))
    step = np.minimum(stations.spacing_px / _ALONG, _LONGEST_STEP_PX).astype(np.float32)[:, None]
    normal = stations.normal_xy.astype(np.float32)
    total = np.zeros((*x.shape, 3), np.float32)
    for side in (-2, -1, 0, 1, 2):
        total += _remap(image, x + side * step * normal[:, 1:], y - side * step * normal[:, :1], method)
    total /= _ALONG
    return total


def read_coverage(maps: HairMaps, points_xy: FloatArray) -> FloatArray:
    """Shaft coverage at photograph points, 0 to 1, by linear interpolation."""
    x, y = _coordinates((points_xy + 0.5) / maps.px_per_cell - 0.5)
    return _remap(maps.coverage, x, y, cv2.INTER_LINEAR).astype(np.float64)


def _coordinates(points_xy: FloatArray) -> MapArray:
    """Points of shape (N, K, 2) as `cv2.remap` takes them, x and y apart, shape (2, N, K)."""
    return np.ascontiguousarray(np.moveaxis(points_xy, 2, 0), np.float32)


def _remap(image: NDArray[Any], x: MapArray, y: MapArray, method: int) -> NDArray[Any]:
    """Image at sub-pixel points, shape of the points (N, K) plus the channels."""
    read = np.empty((*x.shape, *image.shape[2:]), image.dtype)
    for start in range(0, len(x), _MOST_ROWS):
        part = slice(start, start + _MOST_ROWS)
        cv2.remap(image, x[part], y[part], method, read[part], cv2.BORDER_REPLICATE)
    return read


def judged_points(ignored: LabelImage, points_xy: FloatArray) -> NDArray[np.bool_]:
    """Tell where a point lies in the picture on a pixel that can be judged."""
    height, width = ignored.shape
    column = np.rint(points_xy[..., 0]).astype(np.intp)
    row = np.rint(points_xy[..., 1]).astype(np.intp)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    return np.asarray(inside & (ignored[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)] == 0))
