"""Shafts: merging ones followed to their root or tip, ends set by the root and tip maps."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hairscan.lines import length, unit
from hairscan.trace.ridges import vertex
from hairscan.types import FloatArray, MapArray

DOUBLE_CELLS = 2.0
"""Centre-lines nearer than this, 18 um at 4.45 um/px, may be one shaft seen twice."""
DOUBLE_TURN_COS = np.cos(np.deg2rad(20.0))
MERGE_CELLS = 7.0
TIP_SHARE = 0.5
"""A tip that is lost beside another shaft lies anywhere along it: half way is never far from where it is."""
WHOLE_CELLS, BESIDE_CELLS, MOST_BESIDE = 15.0, 5.0, 0.5
"""A shaft of this length of which less than this share has another so near is a hair, though both its ends are lost."""
PEAK_REACH_CELLS, PEAK_ASIDE_CELLS = 4.5, 2.5
"""A root or tip peak belongs to an end of a shaft that lies less far from it along the shaft and across."""
PEAK_HEIGHT = 0.15
_AROUND = np.ones((5, 5), np.uint8)
MAX_BEND_COS = np.cos(np.deg2rad(40.0))
SLACK_CELLS = 1.2
"""A ridge of the map runs this far beyond the end of its shaft."""


@dataclass(frozen=True, slots=True)
class Shaft:
    """A path on the map with its evidence.

    Attributes
    ----------
    path : float array, shape (P, 2)
        Map cells, root side first.
    forward : float
        Summed evidence that the path runs root to tip.
    strength : float array, shape (P,)
        Evidence of a centre-line along the path.
    shared : float
        Share of the path that was taken from the shaft that this one runs into.
    aside : float array, shape (P, 2), or None
        How far the hair itself lies from the path, where that was taken from another shaft.
    """

    path: FloatArray
    forward: float
    strength: FloatArray
    root_seen: bool = False
    tip_seen: bool = False
    shared: float = 0.0
    aside: FloatArray | None = None

    @property
    def length_cells(self) -> float:
        """Length along the path, cells."""
        return length(self.path)

    @property
    def course(self) -> FloatArray:
        """Where the hair itself lies, shape (P, 2)."""
        return self.path if self.aside is None else self.path + self.aside

    def part(self, places: slice) -> Shaft:
        """The same shaft, these points of it."""
        aside = None if self.aside is None else self.aside[places]
        return replace(self, path=self.path[places], strength=self.strength[places], aside=aside)

    def reversed(self) -> Shaft:
        """The same shaft, other end first."""
        aside = None if self.aside is None else self.aside[::-1]
        return replace(self, path=self.path[::-1], forward=-self.forward, strength=self.strength[::-1], aside=aside)


def concatenated(run: list[Shaft]) -> Shaft:
    """One shaft of several in a row, their gaps filled, turned root to tip."""
    paths, strengths = [run[0].path], [run[0].strength]
    for before, after in itertools.pairwise(run):
        steps = int(np.hypot(*(after.path[0] - before.path[-1])))
        share = np.linspace(0.0, 1.0, steps + 2)[1:-1]
        paths += [before.path[-1] + share[:, None] * (after.path[0] - before.path[-1]), after.path]
        strengths += [before.strength[-1] + share * (after.strength[0] - before.strength[-1]), after.strength]
    whole = Shaft(np.concatenate(paths), sum(shaft.forward for shaft in run), np.concatenate(strengths))
    return whole if whole.forward >= 0 else whole.reversed()


def places_of(shafts: Sequence[Shaft], point: int) -> FloatArray:
    """The first point of every shaft, or another one, shape (N, 2)."""
    return np.array([shaft.path[point] for shaft in shafts]).reshape(-1, 2)


def outward(shafts: Sequence[Shaft], *, tip_side: bool) -> FloatArray:
    """Unit vectors that leave shafts at one end, shape (N, 2)."""
    paths = [shaft.path if tip_side else shaft.path[::-1] for shaft in shafts]
    steps = np.array([path[-1] - path[max(-6, -len(path))] for path in paths])
    return unit(steps.reshape(-1, 2))


def doubled_share(shafts: list[Shaft], reach_cells: float = DOUBLE_CELLS) -> FloatArray:
    """Share of each shaft that runs within reach of one with more evidence in all; shape (N,)."""
    if not shafts:
        return np.zeros(0)
    evidence = np.array([float(shaft.strength.sum()) for shaft in shafts])
    owner = np.repeat(np.arange(len(shafts)), [len(shaft.path) for shaft in shafts])
    points = np.concatenate([shaft.path for shaft in shafts])
    tangents = np.concatenate([_tangents(shaft.path) for shaft in shafts])
    first, second = cKDTree(points).query_pairs(reach_cells, output_type="ndarray").T
    first, second = np.concatenate([first, second]), np.concatenate([second, first])
    parallel = np.abs((tangents[first] * tangents[second]).sum(axis=1)) > DOUBLE_TURN_COS
    doubled = np.zeros(len(points), bool)
    doubled[first[parallel & (evidence[owner[second]] > evidence[owner[first]])]] = True
    return np.asarray(np.bincount(owner, doubled) / np.bincount(owner))


def _tangents(path: FloatArray) -> FloatArray:
    """Unit tangents along a path."""
    if len(path) < 2:
        return np.zeros_like(path)
    return unit(np.gradient(path, axis=0))


def follow_merges(shafts: list[Shaft], roots: FloatArray, tips: FloatArray) -> tuple[list[Shaft], NDArray[np.bool_]]:
    """Shafts that run into another shaft where they show no end, continued along it to its root or tip.

    Returns
    -------
    followed : list of Shaft
    kept : bool array, shape (N,)
        Which of the shafts given those are. One that runs into others at both ends has no end of its own: it is a rough
        edge of the shaft beside it, or the middle of a crossing, and no hair; unless it is long and stands alone.
    """
    if not shafts:
        return [], np.zeros(0, bool)
    forward = _followed(shafts, roots)
    backward = _followed([shaft.reversed() for shaft in shafts], tips)
    endless = np.array([one is not None and two is not None for one, two in zip(forward, backward, strict=True)])
    whole = endless & (np.array([shaft.length_cells for shaft in shafts]) >= WHOLE_CELLS)
    # Few photographs hold any; what lies beside them takes time to find.
    if whole.any():
        whole &= doubled_share(shafts, BESIDE_CELLS) < MOST_BESIDE
    kept = ~endless | whole
    followed = []
    for index in np.flatnonzero(kept):
        stem, beyond = (None, None) if endless[index] else (forward[index], backward[index])
        after = None if beyond is None else beyond[::-1][: int(len(beyond) * TIP_SHARE)]
        followed.append(_continued(shafts[index], stem, after))
    return followed, kept


def _followed(shafts: list[Shaft], peaks: FloatArray) -> list[FloatArray | None]:
    """Of every shaft, what lies before its first point on another shaft; None where it has an end of its own."""
    lengths = [len(shaft.path) for shaft in shafts]
    owner = np.repeat(np.arange(len(shafts)), lengths)
    place = np.concatenate([np.arange(length) for length in lengths])
    tree = cKDTree(np.concatenate([shaft.path for shaft in shafts]))
    starts, away = places_of(shafts, 0), outward(shafts, tip_side=False)
    stems: list[FloatArray | None] = [None] * len(shafts)
    for index in np.flatnonzero(np.isnan(_peaks_ahead(starts, away, peaks))):
        near = np.array(tree.query_ball_point(starts[index], MERGE_CELLS), np.intp)
        near = near[owner[near] != index]
        others = [(shafts[owner[point]], int(place[point])) for point in near]
        stems[index] = _stem(starts[index], away[index], others)
    return stems


def _stem(start: FloatArray, away: FloatArray, near: list[tuple[Shaft, int]]) -> FloatArray | None:
    """First part of the nearest shaft that another one runs into; None where there is none.

    Parameters
    ----------
    start, away : float arrays, shape (2,)
        First point of the other one, and the direction in which it would go on there.
    near : list of (Shaft, int)
        Points of shafts around it.
    """
    best: tuple[float, FloatArray] | None = None
    for other, point in near:
        if not 2 <= point < len(other.path) - 1:
            continue
        distance = float(np.hypot(*(other.path[point] - start)))
        onward = unit(other.path[max(point - 4, 0)] - other.path[point])
        if float(onward @ away) > MAX_BEND_COS and (best is None or distance < best[0]):
            best = distance, other.path[:point]
    return None if best is None else best[1]


def _continued(shaft: Shaft, stem: FloatArray | None, beyond: FloatArray | None) -> Shaft:
    """The shaft with a stem before it and a stretch beyond its tip; the hair keeps its own line to either end."""
    if stem is None and beyond is None:
        return shaft
    before, after = (np.zeros((0, 2)) if part is None else part for part in (stem, beyond))
    path = np.concatenate([before, shaft.path, after])
    level = float(shaft.strength.mean())
    strength = np.concatenate([np.full(len(before), level), shaft.strength, np.full(len(after), level)])
    beside = _led_to(shaft.path[0], before), np.zeros_like(shaft.path), _led_to(shaft.path[-1], after[::-1])[::-1]
    shared = (len(before) + len(after)) / len(path)
    return replace(shaft, path=path, strength=strength, shared=shared, aside=np.concatenate(beside))


def _led_to(place: FloatArray, path: FloatArray) -> FloatArray:
    """How far to leave a path, little by little from its first point on, to reach a place beside its last one."""
    return np.linspace(0.0, 1.0, len(path), endpoint=False)[:, None] * (place - path[-1:])


def highest_near(layer: MapArray, places: FloatArray, reach: int) -> FloatArray:
    """Largest value of a map within `reach` cells of places (N, 2), each way, shape (N,); 0 outside."""
    columns, rows = np.round(places.T).astype(np.intp)[..., None] + np.arange(-reach, reach + 1)
    height, width = layer.shape
    columns, rows = columns[:, None], rows[:, :, None]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    values = np.where(inside, layer[rows.clip(0, height - 1), columns.clip(0, width - 1)], 0.0)
    return np.asarray(values.max(axis=(1, 2)), np.float64)


def set_ends(shafts: Sequence[Shaft], roots: FloatArray, tips: FloatArray) -> list[Shaft]:
    """The shafts cut or lengthened to the root and tip peaks near their ends."""
    shafts, root_seen = _set_firsts(shafts, roots)
    shafts, tip_seen = _set_firsts([shaft.reversed() for shaft in shafts], tips)
    return [
        replace(shaft.reversed(), root_seen=root, tip_seen=tip)
        for shaft, root, tip in zip(shafts, root_seen, tip_seen, strict=True)
    ]


def _set_firsts(shafts: Sequence[Shaft], peaks: FloatArray) -> tuple[list[Shaft], list[bool]]:
    """The shafts with their first ends at the nearest peaks, and whether there were any; else less the map's slack."""
    away = outward(shafts, tip_side=False)
    ahead = _peaks_ahead(places_of(shafts, 0), away, peaks)
    seen = np.isfinite(ahead)
    distance = np.where(seen, ahead, -SLACK_CELLS)
    return [_moved(*one) for one in zip(shafts, away, distance.tolist(), strict=True)], seen.tolist()


