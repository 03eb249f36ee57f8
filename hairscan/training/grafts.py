"""Hairs of photographs set beside other hairs: units of several hairs whose every centre-line is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from hairscan.lines import rotation
from hairscan.training.example import Example
from hairscan.training.extraction import hair_mask, paint_out
from hairscan.training.weak_labels import BACKGROUND, SHAFT, UNJUDGED, UNSURE_SHAFT
from hairscan.types import FloatArray, MapArray, RgbImage
from hairscan.visits.plane import transform

PER_PHOTO = 2
"""Hairs taken from one photograph at most."""
LENGTH_RANGE, WIDTH_RANGE = (0.6, 1.15), (0.3, 1.1)
"""A hair is stretched by so much along and across: thin hairs are what photographs show least of."""
DEPTH_RANGE = (0.35, 1.1)
"""Exponent of the transmission: below 1 the hair gets paler."""
ASIDE_UM = 90.0
"""Roots of one unit lie about this far apart at most."""
ANGLE_SD_DEG = 14.0
ALONE_SHARE = 0.25
"""Share of the hairs that are set on any place instead of beside another."""
MOST_COVERED = 0.6
"""A hair of which other hairs cover more cannot be asked for."""
_MIN_PATH_PX = 12.0
_DARKEST_SKIN = 0.75
"""Share of the usual level below which a pixel is not skin."""


@dataclass(frozen=True, slots=True)
class Graft:
    """One hair of a photograph, cut out.

    Attributes
    ----------
    transmission : float32 array, shape (H, W, 3)
        The photograph over the bare skin beneath the hair: 1 where there is none of it.
    shaft : float32 array, shape (H, W)
        1 on the shaft.
    path_px : float array, shape (P, 2)
        Centre-line, root first, px of the patch.
    """

    transmission: MapArray
    shaft: MapArray
    path_px: FloatArray


def cut_grafts(examples: Iterable[Example], *, um_per_px: float) -> list[Graft]:
    """Hairs that stand alone in the photographs, a few of each."""
    return [graft for example in examples for graft in _grafts_of(example, um_per_px)]


def _grafts_of(example: Example, um_per_px: float) -> list[Graft]:
    """The first hairs of one photograph that can be cut out."""
    grafts: list[Graft] = []
    for path in example.paths_px:
        if len(grafts) == PER_PHOTO:
            break
        mask = hair_mask(example.rgb, path[[0, -1]], um_per_px)
        skin = None if mask is None else paint_out(example.rgb, mask, um_per_px)
        if mask is None or skin is None:
            continue
        x, y, width, height = cv2.boundingRect(mask)
        box = np.s_[y : y + height, x : x + width]
        transmission = (example.rgb[box] + np.float32(1.0)) / (skin[box] + np.float32(1.0))
        shaft = ((example.labels[box] == SHAFT) & (mask[box] > 0)).astype(np.float32)
        grafts.append(Graft(transmission.clip(0.0, 1.1).astype(np.float32), shaft, path - (x, y)))
    return grafts


def graft_hairs(
    example: Example, grafts: list[Graft], count: int, rng: np.random.Generator, *, um_per_px: float
) -> Example:
    """The example with up to `count` more hairs, most of them beside hairs that it has."""
    for _ in range(count if grafts else 0):
        example = _with_hair(example, grafts[int(rng.integers(len(grafts)))], rng, um_per_px)
    return example


def _with_hair(example: Example, graft: Graft, rng: np.random.Generator, um_per_px: float) -> Example:
    """The example with one more hair; the same where it would lie beyond the judged field or below others."""
    height, width = example.labels.shape
    move = _placement(example, graft, rng, um_per_px)
    path = transform(move, graft.path_px)
    if (path < 0).any() or (path > (width - 1, height - 1)).any() or np.hypot(*(path[-1] - path[0])) < _MIN_PATH_PX:
        return example
    rows, columns = graft.shaft.shape
    corners = transform(move, np.array([[0, 0], [columns, 0], [0, rows], [columns, rows]], np.float64))
    x0, y0 = np.floor(corners.min(axis=0)).astype(int).clip(0)
    x1, y1 = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, (width, height))
    window, size = np.s_[y0:y1, x0:x1], (int(x1 - x0), int(y1 - y0))
    inside = move[:2] - np.array([[0.0, 0.0, x0], [0.0, 0.0, y0]])
    shaft = cv2.warpAffine(graft.shaft, inside, size)
    solid = shaft > 0.5
    beneath = example.labels[window][solid]
    if not beneath.size or (beneath == UNJUDGED).any() or (beneath == SHAFT).mean() > MOST_COVERED:
        return example
    transmission = cv2.warpAffine(graft.transmission, inside, size, borderValue=(1.0, 1.0, 1.0))
    transmission **= np.float32(rng.uniform(*DEPTH_RANGE))
    labels, rgb = example.labels.copy(), example.rgb.copy()
    rgb[window] = _painted(rgb[window], np.asarray(transmission, np.float32), on_top=rng.random() < 0.5)
    own = labels[window]
    own[(shaft > 0.2) & ~solid & (own == BACKGROUND)] = UNSURE_SHAFT
    own[solid] = SHAFT
    paths_px, ends_seen = [*example.paths_px, path], [*example.ends_seen, (True, True)]
    return replace(example, rgb=rgb, labels=labels, paths_px=paths_px, ends_seen=ends_seen)


def _placement(example: Example, graft: Graft, rng: np.random.Generator, um_per_px: float) -> FloatArray:
    """Homography, shape (3, 3), from the patch to the photograph."""
    height, width = example.labels.shape
    if example.paths_px and rng.random() > ALONE_SHARE:
        beside = example.paths_px[int(rng.integers(len(example.paths_px)))]
        heading = beside[-1] - beside[0]
        angle = np.arctan2(heading[1], heading[0]) + np.deg2rad(rng.normal(0.0, ANGLE_SD_DEG))
        root = beside[0] + rng.uniform(-1.0, 1.0, 2) * ASIDE_UM / um_per_px
    else:
        angle = rng.uniform(0.0, 2.0 * np.pi)
        root = rng.uniform((0.0, 0.0), (width, height))
    own = graft.path_px[-1] - graft.path_px[0]
    stretch = np.diag([rng.uniform(*LENGTH_RANGE), rng.uniform(*WIDTH_RANGE) * rng.choice((-1.0, 1.0))])
    move = np.eye(3)
    move[:2, :2] = rotation(angle) @ stretch @ rotation(-np.arctan2(own[1], own[0]))
    move[:2, 2] = root - move[:2, :2] @ graft.path_px[0]
    return move


def _painted(rgb: RgbImage, transmission: MapArray, *, on_top: bool) -> RgbImage:
    """Pixels with a hair over or under what is dark in them."""
    own = rgb.astype(np.float32)
    skin = np.percentile(rgb.reshape(-1, 3), 70, axis=0).astype(np.float32)
    # Where the picture shows a hair, the skin beneath it is guessed.
    hair = np.where(own > _DARKEST_SKIN * skin, own, skin) * transmission
    if on_top:
        depth = (1.0 - transmission).clip(0.0)
        share = (2.0 * depth / max(float(depth.max()), 1e-3)).clip(0.0, 1.0)
        out = share * hair + (1.0 - share) * own
    else:
        out = np.minimum(own, hair)
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)
