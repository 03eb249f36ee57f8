"""Centre-lines and a label image become the maps that the network is asked for."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from hairscan.segment.spec import CELL_PX, COVERAGE, FIRST_DIRECTION, N_CHANNELS, ROOT, TIP
from hairscan.training.weak_labels import SHAFT, UNJUDGED, UNSURE_SHAFT
from hairscan.types import N_DIRECTIONS, FloatArray, LabelImage, MapArray

LINE_SIGMA_CELLS = 1.0
END_SIGMA_CELLS = 2.0


def render_targets(
    labels: LabelImage, paths_px: list[FloatArray], ends_seen: list[tuple[bool, bool]]
) -> tuple[MapArray, MapArray]:
    """Target maps and their weights.

    Parameters
    ----------
    labels : uint8 array, shape (H, W)
        Codes of `weak_labels`.
    paths_px : list of float arrays, shape (P, 2)
        Root-to-tip centre-lines, px of `labels`.
    ends_seen : list of (bool, bool)
        Whether the root and the tip of each path are real ends.

    Returns
    -------
    target, weight : float32 arrays, shape (N_CHANNELS, H / 2, W / 2)
        Ridges and peaks of height 1; weight 0 where the labels say nothing.

    Notes
    -----
    A shaft at angle a adds to the two directed layers nearest to a, in linear proportion: the layers of a straight
    shaft sum to one, and their vector sum points along it.
    """
    height, width = labels.shape[0] // CELL_PX, labels.shape[1] // CELL_PX
    target = np.zeros((N_CHANNELS, height, width), np.float32)
    weight = np.ones_like(target)
    target[COVERAGE] = _share(labels == SHAFT)
    weight[COVERAGE][_share(labels == UNSURE_SHAFT) > 0] = 0.0
    weight[:, _share(labels == UNJUDGED) > 0] = 0.0
    for path_px, (root_seen, tip_seen) in zip(paths_px, ends_seen, strict=True):
        path = (path_px + 0.5) / CELL_PX - 0.5
        for start, end in itertools.pairwise(path):
            _add_segment(target[FIRST_DIRECTION:], start, end)
        if root_seen:
            _add_peak(target[ROOT], path[0])
        if tip_seen:
            _add_peak(target[TIP], path[-1])
    return target, weight


def _share(mask: NDArray[np.bool_]) -> MapArray:
    """Share of each cell's pixels that are true."""
    parts = [mask[row::CELL_PX, column::CELL_PX] for row in range(CELL_PX) for column in range(CELL_PX)]
    return np.mean(parts, axis=0, dtype=np.float32)


def _add_segment(layers: MapArray, start: FloatArray, end: FloatArray) -> None:
    """Raise the two layers of this segment's direction to its ridge."""
    step = end - start
    length = float(np.hypot(*step))
    window = _window(layers.shape[1:], np.stack([start, end]), 3.0 * LINE_SIGMA_CELLS)
    if length < 1e-6 or window is None:
        return
    rows, columns = window
    ys, xs = np.mgrid[rows, columns].astype(np.float64)
    along = np.clip(((xs - start[0]) * step[0] + (ys - start[1]) * step[1]) / length**2, 0.0, 1.0)
    squared = (xs - start[0] - along * step[0]) ** 2 + (ys - start[1] - along * step[1]) ** 2
    ridge = np.exp(-0.5 * squared / LINE_SIGMA_CELLS**2)
    position = float(np.arctan2(step[1], step[0])) / (2 * np.pi) * N_DIRECTIONS % N_DIRECTIONS
    lower = int(position) % N_DIRECTIONS
    for layer, share in ((lower, 1.0 - position % 1.0), ((lower + 1) % N_DIRECTIONS, position % 1.0)):
        part = layers[layer][rows, columns]
        np.maximum(part, (share * ridge).astype(np.float32), out=part)


def _add_peak(layer: MapArray, centre: FloatArray) -> None:
    """Raise the layer to a Gaussian peak."""
    window = _window(layer.shape, centre[None], 3.0 * END_SIGMA_CELLS)
    if window is None:
        return
    rows, columns = window
    ys, xs = np.mgrid[rows, columns].astype(np.float64)
    peak = np.exp(-0.5 * ((xs - centre[0]) ** 2 + (ys - centre[1]) ** 2) / END_SIGMA_CELLS**2)
    part = layer[rows, columns]
    np.maximum(part, peak.astype(np.float32), out=part)


def _window(shape: tuple[int, ...], points: FloatArray, margin: float) -> tuple[slice, slice] | None:
    """Rows and columns around the points; None where that lies outside."""
    x0, y0 = np.floor(points.min(axis=0) - margin).astype(int).clip(0)
    x1, y1 = np.ceil(points.max(axis=0) + margin).astype(int) + 1
    x1, y1 = min(int(x1), shape[1]), min(int(y1), shape[0])
    if x0 >= x1 or y0 >= y1:
        return None
    return slice(int(y0), y1), slice(int(x0), x1)
