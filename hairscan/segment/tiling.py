"""A picture of any size is run through the network in overlapping tiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hairscan.segment.backend import Backend
from hairscan.segment.spec import CELL_PX, FIRST_DIRECTION, N_CHANNELS
from hairscan.types import N_DIRECTIONS, MapArray, RgbImage

TILE_PX = 640
MARGIN_PX = 64
"""The outer rim of a tile lacks context: it is dropped where another tile sees the same place from further inside."""


@dataclass(frozen=True, slots=True)
class Span:
    """One tile along one axis: read `start` to `stop`, keep `keep_start` to `keep_stop`, px."""

    start: int
    stop: int
    keep_start: int
    keep_stop: int


def spans(length_px: int, *, multiple: int) -> list[Span]:
    """Tiles that cover a length; every pixel is kept exactly once.

    Parameters
    ----------
    length_px : int
        Divides by `multiple`.
    multiple : int
        Every tile's length divides by this, and so does its start.
    """
    if length_px <= TILE_PX + 2 * MARGIN_PX:
        return [Span(0, length_px, 0, length_px)]
    count = int(np.ceil((length_px - 2 * MARGIN_PX) / (TILE_PX - 2 * MARGIN_PX)))
    stride = int(np.ceil((length_px - TILE_PX) / (count - 1) / multiple)) * multiple
    starts = [min(index * stride, length_px - TILE_PX) for index in range(count)]
    out = []
    for index, start in enumerate(starts):
        keep_start = 0 if index == 0 else start + MARGIN_PX
        keep_stop = length_px if index == count - 1 else starts[index + 1] + MARGIN_PX
        out.append(Span(start, start + TILE_PX, keep_start, keep_stop))
    return out


def run_tiled(backend: Backend, rgb: RgbImage, *, multiple: int, views: int = 4) -> MapArray:
    """Maps of a whole picture, shape (N_CHANNELS, ceil(H / 2), ceil(W / 2)).

    The picture is continued beyond its right and lower border by its edge pixels until it divides by `multiple`.
    """
    height, width = rgb.shape[:2]
    padded = np.pad(rgb, ((0, -height % multiple), (0, -width % multiple), (0, 0)), mode="edge")
    maps = np.empty((N_CHANNELS, padded.shape[0] // CELL_PX, padded.shape[1] // CELL_PX), np.float32)
    for rows, columns in _tiles(padded, multiple):
        tile = padded[rows.start : rows.stop, columns.start : columns.stop]
        image = np.ascontiguousarray(tile.transpose(2, 0, 1)[None], np.float32)
        image /= 255.0
        out = run_turned(backend, image, views)
        maps[:, _cells(rows), _cells(columns)] = out[:, _inside(rows), _inside(columns)]
    return maps[:, : -(-height // CELL_PX), : -(-width // CELL_PX)]


def run_turned(backend: Backend, image: MapArray, views: int) -> MapArray:
    """Mean of the maps of a picture and of its next quarter turns, shape (N_CHANNELS, H / 2, W / 2).

    A photograph and the same photograph on its side so get the same answer, and a better one: the errors of the four
    views differ.

    Parameters
    ----------
    image : float32 array, shape (1, 3, H, W)
    views : int
        1 for the picture as it is, 4 for all turns.

    Notes
    -----
    `numpy.rot90` turns a direction by -90 degrees (y points down): the layers are put back by a quarter of their
    number.
    """
    total = np.zeros((N_CHANNELS, image.shape[2] // CELL_PX, image.shape[3] // CELL_PX), np.float32)
    for turns in range(views):
        turned = backend.run(np.ascontiguousarray(np.rot90(image, turns, axes=(2, 3))))[0]
        upright = np.rot90(turned, -turns, axes=(1, 2))
        total[:FIRST_DIRECTION] += upright[:FIRST_DIRECTION]
        total[FIRST_DIRECTION:] += np.roll(upright[FIRST_DIRECTION:], turns * N_DIRECTIONS // 4, axis=0)
    total /= views
    return total


def _tiles(padded: RgbImage, multiple: int) -> Iterator[tuple[Span, Span]]:
    for rows in spans(padded.shape[0], multiple=multiple):
        for columns in spans(padded.shape[1], multiple=multiple):
            yield rows, columns


def _cells(span: Span) -> slice:
    """Cells of the whole map that a tile writes."""
    return slice(span.keep_start // CELL_PX, span.keep_stop // CELL_PX)


def _inside(span: Span) -> slice:
    """The same cells, counted from the tile's start."""
    return slice((span.keep_start - span.start) // CELL_PX, (span.keep_stop - span.start) // CELL_PX)
