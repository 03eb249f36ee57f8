"""Centre-lines as dense smooth curves, and the stations along them where the width is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from hairscan.lines import unit
from hairscan.types import FloatArray

IntArray = NDArray[np.intp]
_SHORTEST_PX = 1.0


@dataclass(frozen=True, slots=True)
class Curves:
    """The centre-lines of all hairs end to end, each root first and sampled about every pixel.

    Attributes
    ----------
    xy : float array, shape (P, 2)
        Points, px.
    normal_xy : float array, shape (P, 2)
        Unit normals; the side of positive offsets.
    arc_px : float array, shape (P,)
        Length along the curve from the root.
    first : int array, shape (H + 1,)
        Where the points of each hair begin, and the number of all. A hair without a centre-line has none.
    length_px : float array, shape (H,)
        Length of each centre-line; 0 where there is none.
    """

    xy: FloatArray
    normal_xy: FloatArray
    arc_px: FloatArray
    first: IntArray
    length_px: FloatArray

    def __len__(self) -> int:
        """Count the hairs."""
        return len(self.first) - 1

    @property
    def known(self) -> IntArray:
        """Hairs that have a centre-line."""
        return np.flatnonzero(np.diff(self.first))

    @property
    def tangent_xy(self) -> FloatArray:
        """Unit vectors from root to tip, shape (P, 2)."""
        return np.column_stack([self.normal_xy[:, 1], -self.normal_xy[:, 0]])


@dataclass(frozen=True, slots=True)
class Stations:
    """The places, over all hairs of a photograph, where a profile is taken.

    Attributes
    ----------
    hair : int array, shape (N,)
        Index of the hair in the list that was given, ascending.
    xy, normal_xy : float array, shape (N, 2)
        Place on the centre-line, px, and unit normal.
    arc_px, spacing_px : float array, shape (N,)
        Length from the root, and distance to the next station of the hair.
    """

    hair: IntArray
    xy: FloatArray
    normal_xy: FloatArray
    arc_px: FloatArray
    spacing_px: FloatArray

    def __len__(self) -> int:
        """Count the stations."""
        return len(self.hair)

    def take(self, chosen: IntArray) -> Stations:
        """Stations that were chosen, in their order."""
        return Stations(
            self.hair[chosen],
            self.xy[chosen],
            self.normal_xy[chosen],
            self.arc_px[chosen],
            self.spacing_px[chosen],
        )

    def every(self, step: int) -> IntArray:
        """Rows of the first station of every hair, and of each one that many further on."""
        return np.flatnonzero((np.arange(len(self)) - np.searchsorted(self.hair, self.hair)) % step == 0)


def smooth_curves(paths_xy: Sequence[FloatArray], smooth_px: float) -> Curves:
    """Dense curves through paths, their wiggles shorter than ``smooth_px`` removed.

    Parameters
    ----------
    paths_xy : sequence of float array, shape (P, 2)
        Centre-lines root to tip, px. One that has no length or is not finite gives no curve.
    smooth_px : float
        Standard deviation of the Gaussian along the path; the ends stay in place.
    """
    finite = [path if np.isfinite(path).all() else path[:0] for path in paths_xy]
    xy, first = np.concatenate([np.zeros((0, 2)), *finite]), _firsts([len(path) for path in finite])
    arc, points = _arc_lengths(xy, first), np.diff(first)
    long = (points > 0) & (np.maximum.reduceat(np.append(arc, 0.0), first[:-1]) >= _SHORTEST_PX)
    return _smoothed(xy[np.repeat(long, points)], _firsts(points * long), np.full(len(points), smooth_px))


def shift_curves(curves: Curves, stations: Stations, offset_px: FloatArray, smooth_px: FloatArray) -> Curves:
    """Curves moved along their normals by offsets known at stations of each, shape (N,), then smoothed."""
    known, points = curves.known, np.diff(curves.first)
    begin = np.searchsorted(stations.hair, known)
    last = np.searchsorted(stations.hair, known, side="right") - 1
    # Beyond the outermost stations of a hair their offset holds.
    row = np.repeat(np.arange(len(known)), points[known])
    arc = np.clip(curves.arc_px, stations.arc_px[begin][row], stations.arc_px[last][row])
    apart = _apart(curves.length_px)
    offset = np.interp(arc + apart[known][row], stations.arc_px + apart[stations.hair], offset_px)
    return _smoothed(curves.xy + offset[:, None] * curves.normal_xy, curves.first, smooth_px)


def _smoothed(xy: FloatArray, first: IntArray, smooth_px: FloatArray) -> Curves:
    """Dense smooth curves through paths end to end, each with its own standard deviation, shape (H,)."""
    points = np.diff(first)
    known, arc = np.flatnonzero(points), _arc_lengths(xy, first)
    if not len(known):
        return _with_normals(xy, first)
    length = arc[first[known + 1] - 1]
    count = np.zeros(len(points), np.intp)
    count[known] = np.maximum(3, np.rint(length).astype(np.intp) + 1)
    row, rank = run_places(count[known])
    share, apart = rank / (count[known] - 1)[row], _apart(length)
    at, along = share * length[row] + apart[row], arc + np.repeat(apart, points[known])
    dense = np.stack([np.interp(at, along, xy[:, axis]) for axis in (0, 1)])
    first = _firsts(count)
    # A chord is subtracted so that the odd reflection keeps both ends where they are.
    start, end = dense[:, first[known]], dense[:, first[known + 1] - 1]
    smooth = start[:, row] + share * (end - start)[:, row]
    bend = dense - smooth
    sd = np.minimum(smooth_px[known] / np.maximum(length, 1e-9), 1.0 / 6.0) * (count[known] - 1)
    for hair, one_sd in zip(known, sd, strict=True):
        part, reach = bend[:, first[hair] : first[hair + 1]], int(4.0 * one_sd + 0.5)
        odd = np.concatenate([-part[:, reach:0:-1], part, -part[:, -2 : -reach - 2 : -1]], axis=1)
        smooth[:, first[hair] : first[hair + 1]] += gaussian_filter1d(odd, one_sd)[:, reach : reach + part.shape[1]]
    return _with_normals(np.ascontiguousarray(smooth.T), first)


def _with_normals(xy: FloatArray, first: IntArray) -> Curves:
    """Curves with their normals and arc lengths."""
    step = np.diff(xy, axis=0, append=xy[-1:])
    known = np.flatnonzero(np.diff(first))
    begin, last = first[known], first[known + 1] - 1
    tangent = step.copy()
    tangent[1:] += step[:-1]
    tangent[begin], tangent[last] = step[begin], step[last - 1]
    tangent = unit(tangent)
    arc, length = _arc_lengths(xy, first), np.zeros(len(first) - 1)
    length[known] = arc[last]
    return Curves(xy, np.column_stack([-tangent[:, 1], tangent[:, 0]]), arc, first, length)


def _arc_lengths(xy: FloatArray, first: IntArray) -> FloatArray:
    """How far every point of paths end to end lies along its own, shape (P,)."""
    points = np.diff(first)
    known = np.flatnonzero(points)
    step = np.zeros(len(xy))
    step[1:] = np.hypot(*np.diff(xy, axis=0).T)
    step[first[known]] = 0.0
    arc = np.cumsum(step)
    return np.asarray(arc - np.repeat(arc[first[known]], points[known]))


def _firsts(points: Sequence[int] | IntArray) -> IntArray:
    """Where each of several runs begins that stand end to end, and where the last one ends."""
    return np.concatenate([np.zeros(1, np.intp), np.cumsum(points, dtype=np.intp)])


def run_places(count: IntArray) -> tuple[IntArray, IntArray]:
    """Run and place in its run of every element of runs end to end."""
    row = np.repeat(np.arange(len(count)), count)
    return row, np.arange(len(row)) - (np.cumsum(count) - count)[row]


def _apart(length_px: FloatArray) -> FloatArray:
    """What to add to the arc lengths of each curve so that one search finds places on all of them."""
    return np.asarray(np.cumsum(length_px + 1.0) - length_px)


def place_stations(curves: Curves, start_px: FloatArray, end_px: FloatArray, most: int, closest_px: float) -> Stations:
    """Stations evenly along each curve between two arc lengths.

    Parameters
    ----------
    curves : Curves
    start_px, end_px : float array, shape (H,)
        Arc lengths between which the stations of each hair lie.
    most : int
        Largest number of stations of a hair.
    closest_px : float
        Smallest distance between two stations.
    """
    hairs, first = curves.known, curves.first
    span = (end_px - start_px)[hairs]
    count = np.clip(span / closest_px + 1.0, 1, most).astype(np.intp)
    gap = span / count
    row, rank = run_places(count)
    arc = start_px[hairs][row] + gap[row] * (rank + 0.5)
    apart = _apart(curves.length_px[hairs])
    at = np.searchsorted(curves.arc_px + np.repeat(apart, np.diff(first)[hairs]), arc + apart[row])
    at = np.clip(at, (first[hairs] + 1)[row], (first[hairs + 1] - 1)[row])
    before = curves.arc_px[at - 1]
    share = ((arc - before) / np.maximum(curves.arc_px[at] - before, 1e-9))[:, None]
    xy = curves.xy[at - 1] * (1 - share) + curves.xy[at] * share
    return Stations(hairs[row], xy, curves.normal_xy[at], arc, gap[row])
