"""Tattoo dots: the ink spots that mark a trial site."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.types import FloatArray, Ignored, MapArray
from hairscan.visits.visit import Visit

_UM_PER_PX = 15.0
"""Scale at which dots are looked for: some twenty pixels across."""
_HAIR_UM = 210.0
"""Dark things narrower than this are hairs, or bundles of them, and are filled with the skin beside them."""
_DIAMETER_UM = (280.0, 1700.0)
_CIRCULARITY = 0.7
_CONVEXITY = 0.85
_AXES = 0.6
"""Least ratio of the axes of a dot, squared."""
_LEAST_DENSITY = 0.22
"""Optical density in red, natural logarithm, that ink has and a shadow has not."""
_LEAST_RED = 0.85
"""Ink, black or blue or green, takes as much red as blue out of the light; crusts, blood and moles take more blue."""
_MOST_HAIR = 0.1
"""Mean evidence of centre-lines above which a spot is a bundle of hairs: ink has no lines for the network."""
_RING = 1.8
"""Skin around a dot, radii."""


@dataclass(frozen=True, slots=True)
class Dots:
    """Dots of a photograph, um.

    Attributes
    ----------
    xy : float array, shape (N, 2)
    radius : float array, shape (N,)
    """

    xy: FloatArray
    radius: FloatArray

    def __len__(self) -> int:
        """Count the dots."""
        return len(self.xy)

    def cover(self, points_um: FloatArray, margin_um: float) -> NDArray[np.bool_]:
        """Which points, shape (..., 2), lie on a dot or within a margin of it."""
        gap = np.linalg.norm(points_um[..., None, :] - self.xy, axis=-1)
        return np.asarray((gap < self.radius + margin_um).any(axis=-1))


def find_dots(visit: Visit) -> Dots:
    """Round spots of ink, 0.3 to 1.5 mm wide; without a scale, at the scale at which hairs are of usual width."""
    factor = visit.um_per_px / _UM_PER_PX
    height, width = visit.photo.ignored.shape
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    # The specks of moist skin would grow over a dot when hairs are filled.
    small = cv2.medianBlur(cv2.resize(visit.photo.rgb, size, interpolation=cv2.INTER_AREA), 3)
    side = 2 * round(_HAIR_UM / _UM_PER_PX / 2) + 1
    if min(size) < 2 * side:
        return Dots(np.zeros((0, 2)), np.zeros(0))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    bald = cv2.GaussianBlur(cv2.morphologyEx(small, cv2.MORPH_CLOSE, disc), (0, 0), 1.0)
    ignored = cv2.resize(visit.photo.ignored, size, interpolation=cv2.INTER_NEAREST)
    judged = np.isin(ignored, (Ignored.JUDGED, Ignored.INK, Ignored.BLUR))
    lines = cv2.resize(visit.maps.centreline.max(axis=0), size, interpolation=cv2.INTER_LINEAR)
    found = []
    for spot in _detector().detect(_density(bald[..., 0])):
        away = _distance_from(spot.pt, judged.shape)
        is_hair = lines[away < spot.size / 2.0].mean() > _MOST_HAIR
        if not is_hair and _is_ink(bald.astype(np.float32), judged, away / (spot.size / 2.0)):
            found.append((spot.pt, spot.size / 2.0))
    xy = np.array([centre for centre, _ in found], np.float64).reshape(-1, 2)
    radius = np.array([radius for _, radius in found], np.float64)
    xy_px = (xy + 0.5) * (width / size[0], height / size[1]) - 0.5
    return Dots(xy_px * visit.um_per_px, radius * _UM_PER_PX)


def _density(red: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The logarithm of the light, 46 levels per unit: a dot has the same contrast in any exposure."""
    return np.asarray(np.rint(np.log1p(red.astype(np.float32)) * (255.0 / np.log(256.0))), np.uint8)


def _detector() -> cv2.SimpleBlobDetector:
    """Detector of dark round blobs that keep their shape over several thresholds."""
    wanted = cv2.SimpleBlobDetector.Params()
    wanted.thresholdStep, wanted.minThreshold, wanted.maxThreshold, wanted.minRepeatability = 4, 10, 253, 3
    wanted.minDistBetweenBlobs = _DIAMETER_UM[0] / _UM_PER_PX
    wanted.filterByColor, wanted.blobColor = True, 0
    wanted.filterByArea = wanted.filterByCircularity = wanted.filterByInertia = wanted.filterByConvexity = True
    wanted.minArea, wanted.maxArea = (np.pi / 4.0 * (wide / _UM_PER_PX) ** 2 for wide in _DIAMETER_UM)
    wanted.minCircularity, wanted.minConvexity, wanted.minInertiaRatio = _CIRCULARITY, _CONVEXITY, _AXES
    return cv2.SimpleBlobDetector.create(wanted)


def _distance_from(centre_xy: tuple[float, float], shape: tuple[int, ...]) -> FloatArray:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.asarray(np.hypot(columns - centre_xy[0], rows - centre_xy[1]), np.float64)


def _is_ink(bald: MapArray, judged: NDArray[np.bool_], radii: FloatArray) -> bool:
    """Whether a blob takes out of the light what ink does, measured against the skin around it.

    Parameters
    ----------
    radii : float array
        Distance of every pixel from the middle of the blob, in radii of the blob.
    """
    inside, ring = radii < 0.6, (radii > 1.3) & (radii < _RING)
    if judged[inside].mean() < 0.5 or judged[ring].mean() < 0.5:
        return False
    red, _, blue = np.log(np.median(bald[ring & judged], axis=0) + 1.0) - np.log(np.median(bald[inside], axis=0) + 1.0)
    return bool(red > _LEAST_DENSITY and red > _LEAST_RED * blue)
