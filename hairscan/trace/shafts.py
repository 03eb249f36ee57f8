"""Chains become shafts: gaps bridged, merging shafts followed to their root, ends set by the root and tip maps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import map_coordinates, maximum_filter

from hairscan.types import FloatArray, HairMaps, MapArray

BRIDGE_CELLS = 7.0
"""Longest gap that is bridged: 80 um, one crossing shaft."""
PEAK_REACH_CELLS = 4.5
PEAK_HEIGHT = 0.2
MAX_BEND = np.cos(np.deg2rad(25.0))
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
    """

    path: FloatArray
    forward: float
    strength: FloatArray
    root_seen: bool = False
    tip_seen: bool = False

    def reversed(self) -> Shaft:
        """The same shaft, other end first."""
        return replace(self, path=self.path[::-1], strength=self.strength[::-1], forward=-self.forward)


def bridge_gaps(shafts: list[Shaft], maps: HairMaps) -> list[Shaft]:
    """Shafts with collinear neighbours joined, nearest first; an end that is a root or a tip is left alone."""
    shafts = list(shafts)
    while (pair := _best_bridge(shafts, maps)) is not None:
        first, second = pair
        a, b = shafts[first[0]], shafts[second[0]]
        a = a if first[1] else a.reversed()
        b = b.reversed() if second[1] else b
        joined = Shaft(
            np.concatenate([a.path, b.path]), a.forward + b.forward, np.concatenate([a.strength, b.strength])
        )
        shafts = [shaft for index, shaft in enumerate(shafts) if index not in (first[0], second[0])]
        shafts.append(joined if joined.forward >= 0 else joined.reversed())
    return shafts


def _best_bridge(shafts: list[Shaft], maps: HairMaps) -> tuple[tuple[int, bool], tuple[int, bool]] | None:
    """The two ends with the shortest admissible gap, each as (shaft, is it the tip side)."""
    ends = [(index, tip_side) for index in range(len(shafts)) for tip_side in (False, True)]
    if not ends:
        return None
    outward = np.array([_outward(shafts[index], tip_side) for index, tip_side in ends])
    places = np.array([shafts[index].path[-1 if tip_side else 0] for index, tip_side in ends])
    owner = np.array([index for index, _ in ends])
    open_end = _value(np.maximum(maps.root, maps.tip), places) < 0.3
    gap = places[None] - places[:, None]
    length = np.hypot(gap[..., 0], gap[..., 1])
    unit = gap / np.maximum(length, 1e-9)[..., None]
    leaves = (unit * outward[:, None]).sum(axis=2)
    meets = -(outward[:, None] * outward[None]).sum(axis=2)
    close = length < 1.5
    fits = (owner[:, None] != owner[None]) & (length < BRIDGE_CELLS) & (meets > MAX_BEND)
    fits &= ((leaves > MAX_BEND) & (leaves.T > MAX_BEND)) | close
    fits &= open_end[:, None] & open_end[None]
    if not fits.any():
        return None
    a, b = np.unravel_index(int(np.argmin(np.where(fits, length, np.inf))), fits.shape)
    return ends[int(a)], ends[int(b)]


def _outward(shaft: Shaft, tip_side: bool) -> FloatArray:
    """Unit vector that leaves the shaft at one end."""
    path = shaft.path if tip_side else shaft.path[::-1]
    step: FloatArray = path[-1] - path[max(-6, -len(path))]
    return step / max(float(np.hypot(*step)), 1e-9)


def follow_merges(shafts: list[Shaft], maps: HairMaps) -> list[Shaft]:
    """Shafts whose root side runs into another shaft, continued along it to the shared root."""
    return [_followed(index, shaft, shafts, maps) for index, shaft in enumerate(shafts)]


def _followed(index: int, shaft: Shaft, shafts: list[Shaft], maps: HairMaps) -> Shaft:
    start = shaft.path[0]
    outward = _outward(shaft, tip_side=False)
    if _highest_near(maps.root, start) >= PEAK_HEIGHT:
        return shaft
    best: tuple[float, FloatArray] | None = None
    for other in shafts[:index] + shafts[index + 1 :]:
        offsets = other.path - start
        distance = np.hypot(offsets[:, 0], offsets[:, 1])
        nearest = int(np.argmin(distance))
        if not 2 <= nearest < len(other.path) - 1 or distance[nearest] > 3.5:
            continue
        towards_root = other.path[max(nearest - 4, 0)] - other.path[nearest]
        towards_root = towards_root / max(float(np.hypot(*towards_root)), 1e-9)
        if float(towards_root @ outward) > MAX_BEND and (best is None or distance[nearest] < best[0]):
            best = float(distance[nearest]), other.path[:nearest]
    if best is None:
        return shaft
    path = np.concatenate([best[1], shaft.path])
    added = np.full(len(best[1]), float(shaft.strength.mean()))
    return replace(shaft, path=path, strength=np.concatenate([added, shaft.strength]))


def _highest_near(layer: MapArray, place: FloatArray) -> float:
    """Largest value of a map around a place."""
    x, y = np.round(place).astype(int)
    reach = int(PEAK_REACH_CELLS)
    patch = layer[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
    return float(patch.max()) if patch.size else 0.0


def set_ends(shaft: Shaft, roots: FloatArray, tips: FloatArray) -> Shaft:
    """The shaft cut or lengthened to the root and tip peaks near its ends."""
    shaft, root_seen = _set_end(shaft, roots)
    shaft, tip_seen = _set_end(shaft.reversed(), tips)
    return replace(shaft.reversed(), root_seen=root_seen, tip_seen=tip_seen)


def _set_end(shaft: Shaft, peaks: FloatArray) -> tuple[Shaft, bool]:
    """The shaft with its first end at the nearest peak, and whether there was one; else less the map's slack."""
    path = shaft.path
    outward = _outward(shaft, tip_side=False)
    offsets = peaks - path[0]
    along, across = offsets @ outward, np.abs(offsets @ (outward[::-1] * (-1.0, 1.0)))
    near = (np.abs(along) < PEAK_REACH_CELLS) & (across < 2.5)
    if near.any():
        cost = np.where(near, np.abs(along) + 2.0 * across, np.inf)
        distance = float(along[int(np.argmin(cost))])
    else:
        distance = -SLACK_CELLS
    return _moved(shaft, outward, distance), bool(near.any())


def _moved(shaft: Shaft, outward: FloatArray, distance: float) -> Shaft:
    """The shaft with its first end moved outward (inward where negative)."""
    path, strength = shaft.path, shaft.strength
    if distance >= 0:
        end = path[0] + distance * outward
        return replace(shaft, path=np.concatenate([end[None], path]), strength=np.concatenate([strength[:1], strength]))
    inside = (path - path[0]) @ outward < distance
    if inside.sum() < 2:
        return shaft
    first = int(np.argmax(inside))
    return replace(shaft, path=path[first:], strength=strength[first:])


def find_peaks(layer: MapArray) -> FloatArray:
    """Places of the local maxima above `PEAK_HEIGHT`, map cells, shape (N, 2)."""
    top = (layer >= maximum_filter(layer, size=5)) & (layer > PEAK_HEIGHT)
    ys, xs = np.nonzero(top)
    return np.stack([xs, ys], axis=1).astype(np.float64)


def _value(layer: MapArray, xy: FloatArray) -> FloatArray:
    """Bilinear values of a map at points; the border's value outside."""
    return np.asarray(map_coordinates(layer, [xy[:, 1], xy[:, 0]], order=1, mode="nearest"), np.float64)
