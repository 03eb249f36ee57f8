"""A picture of any size is run through the network in overlapping tiles."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hairscan.segment.backend import Backend
from hairscan.segment.spec import CELL_PX, N_CHANNELS
from hairscan.types import MapArray, RgbImage

TILE_PX = 832
"""Longest side of a tile: a photograph of 1280 x 1024 px at 2.8 um/px is one."""
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
    """Tiles that cover a length: as few as can be, and no longer than that takes; every pixel is kept exactly once.

    Parameters
    ----------
    length_px : int
        Divides by `multiple`.
    multiple : int
        Every tile's length divides by this, and so does its start.
    """
    if length_px <= TILE_PX:
        return [Span(0, length_px, 0, length_px)]
    count = _parts(length_px - 2 * MARGIN_PX, TILE_PX - 2 * MARGIN_PX)
    tile_px = _parts(length_px + (count - 1) * 2 * MARGIN_PX, count * multiple) * multiple
    stride = _parts(length_px - tile_px, (count - 1) * multiple) * multiple
    starts = [min(index * stride, length_px - tile_px) for index in range(count)]
    out = []
    for index, start in enumerate(starts):
        keep_start = 0 if index == 0 else start + MARGIN_PX
        keep_stop = length_px if index == count - 1 else starts[index + 1] + MARGIN_PX
        out.append(Span(start, start + tile_px, keep_start, keep_stop))
    return out


def _parts(whole: int, most: int) -> int:
    """How many parts of at most this size make up the whole."""
    return -(-whole // most)


def run_tiled(backend: Backend, rgb: RgbImage, *, multiple: int) -> MapArray:
    """Maps of a whole picture, shape (N_CHANNELS, ceil(H / 2), ceil(W / 2)).

    The picture is continued beyond its right and lower border by its edge pixels until it divides by `multiple`. All
    its tiles are of one size; as many as the backend likes are run at once.
    """
    height, width = rgb.shape[:2]
    shape = N_CHANNELS, _parts(height, CELL_PX), _parts(width, CELL_PX)
    tiles = _tiles(height + -height % multiple, width + -width % multiple, multiple)
    if len(tiles) == 1:
        # Nearly every photograph: its maps need not be copied.
        return backend.run(_images(rgb, tiles))[0, :, : shape[1], : shape[2]]
    maps = np.empty(shape, np.float32)
    for first in range(0, len(tiles), backend.batch):
        batch = tiles[first : first + backend.batch]
        out = backend.run(_images(rgb, batch))
        for tile_maps, (rows, columns) in zip(out, batch, strict=True):
            # The last rows and columns of cells may lie beyond the picture.
            kept = maps[:, _cells(rows), _cells(columns)]
            kept[:] = tile_maps[:, _inside(rows), _inside(columns)][:, : kept.shape[1], : kept.shape[2]]
    return maps


def _tiles(height_px: int, width_px: int, multiple: int) -> list[tuple[Span, Span]]:
    """Rows and columns of every tile."""
    columns = spans(width_px, multiple=multiple)
    return [(row, column) for row in spans(height_px, multiple=multiple) for column in columns]


def _images(rgb: RgbImage, tiles: list[tuple[Span, Span]]) -> MapArray:
    """Tiles as the network takes them: 0..1, shape (N, 3, H, W)."""
    rows, columns = tiles[0]
    images = np.empty((len(tiles), 3, rows.stop - rows.start, columns.stop - columns.start), np.float32)
    for image, (rows, columns) in zip(images, tiles, strict=True):
        tile = rgb[rows.start : rows.stop, columns.start : columns.stop]
        beyond = [(0, have - there) for have, there in zip(image.shape[1:], tile.shape[:2], strict=True)]
        if any(after for _, after in beyond):
            tile = np.pad(tile, (*beyond, (0, 0)), mode="edge")
        for channel, plane in zip(image, cv2.split(tile), strict=True):
            np.divide(plane, np.float32(255.0), out=channel)
    return images


def _cells(span: Span) -> slice:
    """Cells of the whole map that a tile writes."""
    return slice(span.keep_start // CELL_PX, span.keep_stop // CELL_PX)


def _inside(span: Span) -> slice:
    """The same cells, counted from the tile's start."""
    return slice((span.keep_start - span.start) // CELL_PX, (span.keep_stop - span.start) // CELL_PX)
