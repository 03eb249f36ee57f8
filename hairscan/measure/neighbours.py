"""Which other hairs a station's normal meets, and at what angle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairscan.measure.paths import Curves, IntArray, Stations, run_places
from hairscan.types import FloatArray

PARALLEL_COS = 0.9
"""From here on two hairs count as running side by side rather than crossing."""
_POINT_EVERY_PX = 3
_ENDS_PX = 10.0
"""Paths may stop this much, and half a width, short of the root and the tip."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The nearest other hair on each side of every station.

    Attributes
    ----------
    offset_px : float array, shape (N, 2)
        Where the normal meets its centre-line; column 0 the negative side, 1 the positive; infinite where none.
    cosine : float array, shape (N, 2)
        Cosine of the angle between the two hairs, 0 to 1.
    hair : int array, shape (N, 2)
        Index of that hair, -1 where none.
    clear_px : float array, shape (N,)
        How far the nearest hair that crosses at a steep angle stays from the place where it would be in the way;
        infinite where none crosses.
    """

    offset_px: FloatArray
    cosine: FloatArray
    hair: IntArray
    clear_px: FloatArray

    def take(self, chosen: IntArray) -> Neighbours:
        """Neighbours of the chosen stations."""
        return Neighbours(self.offset_px[chosen], self.cosine[chosen], self.hair[chosen], self.clear_px[chosen])


@dataclass(frozen=True, slots=True)
class _Lines:
    """Points every few px along all curves, their ends drawn out, with unit tangents and the hair of each."""

    xy: FloatArray
    along: FloatArray
    hair: IntArray

    @staticmethod
    def of(curves: Curves, half_px: FloatArray) -> _Lines:
        known, tangent = curves.known, curves.tangent_xy
        row, rank = run_places(np.diff(curves.first)[known])
        every = np.flatnonzero(rank % _POINT_EVERY_PX == 0)
        out_row, out_rank = run_places(np.ceil((_ENDS_PX + half_px[known] + 1) / _POINT_EVERY_PX).astype(np.intp) - 1)
        out_px = _POINT_EVERY_PX * (out_rank + 1.0)[:, None]
        root, tip = curves.first[known][out_row], curves.first[known + 1][out_row] - 1
        xy = [curves.xy[every], curves.xy[root] - out_px * tangent[root], curves.xy[tip] + out_px * tangent[tip]]
        along = tangent[np.concatenate([every, root, tip])]
        return _Lines(np.concatenate(xy), along, known[np.concatenate([row[every], out_row, out_row])])

    def others(self, index: int, low: FloatArray, high: FloatArray) -> _Lines:
        """Points of the other hairs inside a box."""
        x, y = self.xy.T
        chosen = np.flatnonzero((x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1]) & (self.hair != index))
        return _Lines(self.xy[chosen], self.along[chosen], self.hair[chosen])


def find_neighbours(stations: Stations, curves: Curves, half_px: FloatArray, reach_px: float) -> Neighbours:
    """Nearest other centre-line on each side of every station, and how near hairs cross.

    Parameters
    ----------
    half_px : float array, shape (H,)
        Half widths of the hairs.
    reach_px : float
        How far along the normal to look.
    """
    count = len(stations)
    found = Neighbours(
        np.full((count, 2), np.inf),
        np.ones((count, 2)),
        np.full((count, 2), -1, dtype=np.intp),
        np.full(count, np.inf),
    )
    lines = _Lines.of(curves, half_px)
    first = np.searchsorted(stations.hair, np.arange(len(curves) + 1))
    for index in range(len(curves)):
        rows = slice(int(first[index]), int(first[index + 1]))
        if rows.start == rows.stop:
            continue
        xy = stations.xy[rows]
        others = lines.others(index, xy.min(axis=0) - reach_px, xy.max(axis=0) + reach_px)
        if len(others.xy):
            _note(found, stations, rows, others, half_px, reach_px)
    return found


def _note(
    found: Neighbours,
    stations: Stations,
    rows: slice,
    line: _Lines,
    half_px: FloatArray,
    reach_px: float,
) -> None:
    """Enter the hairs around one hair into the table: the nearest crossing, and the nearest on each side."""
    normal = stations.normal_xy[rows]
    tangent = np.column_stack([normal[:, 1], -normal[:, 0]])
    ahead = tangent @ line.xy.T - (tangent * stations.xy[rows]).sum(axis=1)[:, None]
    aside = normal @ line.xy.T - (normal * stations.xy[rows]).sum(axis=1)[:, None]
    cosine, sine = tangent @ line.along.T, normal @ line.along.T
    away, apart, parallel = np.abs(ahead), np.abs(aside), np.abs(cosine)
    own = float(half_px[stations.hair[rows.start]])
    clear = np.maximum(apart - own, away - 0.5 * own - half_px[line.hair] / np.maximum(np.abs(sine), 0.3))
    found.clear_px[rows] = np.where(parallel < PARALLEL_COS, clear, np.inf).min(axis=1)
    # A point stands for its stretch of the line: half the spacing, seen under the angle of the two hairs.
    met = (away <= 0.5 * _POINT_EVERY_PX * np.maximum(parallel, 0.1) + 0.6) & (apart < reach_px)
    if not met.any():
        return
    here = np.arange(len(ahead))
    distances = np.where(met, apart, np.inf)
    for side, right in enumerate((aside < 0, aside >= 0)):
        distance = np.where(right, distances, np.inf)
        nearest = distance.argmin(axis=1)
        run = cosine[here, nearest]
        # The line is straight between its points: slide from the nearest point to the normal itself.
        slope = sine[here, nearest] / np.where(np.abs(run) < 0.1, 0.1, run)
        offset = aside[here, nearest] - slope * ahead[here, nearest]
        seen = np.isfinite(distance[here, nearest])
        found.offset_px[rows, side] = np.where(seen, offset, np.inf)
        found.cosine[rows, side] = np.where(seen, np.abs(run), 1.0)
        found.hair[rows, side] = np.where(seen, line.hair[nearest], -1)