def _peaks_ahead(starts: FloatArray, away: FloatArray, peaks: FloatArray) -> FloatArray:
    """How far the peak that belongs to each first end lies ahead of it, cells, shape (N,); NaN where there is none."""
    ahead = np.full(len(starts), np.nan)
    if not len(starts) or not len(peaks):
        return ahead
    reach = float(np.hypot(PEAK_REACH_CELLS, PEAK_ASIDE_CELLS))
    around = cKDTree(starts).query_ball_tree(cKDTree(peaks), reach)
    end = np.repeat(np.arange(len(starts)), [len(near) for near in around])
    x, y = (peaks[np.concatenate(around).astype(np.intp)] - starts[end]).T
    along = x * away[end, 0] + y * away[end, 1]
    across = np.abs(y * away[end, 0] - x * away[end, 1])
    near = np.flatnonzero((np.abs(along) < PEAK_REACH_CELLS) & (across < PEAK_ASIDE_CELLS))
    # The nearest peak of an end is written last.
    near = near[np.argsort(-(np.abs(along) + 2.0 * across)[near], kind="stable")]
    ahead[end[near]] = along[near]
    return ahead


def _moved(shaft: Shaft, outward: FloatArray, distance: float) -> Shaft:
    """The shaft with its first end moved outward (inward where negative)."""
    if distance >= 0:
        end = shaft.path[0] + distance * outward
        aside = None if shaft.aside is None else np.concatenate([shaft.aside[:1], shaft.aside])
        strength = np.concatenate([shaft.strength[:1], shaft.strength])
        return replace(shaft, path=np.concatenate([end[None], shaft.path]), strength=strength, aside=aside)
    inside = (shaft.path - shaft.path[0]) @ outward < distance
    if inside.sum() < 2:
        return shaft
    return shaft.part(slice(int(np.argmax(inside)), None))


def find_peaks(layer: MapArray) -> tuple[FloatArray, MapArray]:
    """Places of the local maxima above `PEAK_HEIGHT`, map cells, shape (N, 2), and their heights, shape (N,)."""
    top = (layer >= cv2.dilate(layer, _AROUND)) & (layer > PEAK_HEIGHT)
    ys, xs = np.nonzero(top)
    around = cv2.copyMakeBorder(layer, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    shifts = [
        vertex(*(around[ys + 1 + k * dy, xs + 1 + k * dx].astype(np.float64) for k in (-1, 0, 1)), most=0.5)
        for dx, dy in ((1, 0), (0, 1))
    ]
    return np.asarray(np.stack([xs, ys], axis=1) + np.stack(shifts, axis=1), np.float64), layer[ys, xs]
