"""Rough root-to-tip vectors and the photograph's own pixels become a label image for the network."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.types import FloatArray, LabelImage, MapArray, RgbImage

BACKGROUND, SHAFT, UNSURE_SHAFT, UNJUDGED = 0, 1, 254, 255
"""Codes of a label image: UNSURE_SHAFT leaves the coverage loss, UNJUDGED leaves every loss."""

BORDER_UM = 111.0
"""Hairs that come this near to the border are mostly unlabelled (40 px of the FDU tiles)."""

REACH_UM = 60.0
"""A shaft's pixels lie at most this far from its rough axis, and this far beyond its rough ends."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What a photograph teaches.

    Attributes
    ----------
    image : uint8 array, shape (H, W)
        Codes above, per pixel.
    paths_px : list of float arrays, shape (P, 2)
        Root-to-tip centre-lines that the loss asks for.
    """

    image: LabelImage
    paths_px: list[FloatArray]


def label_photo(rgb: RgbImage, vectors_px: FloatArray, ignored_hairs: NDArray[np.bool_], *, um_per_px: float) -> Labels:
    """Label image and centre-lines of one weakly annotated photograph.

    Parameters
    ----------
    rgb : uint8 array, shape (H, W, 3)
        At the network's scale.
    vectors_px : float array, shape (N, 2, 2)
        Root and tip of every hair, px.
    ignored_hairs : bool array, shape (N,)
        Hairs that are neither asked for nor wrong (loose, bent or otherwise outside the scheme).
    um_per_px : float
        Scale of `rgb`.

    Returns
    -------
    Labels
        Shaft where the pixels near a vector are darker than half of that hair's own contrast. Unjudged: the border,
        dark things that reach into it without a label, and the neighbourhood of ignored hairs.
    """
    height, width = rgb.shape[:2]
    contrast = dark_contrast(rgb, um_per_px=um_per_px)
    labels: LabelImage = np.zeros((height, width), np.uint8)
    claimed = np.zeros((height, width), bool)
    for vector, is_ignored in zip(vectors_px, ignored_hairs, strict=True):
        _label_hair(labels, claimed, contrast, vector, bool(is_ignored), reach_px=REACH_UM / um_per_px)
    dark = contrast > 25.0
    labels[dark & ~claimed & (labels == BACKGROUND)] = UNSURE_SHAFT
    labels[_reaches_border(dark, claimed, round(BORDER_UM / um_per_px))] = UNJUDGED
    return Labels(labels, [v for v, skip in zip(vectors_px, ignored_hairs, strict=True) if not skip])


def dark_contrast(rgb: RgbImage, *, um_per_px: float) -> MapArray:
    """How much darker each pixel is than the skin around it, grey levels; shape (H, W).

    Skin is the median of the wider surroundings (0.7 mm), taken on a coarse copy: hair covers less than half of it.
    """
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    window = 2 * max(1, round(0.35e3 / um_per_px / 8)) + 1
    skin = cv2.resize(cv2.medianBlur(small, window), grey.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return skin.astype(np.float32) - cv2.GaussianBlur(grey, (0, 0), 0.7).astype(np.float32)


def _label_hair(
    labels: LabelImage,
    claimed: NDArray[np.bool_],
    contrast: MapArray,
    vector: FloatArray,
    is_ignored: bool,
    *,
    reach_px: float,
) -> None:
    """Write one hair's shaft into `labels`, and what belongs to no one else into `claimed`."""
    (x0, y0), (x1, y1) = vector
    height, width = labels.shape
    left, right = int(max(min(x0, x1) - reach_px, 0)), int(min(max(x0, x1) + reach_px + 1, width))
    top, bottom = int(max(min(y0, y1) - reach_px, 0)), int(min(max(y0, y1) + reach_px + 1, height))
    if left >= right or top >= bottom:
        return
    window = np.s_[top:bottom, left:right]
    ys, xs = np.mgrid[top:bottom, left:right].astype(np.float64)
    length = max(float(np.hypot(x1 - x0, y1 - y0)), 1e-6)
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    along, across = (xs - x0) * ux + (ys - y0) * uy, np.abs((ys - y0) * ux - (xs - x0) * uy)
    # The root stays where the annotator saw the shaft leave the skin: below it lies its blurred shadow.
    near = (along > -0.15 * reach_px) & (along < length + 0.6 * reach_px) & (across < 0.6 * reach_px)
    axis = (along > 0.2 * length) & (along < 0.9 * length) & (across < 2.0)
    level = float(np.median(contrast[window][axis])) if axis.any() else 0.0
    claimed[window] |= (along > -2.5 * reach_px) & (along < length + reach_px) & (across < reach_px)
    if is_ignored:
        labels[window][(along > -0.3 * reach_px) & (along < length + 0.3 * reach_px) & (across < 0.4 * reach_px)] = (
            UNJUDGED
        )
        return
    if level < 12.0:
        # Too pale to tell the shaft's edge from skin: the centre-line is taught, the coverage is not.
        labels[window][near & (across < 0.3 * reach_px) & (labels[window] == BACKGROUND)] = UNSURE_SHAFT
        return
    shaft = near & (contrast[window] > 0.5 * level)
    rim = near & ~shaft & (contrast[window] > 0.35 * level)
    labels[window][rim & (labels[window] == BACKGROUND)] = UNSURE_SHAFT
    labels[window][shaft & (labels[window] != UNJUDGED)] = SHAFT


def _reaches_border(dark: NDArray[np.bool_], claimed: NDArray[np.bool_], border_px: int) -> NDArray[np.bool_]:
    """The border, and the dark things without a label that reach into it."""
    unjudged = np.ones(dark.shape, bool)
    unjudged[border_px:-border_px, border_px:-border_px] = False
    unlabelled = (dark & ~claimed).astype(np.uint8)
    _, parts = cv2.connectedComponents(unlabelled, connectivity=8)
    touching = np.unique(parts[unjudged & (unlabelled > 0)])
    reaching = np.isin(parts, touching[touching > 0]).astype(np.uint8)
    return unjudged | (cv2.dilate(reaching, np.ones((13, 13), np.uint8)) > 0)
