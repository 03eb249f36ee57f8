"""A photograph becomes hair maps."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.errors import ScaleError
from hairscan.segment.model import Segmenter
from hairscan.segment.spec import CELL_PX, COVERAGE, FIRST_DIRECTION, ROOT, TIP
from hairscan.segment.tiling import run_tiled
from hairscan.types import HairMaps, Photo

TYPICAL_SHAFT_UM = 70.0
"""Assumed width of most shafts in a photograph without a scale, so that the network can see it at all."""
_LEAST_LINES = 0.6
"""Length of the centre-lines seen at a guess, as a share of the most, below which it is no guess."""
GUESSED_FIELDS_UM = (1.8e3, 3.6e3, 7.2e3)
"""Longer sides of what trichoscopes and macro lenses show."""
MOST_PX = 50_000_000
"""Largest picture shown to the network: 10 cm2 at 4.45 um/px, for which scoring needs 2 GB of memory."""


def segment_photo(photo: Photo, segmenter: Segmenter) -> HairMaps:
    """What the network sees in a photograph, brought to the network's own scale.

    A photograph without a scale is shown at several sizes, and the size at which its shafts are of typical width is
    kept. That size is used to find hairs only; nothing is reported in micrometres from it.

    Raises
    ------
    ScaleError
        Where the photograph, by its scale, shows far more skin than a close-up does.
    """
    if photo.scale is not None:
        _check_extent(photo.rgb.shape[:2], photo.scale.um_per_px, segmenter.spec.um_per_px)
        return _maps_at(photo, segmenter, photo.scale.um_per_px)
    return _maps_at(photo, segmenter, assume_um_per_px(photo, segmenter))


def assume_um_per_px(photo: Photo, segmenter: Segmenter) -> float:
    """Scale at which the shafts of a photograph would be of typical width.

    The wider shafts are shown, the narrower they seem for their size: between two guesses the scale is interpolated.
    """
    longest_px = max(photo.rgb.shape[:2])
    guesses = np.array([longest_um / longest_px for longest_um in GUESSED_FIELDS_UM])
    shown = [_maps_at(photo, segmenter, guess) for guess in guesses]
    length_px = np.array([_line_length_px(maps) for maps in shown])
    width_um = np.array([_mean_shaft_cells(maps) * maps.um_per_cell for maps in shown])
    told = (width_um > 0) & (length_px >= _LEAST_LINES * length_px.max())
    if not told.any():
        return float(guesses[np.argmax(length_px)])
    guesses, width_um = guesses[told], np.maximum.accumulate(width_um[told])
    off = np.log(TYPICAL_SHAFT_UM / width_um)
    # Beyond the outermost guesses the width says how far, within what is believed of it.
    if off[-1] > 0 or off[0] < 0:
        end = -1 if off[-1] > 0 else 0
        return float(guesses[end] * min(max(TYPICAL_SHAFT_UM / width_um[end], 0.5), 1.6))
    return float(np.exp(np.interp(0.0, -off, np.log(guesses))))


def _check_extent(shape: tuple[int, ...], um_per_px: float, network_um_per_px: float) -> None:
    """Raise ScaleError for a photograph that is too large at the network's scale."""
    height_mm, width_mm = (side * um_per_px / 1000 for side in shape)
    most_cm2 = MOST_PX * network_um_per_px**2 / 1e8
    if height_mm * width_mm > most_cm2 * 100:
        raise ScaleError(
            f"{um_per_px:g} um/px makes the photo {width_mm:.0f} x {height_mm:.0f} mm of scalp, "
            f"above the limit of {most_cm2:.0f} cm2: check the scale, or crop the photo"
        )


def _maps_at(photo: Photo, segmenter: Segmenter, um_per_px: float) -> HairMaps:
    factor = um_per_px / segmenter.spec.um_per_px
    maps = run_tiled(segmenter.backend, resized(photo.rgb, factor), multiple=segmenter.spec.multiple)
    return HairMaps(
        coverage=maps[COVERAGE],
        centreline=maps[FIRST_DIRECTION:],
        root=maps[ROOT],
        tip=maps[TIP],
        px_per_cell=CELL_PX / factor,
        um_per_cell=segmenter.spec.um_per_px * CELL_PX,
        confidence_weights=segmenter.spec.confidence_weights,
        hair_threshold=segmenter.spec.hair_threshold,
        device=segmenter.backend.device,
    )


def _line_length_px(maps: HairMaps) -> float:
    """About the length of all clear centre-lines, photograph px: their bands of cells are of one width at any size."""
    clear = maps.centreline.sum(axis=0) > 0.5
    return float((clear * maps.coverage).sum()) * maps.px_per_cell


def _mean_shaft_cells(maps: HairMaps) -> float:
    """Mean width of the shafts, weighted by their area, cells; 0 where there is none.

    The cells across a stripe of n lie 1, 2, ... n / 2 ... 2, 1 from its outside: (n + 2) / 4 on average.
    """
    covered = np.ascontiguousarray(maps.coverage > 0.5, np.uint8)
    depth = cv2.distanceTransform(covered, cv2.DIST_L2, cv2.DIST_MASK_5)
    return max(4.0 * float(depth[covered > 0].mean()) - 2.0, 0.0) if covered.any() else 0.0


def resized(image: NDArray[Any], factor: float) -> NDArray[Any]:
    """An image `factor` times as large: the network learns from pictures that are resized as those it is shown."""
    if factor == 1.0:
        return image
    method = cv2.INTER_AREA if factor < 1.0 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=method))
