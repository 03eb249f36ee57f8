"""Which other hairs a station's normal meets, and at what angle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hairscan.measure.paths import Curve, IntArray, Stations
from hairscan.types import FloatArray

PARALLEL = 0.9
"""Cosine from which two hairs count as running side by side rather than crossing."""
_POINT_EVERY_PX = 3
_ENDS_PX = 10.0
"""Paths may stop this much short of the root and the tip."""


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
    crossed : bool array, shape (N,)
        A hair crosses at a steep angle within about one width.
    """

    offset_px: FloatArray
    cosine: FloatArray
    hair: IntArray
    crossed: NDArray[np.bool_]

    def take(self, chosen: IntArray) -> Neighbours:
        """Neighbours of the chosen stations."""
        return Neighbours(self.offset_px[chosen], self.cosine[chosen], self.hair[chosen], self.crossed[chosen])


@dataclass(frozen=True, slots=True)
class _Line:
    """Points of a curve every few px, its ends drawn out, with unit tangents."""

    xy: FloatArray
    along: FloatArray

    @staticmethod
    def of(curve: Curve) -> _Line:
        tangent = np.column_stack([curve.normal_xy[:, 1], -curve.normal_xy[:, 0]])
        out = np.arange(_POINT_EVERY_PX, _ENDS_PX + 1, _POINT_EVERY_PX)[:, None]
        xy = [curve.xy[0] - out[::-1] * tangent[0], curve.xy[::_POINT_EVERY_PX], curve.xy[-1] + out * tangent[-1]]
        ends = [np.repeat(tangent[[0]], len(out), 0), np.repeat(tangent[[-1]], len(out), 0)]
        return _Line(np.concatenate(xy), np.concatenate([ends[0], tangent[::_POINT_EVERY_PX], ends[1]]))

    def near(self, low: FloatArray, high: FloatArray) -> _Line:
        """Part of the line inside a box."""
        inside = ((self.xy >= low) & (self.xy <= high)).all(axis=1)
        return _Line(self.xy[inside], self.along[inside])


def find_neighbours(
    stations: Stations, curves: Sequence[Curve | None], half_px: FloatArray, reach_px: float, margin_px: float
) -> Neighbours:
    """Nearest other centre-line on each side of every station, and where hairs cross.

    Parameters
    ----------
    half_px : float array, shape (H,)
        Half widths of the hairs.
    reach_px : float
        How far along the normal to look.
    margin_px : float
        Reach of the blur, added to the half widths where a crossing is kept clear of.
    """
    count = len(stations)
    found = Neighbours(
        np.full((count, 2), np.inf),
        np.ones((count, 2)),
        np.full((count, 2), -1, dtype=np.intp),
        np.zeros(count, dtype=bool),
    )
    lines = [_Line(np.zeros((0, 2)), np.zeros((0, 2))) if curve is None else _Line.of(curve) for curve in curves]
    low = np.array([line.xy.min(axis=0, initial=np.inf) for line in lines]).reshape(-1, 2)
    high = np.array([line.xy.max(axis=0, initial=-np.inf) for line in lines]).reshape(-1, 2)
    first = np.searchsorted(stations.hair, np.arange(len(curves) + 1))
    for index in range(len(curves)):
        rows = slice(int(first[index]), int(first[index + 1]))
        if rows.start == rows.stop:
            continue
        from_xy, to_xy = stations.xy[rows].min(axis=0) - reach_px, stations.xy[rows].max(axis=0) + reach_px
        close = (low <= to_xy).all(axis=1) & (high >= from_xy).all(axis=1)
        close[index] = False
        for other in np.flatnonzero(close):
            part = lines[other].near(from_xy, to_xy)
            if len(part.xy):
                widths = (float(half_px[index]), float(half_px[other]))
                _note(found, stations, rows, int(other), part, widths, reach_px, margin_px)
    return found


def _note(
    found: Neighbours,
    stations: Stations,
    rows: slice,
    other: int,
    line: _Line,
    halves_px: tuple[float, float],
    reach_px: float,
    margin_px: float,
) -> None:
    """Enter one other hair into the table: as a crossing, and where it is the nearest so far."""
    normal = stations.normal_xy[rows]
    tangent = np.column_stack([normal[:, 1], -normal[:, 0]])
    ahead = tangent @ line.xy.T - (tangent * stations.xy[rows]).sum(axis=1)[:, None]
    aside = normal @ line.xy.T - (normal * stations.xy[rows]).sum(axis=1)[:, None]
    cosine, sine = tangent @ line.along.T, normal @ line.along.T
    own, width = halves_px
    clear = 0.5 * own + margin_px + width / np.maximum(np.abs(sine), 0.3)
    steep = np.abs(cosine) < PARALLEL
    found.crossed[rows] |= (steep & (np.abs(aside) < own + margin_px) & (np.abs(ahead) < clear)).any(axis=1)
    # A point stands for its stretch of the line: half the spacing, seen under the angle of the two hairs.
    met = (np.abs(ahead) <= 0.5 * _POINT_EVERY_PX * np.maximum(np.abs(cosine), 0.1) + 0.6) & (np.abs(aside) < reach_px)
    if not met.any():
        return
    here = np.arange(len(ahead))
    for side, right in enumerate((aside < 0, aside >= 0)):
        distance = np.where(met & right, np.abs(aside), np.inf)
        nearest = distance.argmin(axis=1)
        run = cosine[here, nearest]
        # The line is straight between its points: slide from the nearest point to the normal itself.
        slope = sine[here, nearest] / np.where(np.abs(run) < 0.1, 0.1, run)
        offset = aside[here, nearest] - slope * ahead[here, nearest]
        better = np.isfinite(distance[here, nearest]) & (np.abs(offset) < np.abs(found.offset_px[rows, side]))
        found.offset_px[rows, side] = np.where(better, offset, found.offset_px[rows, side])
        found.cosine[rows, side] = np.where(better, np.abs(run), found.cosine[rows, side])
        found.hair[rows, side] = np.where(better, other, found.hair[rows, side])
