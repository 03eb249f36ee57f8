"""Skin texture: features that stay while hairs come, go and grow."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.types import FloatArray, MapArray
from hairscan.visits.chance import log10_false_alarms
from hairscan.visits.dots import Dots
from hairscan.visits.plane import transform
from hairscan.visits.visit import Visit

UM_PER_PX = 6.0
"""Scale at which the skin is looked at: follicle openings and furrows are some pixels wide."""
_HAIR = 0.15
"""Coverage from which a pixel is hair."""
_HAIR_MARGIN_UM = 25.0
_DOT_MARGIN_UM = 100.0
_SHADING_UM = 90.0
_GLINT = 0.7
"""Shine moves with the light and the skin under it does not: brightness above this share of the contrast is cut off."""
_GLINT_ROUNDS = 3
_LEAST_CONTRAST = 0.5
_SMALLER = 4
"""Shading is so smooth that every fourth pixel tells it."""
MIDDLE_GREY = 128
_GRAIN_PX = 1.5
"""Noise and compression are finer than this."""
_FEATURES = 1500
_RATIO = 0.85
_NEAR_UM = 50.0
UNMOVED_UM = 30.0
"""A camera is never held in the same place twice to within this distance."""
_CLUSTERED = 5.0
"""Features lie in clusters and repeat: chance is this many times what evenly strewn points would have."""


@dataclass(frozen=True, slots=True)
class Texture:
    """The skin of a photograph and its features.

    Attributes
    ----------
    picture : uint8 array, shape (h, w)
        The skin's texture alone, 128 where there is none.
    bare : bool array, shape (h, w)
        Where skin is seen.
    to_um : float array, shape (3, 3)
        From px of the picture to um of the photograph.
    xy_um : float array, shape (N, 2)
    descriptors : float32 array, shape (N, 128)
    """

    picture: NDArray[np.uint8]
    bare: NDArray[np.bool_]
    to_um: FloatArray
    xy_um: FloatArray
    descriptors: MapArray


@dataclass(frozen=True, slots=True)
class TextureMatch:
    """The similarity that most features agree on, um to um, with the pairs that agree.

    Attributes
    ----------
    pairs : int
        Features that look alike in both photographs, wherever they lie.
    from_um, to_um : float array, shape (K, 2)
        The pairs that agree on the transformation.
    log10_false_alarms : float
        See `hairscan.visits.chance`.
    """

    matrix: FloatArray
    pairs: int
    from_um: FloatArray
    to_um: FloatArray
    log10_false_alarms: float


def find_texture(visit: Visit, dots: Dots, *, mirrored: bool = False) -> Texture:
    """SIFT features of the skin between hairs and dots, which are filled in with skin; dots are alike on any site."""
    frame_px = np.array(visit.photo.ignored.shape[::-1])
    across, down = np.maximum(np.rint(frame_px * visit.um_per_px / UM_PER_PX).astype(int), 8).tolist()
    size = (across, down)
    grey = cv2.resize(visit.photo.rgb, size, interpolation=cv2.INTER_AREA).astype(np.float32).mean(axis=2)
    bare = _bare_skin(visit, size)
    if len(dots):
        grid = np.stack(np.meshgrid(*(np.arange(side) * UM_PER_PX for side in size)), axis=-1)
        bare &= ~dots.cover(grid, _DOT_MARGIN_UM)
    picture = _evened(grey, bare)
    if mirrored:
        picture, bare = np.ascontiguousarray(picture[:, ::-1]), np.ascontiguousarray(bare[:, ::-1])
    side_um = frame_px * visit.um_per_px / size
    to_um = np.diag([*side_um, 1.0])
    to_um[:2, 2] = (side_um - visit.um_per_px) / 2.0
    # Else every feature lies a quarter of a pixel aside, to another side of the skin in a turned photograph.
    sift = cv2.SIFT.create(nfeatures=_FEATURES, contrastThreshold=0.02, edgeThreshold=15, enable_precise_upscale=True)
    points, descriptors = sift.detectAndCompute(picture, bare.astype(np.uint8) * 255)
    if descriptors is None:
        return Texture(picture, bare, to_um, np.zeros((0, 2)), np.zeros((0, 128), np.float32))
    xy = np.array([point.pt for point in points], np.float64)
    # RootSIFT (Arandjelovic and Zisserman 2012): Hellinger distance.
    descriptors = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6))
    return Texture(picture, bare, to_um, transform(to_um, xy), descriptors.astype(np.float32))


def match_texture(first: Texture, second: Texture, area_um2: float, *, moved_only: bool) -> TextureMatch | None:
    """The similarity that the most alike features agree on; None where there is nothing to agree on.

    Parameters
    ----------
    area_um2 : float
        Area over which the features of the second photograph are strewn.
    moved_only : bool
        Leave out features that lie in the same place of both photographs: those may be of the camera.
    """
    if min(len(first.xy_um), len(second.xy_um)) < 4:
        return None
    matcher = cv2.BFMatcher(cv2.NORM_L2)
    ahead = matcher.knnMatch(first.descriptors, second.descriptors, k=2)
    back = {pair[0].queryIdx: pair[0].trainIdx for pair in matcher.knnMatch(second.descriptors, first.descriptors, k=1)}
    alike = [
        best
        for best, other in ahead
        if best.distance < _RATIO * other.distance and back[best.trainIdx] == best.queryIdx
    ]
    from_um = first.xy_um[[pair.queryIdx for pair in alike]]
    to_um = second.xy_um[[pair.trainIdx for pair in alike]]
    if moved_only:
        moved = np.hypot(*(to_um - from_um).T) > UNMOVED_UM
        from_um, to_um = from_um[moved], to_um[moved]
    if len(from_um) < 4:
        return None
    return agree(from_um, to_um, _NEAR_UM, min(_CLUSTERED * np.pi * _NEAR_UM**2 / area_um2, 0.5))


def agree(from_um: FloatArray, to_um: FloatArray, near_um: float, chance: float) -> TextureMatch | None:
    """The similarity that brings most pairs of places to within a distance; None where there is none.

    Parameters
    ----------
    from_um, to_um : float array, shape (K, 2)
    near_um : float
    chance : float
        That of a pair which has nothing to do with the similarity.
    """
    matrix, inside = cv2.estimateAffinePartial2D(
        from_um, to_um, method=cv2.RANSAC, ransacReprojThreshold=near_um, maxIters=3000, confidence=0.999
    )
    if matrix is None:
        return None
    chosen, count = inside.ravel() > 0, len(from_um)
    evidence = log10_false_alarms(count * (count - 1) / 2, count - 2, int(chosen.sum()) - 2, chance)
    return TextureMatch(np.vstack([matrix, [0.0, 0.0, 1.0]]), count, from_um[chosen], to_um[chosen], evidence)


def near_pairs(match: TextureMatch, matrix: FloatArray, reach_um: float) -> NDArray[np.bool_]:
    """Which pairs a transformation brings together."""
    off = transform(matrix, match.from_um) - match.to_um
    return np.asarray(np.hypot(off[:, 0], off[:, 1]) < reach_um)


def _bare_skin(visit: Visit, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Judged pixels that no hair covers."""
    hair = cv2.resize(visit.maps.coverage, size, interpolation=cv2.INTER_LINEAR) > _HAIR
    side = 2 * round(_HAIR_MARGIN_UM / UM_PER_PX) + 1
    hair = cv2.dilate(hair.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    ignored = cv2.resize(visit.photo.ignored, size, interpolation=cv2.INTER_NEAREST) > 0
    return np.asarray(~hair & ~ignored)


def _evened(grey: MapArray, bare: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The skin's texture alone: shading, hairs and glints replaced by the middle grey, contrast alike everywhere."""
    sigma = _SHADING_UM / UM_PER_PX
    known = bare.astype(np.float32)
    weight = np.maximum(_blurred(known, sigma), 1e-3)
    detail = (grey - _blurred(grey * known, sigma) / weight) * known
    for _ in range(_GLINT_ROUNDS):
        contrast = np.sqrt(_blurred(detail**2, 2.0 * sigma) / weight)
        detail = np.minimum(detail, _GLINT * contrast)
        detail = (detail - _blurred(detail, sigma) / weight) * known
    contrast = np.sqrt(_blurred(detail**2, 2.0 * sigma) / weight) + _LEAST_CONTRAST
    smooth = cv2.GaussianBlur(detail, (0, 0), _GRAIN_PX)
    return np.asarray(np.clip(np.rint(MIDDLE_GREY + 40.0 * smooth / contrast), 0, 255), np.uint8)


def _blurred(values: FloatArray | MapArray, sigma_px: float) -> MapArray:
    """Mean of the wide surroundings, Gaussian: taken on a smaller copy, which shows all that is left of it."""
    size = [max(side // _SMALLER, 1) for side in values.shape[::-1]]
    small = cv2.GaussianBlur(cv2.resize(values, size, interpolation=cv2.INTER_AREA), (0, 0), sigma_px / _SMALLER)
    return np.asarray(cv2.resize(small, values.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
