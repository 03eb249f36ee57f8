"""What a model must beat: always the same count, and a ridge filter whose components are the hairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from skimage.filters import sato, threshold_otsu

from hairscan.errors import ScaleError
from hairscan.training.metrics import MATCH_UM, Agreement, FoundHairs, is_inside, is_spared, straight_hairs
from hairscan.training.photo_files import upright_shape
from hairscan.training.vectors import Sample
from hairscan.types import FloatArray, LabelImage, Photo, RgbImage

SHAFTS_UM = (40.0, 70.0, 110.0)
"""Widths of shafts to which the ridge filter answers."""
COARSEST_UM_PER_PX = 5.56
"""Finer photographs are reduced to this before they are filtered: a thin shaft is 7 px wide still."""
LEAST_LENGTH_UM = 140.0
"""Components shorter than two usual shafts are wide are specks."""


def median_count(samples: Sequence[Sample]) -> float:
    """Median number of annotated hairs per photograph that stay away from its border.

    Burnt-in graphics are not looked for: few hairs lie under them.

    Raises
    ------
    DataError, PhotoError
        Where a photograph cannot be read.
    """
    counts = []
    for sample in samples:
        inside = is_inside(sample.vectors_px, upright_shape(sample.image), MATCH_UM / sample.um_per_px)
        counts.append(int((inside & ~is_spared(sample.kinds)).sum()))
    return float(np.median(counts))


def answer_always(count: float, photos: Sequence[Agreement]) -> list[Agreement]:
    """The same photographs, had this number of hairs been found in each: good for figures of counts only."""
    return [replace(photo, found=round(count)) for photo in photos]


def find_ridges(photo: Photo) -> FoundHairs:
    """Every component of the ridge mask as a straight hair between its two points that lie farthest apart.

    Which end is the root is not known: their order means nothing.

    Raises
    ------
    ScaleError
        Where the photograph has no scale.
    """
    if photo.scale is None:
        raise ScaleError(f"{photo.name} has no scale, which the ridge filter needs: give one")
    um_per_px = photo.scale.um_per_px
    mask = ridge_mask(photo.rgb, photo.ignored, um_per_px)
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    ends = np.array([_farthest_pair(contour) for contour in contours], np.float64).reshape(-1, 2, 2)
    length_um = np.hypot(*(ends[:, 1] - ends[:, 0]).T) * um_per_px
    return straight_hairs(ends[length_um >= LEAST_LENGTH_UM])


def ridge_mask(rgb: RgbImage, ignored: LabelImage, um_per_px: float) -> NDArray[np.bool_]:
    """Where dark ridges as wide as shafts are, shape (H, W).

    Notes
    -----
    Sato et al. 1998 (Medical Image Analysis 2:143), as skimage has it, at ``sigma = width / (2 sqrt 3)`` (Steger 1998,
    IEEE PAMI 20:113); threshold of Otsu 1979 over the judged field.
    """
    height, width = ignored.shape
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    factor = min(1.0, um_per_px / COARSEST_UM_PER_PX)
    if factor < 1.0:
        grey = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    sigmas = [shaft_um / (2.0 * np.sqrt(3.0)) * factor / um_per_px for shaft_um in SHAFTS_UM]
    response = sato(grey, sigmas=sigmas, black_ridges=True, mode="reflect").astype(np.float32)
    if factor < 1.0:
        response = np.asarray(cv2.resize(response, (width, height), interpolation=cv2.INTER_LINEAR))
    judged = ignored == 0
    if not judged.any():
        return judged
    return np.asarray(judged & (response > threshold_otsu(response[judged])))


def _farthest_pair(contour: NDArray[np.int32]) -> FloatArray:
    """The two points of a contour that lie farthest apart, shape (2, 2)."""
    corners = cv2.convexHull(contour)[:, 0].astype(np.float64)
    distance = cdist(corners, corners)
    first, second = np.unravel_index(distance.argmax(), distance.shape)
    return corners[[first, second]]
