"""The transformation that roots, dots and skin of two photographs agree on, as exactly as they tell it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairscan.types import FloatArray
from hairscan.visits.constellation import DOT_REACH_UM, near_points, near_roots
from hairscan.visits.marks import Marks
from hairscan.visits.patches import match_patches
from hairscan.visits.plane import refine, similarity, transform
from hairscan.visits.texture import TextureMatch, near_pairs

_ROOT_SD_UM = 20.0
_TEXTURE_SD_UM = 12.0
_PATCH_SD_UM = 8.0
_DOT_SD_UM = 40.0
_TEXTURE_REACH_UM = 40.0
ROOT_REACH_UM = (120.0, 80.0, 60.0)
_MANY_FEATURES = 100
"""Features of the skin that tell the transformation better than its patches could."""
_ZOOMS_TRIED = (1.0, 0.985, 1.015)
"""Few roots tell the zoom to some percent, and patches are found within one."""
_LEAST_HINT = 0.0
_SURE_SKIN = -3.0
"""Decimal logarithm of the chance agreement from which patches of the skin are looked at again, and are believed."""
UNKNOWN_ZOOM_SE = 0.03
_RAYLEIGH_MEDIAN = 1.1774


@dataclass(frozen=True, slots=True)
class Fit:
    """A transformation, um to um.

    Attributes
    ----------
    skin_features : int
        Features and patches of the skin that agree with it.
    zoom_se : float
        Standard error of its zoom, as a share.
    """

    matrix: FloatArray
    skin_features: int
    zoom_se: float


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Points of two photographs that are the same, um, and how far a right pair misses."""

    from_um: FloatArray
    to_um: FloatArray
    sd_um: FloatArray

    def refined(self, matrix: FloatArray) -> FloatArray:
        """The transformation fitted to the pairs; as it was with less than two of them."""
        return refine(matrix, self.from_um, self.to_um, self.sd_um) if len(self.sd_um) >= 2 else matrix


def fit_marks(matrix: FloatArray, texture: TextureMatch | None, first: Marks, second: Marks) -> Fit:
    """A transformation fitted to every root, dot, feature and patch of the skin that agrees with it."""
    for reach in ROOT_REACH_UM:
        pairs, features = _agreeing(matrix, texture, first, second, reach)
        matrix = pairs.refined(matrix)
    if features < _MANY_FEATURES and (skin := _skin_around(matrix, first, second)) is not None:
        added = _Pairs(skin.from_um, skin.to_um, np.full(len(skin.from_um), _PATCH_SD_UM))
        others, features = _agreeing(skin.matrix, texture, first, second, ROOT_REACH_UM[-1])
        pairs = _joined(others, added)
        matrix = pairs.refined(skin.matrix)
        features += len(added.sd_um)
    return Fit(matrix, features, _zoom_se(matrix, pairs))


def _agreeing(
    matrix: FloatArray, texture: TextureMatch | None, first: Marks, second: Marks, reach_um: float
) -> tuple[_Pairs, int]:
    """Pairs that a transformation brings together, and how many of them are features of the skin."""
    ones, others = near_roots(matrix, first.roots, second.roots, reach_um)
    dot, other_dot = near_points(matrix, first.dots.xy, second.dots.xy, DOT_REACH_UM)
    roots = _Pairs(first.roots.xy[ones], second.roots.xy[others], np.full(len(ones), _ROOT_SD_UM))
    pairs = _joined(roots, _Pairs(first.dots.xy[dot], second.dots.xy[other_dot], np.full(len(dot), _DOT_SD_UM)))
    if texture is None:
        return pairs, 0
    near = near_pairs(texture, matrix, max(_TEXTURE_REACH_UM, reach_um))
    features = int(near.sum())
    skin = _Pairs(texture.from_um[near], texture.to_um[near], np.full(features, _TEXTURE_SD_UM))
    return _joined(pairs, skin), features


def _skin_around(matrix: FloatArray, first: Marks, second: Marks) -> TextureMatch | None:
    """Patches of the skin that agree near a transformation, looked for twice; None where they do not."""
    middle = first.frame_um / 2.0
    starts = (matrix @ similarity(zoom, 0.0, middle, middle) for zoom in _ZOOMS_TRIED)
    hints = (match_patches(first.texture, second.texture, start) for start in starts)
    hint = min((one for one in hints if one is not None), key=lambda one: one.log10_false_alarms, default=None)
    if hint is None or hint.log10_false_alarms > _LEAST_HINT:
        return None
    again = match_patches(first.texture, second.texture, hint.matrix)
    found = min((one for one in (hint, again) if one is not None), key=lambda one: one.log10_false_alarms)
    return found if found.log10_false_alarms < _SURE_SKIN else None


def _zoom_se(matrix: FloatArray, pairs: _Pairs) -> float:
    """Standard error of the zoom that pairs tell; that of an unknown zoom with less than three."""
    if len(pairs.sd_um) < 3:
        return UNKNOWN_ZOOM_SE
    off = transform(matrix, pairs.from_um) - pairs.to_um
    spread = pairs.from_um - np.average(pairs.from_um, axis=0, weights=pairs.sd_um**-2)
    information = float(((spread**2).sum(axis=1) / pairs.sd_um**2).sum())
    missed = float(np.median(np.hypot(off[:, 0], off[:, 1]) / pairs.sd_um)) / _RAYLEIGH_MEDIAN
    return float(max(missed, 1.0) / np.sqrt(max(information, 1.0)))


def _joined(one: _Pairs, other: _Pairs) -> _Pairs:
    return _Pairs(
        np.concatenate([one.from_um, other.from_um]),
        np.concatenate([one.to_um, other.to_um]),
        np.concatenate([one.sd_um, other.sd_um]),
    )
