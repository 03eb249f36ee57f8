"""Hair maps become hairs: sub-pixel centre-lines, root first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from hairscan.lines import arc_lengths, points_at
from hairscan.trace.chains import Chain, link_chains
from hairscan.trace.confidence import END_REACH_CELLS, READINGS, confidence_of, read_shafts
from hairscan.trace.joins import join_pieces
from hairscan.trace.ridges import RidgePoints, find_ridge_points, pair_layers
from hairscan.trace.rings import open_rings
from hairscan.trace.shafts import Shaft, doubled_share, find_peaks, follow_merges, highest_near, places_of, set_ends
from hairscan.trace.splits import CLEAR_TIP, split_at_ends
from hairscan.trace.stubs import find_stubs
from hairscan.types import FloatArray, Hair, HairMaps, Photo

POINT_THRESHOLD = 0.2
"""Least evidence of a point of a centre-line; weaker parts of a hair are bridged."""
MIN_LENGTH_UM = 5.0
MAX_DOUBLED = 0.9
"""A shaft that runs for longer than this share on a stronger one is that one again, or the middle of a crossing."""
END_WEIGHT = 8.0
"""How many cells of directed centre-line a root or tip peak outweighs."""

SURE_DIRECTION = 0.4
"""Share of a hair's evidence by which root to tip must outweigh tip to root: 0 is a toss-up, 1 is certain."""


def trace_hairs(maps: HairMaps, photo: Photo) -> list[Hair]:
    """Hairs of a photograph, top to bottom by root.

    Returns
    -------
    list of Hair
        Without widths and units. Flags: `cut-by-border` where an end lies at the border of the picture,
        `direction-unsure` where root and tip might be swapped.
    """
    shafts, readings = trace_shafts(maps)
    confidences = confidence_of(readings, maps.confidence_weights)
    hairs = [
        _hair_of(shaft, maps, photo, float(confidence))
        for shaft, confidence in zip(shafts, confidences, strict=True)
        if confidence >= maps.hair_threshold
    ]
    hairs.sort(key=lambda hair: (hair.path_xy[0, 1], hair.path_xy[0, 0]))
    return [replace(hair, hair_id=index) for index, hair in enumerate(hairs)]


def trace_shafts(maps: HairMaps) -> tuple[list[Shaft], FloatArray]:
    """Everything that might be a hair, and its readings in the order of `confidence.READINGS`."""
    pairs = pair_layers(maps.centreline)
    ridge = find_ridge_points(maps.centreline, pairs, threshold=POINT_THRESHOLD)
    shafts = [_shaft_of(ridge, chain) for chain in link_chains(ridge, min_points=3)]
    shafts = join_pieces(shafts, pairs, np.maximum(maps.root, maps.tip))
    (roots, _), (tips, heights) = find_peaks(maps.root), find_peaks(maps.tip)
    shafts = open_rings(shafts, roots, tips)
    doubled = doubled_share(shafts)
    single = doubled < MAX_DOUBLED
    shafts = _turned([shaft for shaft, keep in zip(shafts, single, strict=True) if keep], maps)
    shafts, kept = follow_merges(shafts, roots, tips)
    shafts, source = split_at_ends(set_ends(shafts, roots, tips), roots, tips, tips[heights > CLEAR_TIP])
    doubled = doubled[single][kept][source]
    stubs = find_stubs(shafts, roots, tips, maps.centreline)
    shafts, doubled = shafts + stubs, np.concatenate([doubled, np.zeros(len(stubs))])
    readings = read_shafts(shafts, doubled, maps)
    long_enough = readings[:, READINGS.index("log_length")] >= np.log(MIN_LENGTH_UM)
    return [shaft for shaft, keep in zip(shafts, long_enough, strict=True) if keep], readings[long_enough]


def _shaft_of(ridge: RidgePoints, chain: Chain) -> Shaft:
    return Shaft(
        ridge.xy[chain.points], chain.direction * len(chain.points), ridge.strength[chain.points].clip(0.0, 1.0)
    )


def _turned(shafts: list[Shaft], maps: HairMaps) -> list[Shaft]:
    """The shafts, those turned round of which direction and ends together say so."""
    root_side, tip_side = (
        highest_near(maps.root, places, END_REACH_CELLS) - highest_near(maps.tip, places, END_REACH_CELLS)
        for places in (places_of(shafts, side) for side in (0, -1))
    )
    forward = [shaft.forward for shaft in shafts] + END_WEIGHT * (root_side - tip_side)
    turned = [replace(shaft, forward=float(one)) for shaft, one in zip(shafts, forward, strict=True)]
    return [shaft if shaft.forward >= 0 else shaft.reversed() for shaft in turned]


def _hair_of(shaft: Shaft, maps: HairMaps, photo: Photo, confidence: float) -> Hair:
    """The hair in the photograph's pixels, smoothed over the map's cells."""
    path = _smoothed(shaft.course)
    path_xy = (path + 0.5) * maps.px_per_cell - 0.5
    height, width = photo.rgb.shape[:2]
    path_xy = np.clip(path_xy, 0.0, (width - 1.0, height - 1.0))
    margin = 3.0 * maps.px_per_cell
    at_border = [
        bool((end < margin).any() or end[0] > width - 1 - margin or end[1] > height - 1 - margin)
        for end in (path_xy[0], path_xy[-1])
    ]
    flags = []
    if any(at_border):
        flags.append("cut-by-border")
    if shaft.forward < SURE_DIRECTION * float(shaft.strength.sum()):
        flags.append("direction-unsure")
    return Hair(-1, path_xy, shaft.root_seen, shaft.tip_seen, confidence, flags=tuple(flags))


def _smoothed(path: FloatArray) -> FloatArray:
    """The path at about one point per cell, its wiggles below 3 cells removed, its ends kept."""
    at = arc_lengths(path)
    keep = np.concatenate([[True], np.diff(at) > 1e-6])
    at, path = at[keep], path[keep]
    if len(at) < 2:
        return path
    even = np.linspace(0.0, at[-1], max(int(np.ceil(at[-1])) + 1, 2))
    out = points_at(path, at, even)
    smooth = np.asarray(gaussian_filter1d(out, 2.0, axis=0, mode="nearest"), np.float64)
    smooth[0], smooth[-1] = out[0], out[-1]
    return smooth
