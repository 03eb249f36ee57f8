"""Centre-lines as dense smooth curves, and the stations along them where the width is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from hairscan.types import FloatArray

IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Curve:
    """One centre-line, root first, sampled about every pixel.

    Attributes
    ----------
    xy : float array, shape (P, 2)
        Points, px.
    normal_xy : float array, shape (P, 2)
        Unit normals; the side of positive offsets.
    arc_px : float array, shape (P,)
        Length along the curve from the root.
    """

    xy: FloatArray
    normal_xy: FloatArray
    arc_px: FloatArray

    @property
    def length_px(self) -> float:
        """Length of the curve, px."""
        return float(self.arc_px[-1])


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

    def take(self, chosen: NDArray[np.bool_] | IntArray) -> Stations:
        """Stations that were chosen, in their order."""
        return Stations(
            self.hair[chosen],
            self.xy[chosen],
            self.normal_xy[chosen],
            self.arc_px[chosen],
            self.spacing_px[chosen],
        )


def arc_lengths(path: FloatArray) -> FloatArray:
    """How far every point of a path, shape (P, 2), lies along it, in the unit of its points, shape (P,)."""
    return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])


def smooth_curve(path_xy: FloatArray, smooth_px: float) -> Curve | None:
    """Dense curve through a path, its wiggles shorter than ``smooth_px`` removed.

    Parameters
    ----------
    path_xy : float array, shape (P, 2)
        Centre-line root to tip, px.
    smooth_px : float
        Standard deviation of the Gaussian along the path; the ends stay in place.

    Returns
    -------
    Curve or None
        None where the path has no length or is not finite.
    """
    if len(path_xy) < 2 or not np.isfinite(path_xy).all():
        return None
    arc = arc_lengths(path_xy)
    if arc[-1] < 1.0:
        return None
    count = max(3, round(float(arc[-1])) + 1)
    share = np.arange(count) / (count - 1)
    dense = np.stack([np.interp(share * arc[-1], arc, path_xy[:, axis]) for axis in (0, 1)])
    # A chord is subtracted so that the odd reflection keeps both ends where they are.
    chord = dense[:, :1] + share * (dense[:, -1:] - dense[:, :1])
    bend = dense - chord
    sd = min(smooth_px / float(arc[-1]), 1.0 / 6.0) * (count - 1)
    reach = int(4.0 * sd + 0.5)
    odd = np.concatenate([-bend[:, reach:0:-1], bend, -bend[:, -2 : -reach - 2 : -1]], axis=1)
    return _with_normals((chord + gaussian_filter1d(odd, sd)[:, reach : reach + count]).T)


def _with_normals(xy: FloatArray) -> Curve:
    """Curve with its normals and arc lengths."""
    step = np.diff(xy, axis=0)
    tangent = np.concatenate([step[:1], step[1:] + step[:-1], step[-1:]])
    tangent /= np.maximum(np.hypot(*tangent.T), 1e-9)[:, None]
    arc = np.concatenate([[0.0], np.cumsum(np.hypot(*step.T))])
    return Curve(xy, np.column_stack([-tangent[:, 1], tangent[:, 0]]), arc)


def shift_curve(curve: Curve, arc_px: FloatArray, offset_px: FloatArray, smooth_px: float) -> Curve:
    """Curve moved along its normals by offsets known at some arc lengths, then smoothed."""
    offsets = np.interp(curve.arc_px, arc_px, offset_px)
    moved = smooth_curve(curve.xy + offsets[:, None] * curve.normal_xy, smooth_px)
    return curve if moved is None else moved


def place_stations(
    curves: Sequence[Curve | None], start_px: FloatArray, end_px: FloatArray, most: int, closest_px: float
) -> Stations:
    """Stations evenly along each curve between two arc lengths.

    Parameters
    ----------
    curves : sequence of Curve or None
        A curve that is None gets no station.
    start_px, end_px : float array, shape (H,)
        Arc lengths between which the stations of each hair lie.
    most : int
        Largest number of stations of a hair.
    closest_px : float
        Smallest distance between two stations.
    """
    hairs = np.array([index for index, curve in enumerate(curves) if curve is not None], np.intp)
    known = [curve for curve in curves if curve is not None]
    if not known:
        empty = np.zeros(0)
        return Stations(np.zeros(0, dtype=np.intp), np.zeros((0, 2)), np.zeros((0, 2)), empty, empty)
    span = (end_px - start_px)[hairs]
    count = np.clip(span / closest_px + 1.0, 1, most).astype(np.intp)
    gap = span / count
    row = np.repeat(np.arange(len(known)), count)
    rank = np.arange(len(row)) - (np.cumsum(count) - count)[row]
    arc = start_px[hairs][row] + gap[row] * (rank + 0.5)
    # All curves end to end, well apart: one search finds every station.
    points = np.array([len(curve.arc_px) for curve in known])
    last = np.cumsum(points) - 1
    along, xy, normal = (
        np.concatenate([getattr(curve, name) for curve in known]) for name in ("arc_px", "xy", "normal_xy")
    )
    shift = np.cumsum(along[last] + 1.0) - along[last]
    at = np.searchsorted(along + np.repeat(shift, points), arc + shift[row])
    at = np.clip(at, (last - points + 2)[row], last[row])
    share = ((arc - along[at - 1]) / np.maximum(along[at] - along[at - 1], 1e-9))[:, None]
    return Stations(hairs[row], xy[at - 1] * (1 - share) + xy[at] * share, normal[at], arc, gap[row])
