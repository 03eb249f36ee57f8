"""Tiles of phantoms and of photographs, as the network is shown them: for calibration and for a bundle's self-test."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hairscan.errors import DataError
from hairscan.phantom import KINDS, render_scene, sample_scene
from hairscan.photo import read_rgb
from hairscan.segment import resized
from hairscan.training.vectors import Sample
from hairscan.types import MapArray, RgbImage

SIDE_PX = 320
PHANTOMS_PER_KIND = 3
PHOTOGRAPHS = 24
SERIES = 2**30
"""Phantoms of this series are neither trained on nor evaluated."""
SELF_TEST_PX = (384, 256)
"""Width and height: unequal, so that a program that swaps them fails."""
SELF_TEST_PHANTOM = 6
"""Its hairs run several ways on reddish skin: a program that swaps sides or colours fails."""
SELF_TEST_DENSITY_PER_CM2 = 300.0


def phantom_tiles(um_per_px: float) -> list[MapArray]:
    """Tiles of every kind of phantom, shape (1, 3, SIDE_PX, SIDE_PX), 0..1."""
    return [
        _as_input(draw_series(kind, index, (SIDE_PX, SIDE_PX), um_per_px))
        for kind in KINDS
        for index in range(PHANTOMS_PER_KIND)
    ]


def self_test_tile(um_per_px: float) -> MapArray:
    """The one phantom of every bundle's self-test, shape (1, 3, 256, 384), 0..1."""
    return _as_input(draw_series("dense", SELF_TEST_PHANTOM, SELF_TEST_PX, um_per_px, SELF_TEST_DENSITY_PER_CM2))


def photo_tiles(samples: Sequence[Sample], um_per_px: float) -> list[MapArray]:
    """Middles of photographs that may be learnt from, evenly out of all, shape (1, 3, SIDE_PX, SIDE_PX), 0..1.

    Raises
    ------
    DataError
        Where there are none, or one is too small for a tile.
    """
    open_samples = [sample for sample in samples if sample.part in ("train", "tune")]
    if not open_samples:
        raise DataError("no photograph is in the part train or tune: give a folder with more groups")
    chosen = np.unique(np.linspace(0, len(open_samples) - 1, PHOTOGRAPHS).round().astype(int))
    return [_as_input(_middle(open_samples[index], um_per_px)) for index in chosen]


def draw_series(
    kind: str, index: int, size_px: tuple[int, int], um_per_px: float, density_per_cm2: float | None = None
) -> RgbImage:
    """Draw a phantom of `SERIES`; `size_px` is its width and height."""
    rng = np.random.default_rng((SERIES, KINDS.index(kind), index))
    width, height = size_px
    scene = sample_scene(
        kind, rng, width_px=width, height_px=height, um_per_px=um_per_px, density_per_cm2=density_per_cm2
    )
    return render_scene(scene, rng).rgb


def _middle(sample: Sample, um_per_px: float) -> RgbImage:
    """Middle of a photograph that is brought to the network's scale."""
    rgb = resized(read_rgb(sample.image)[0], sample.um_per_px / um_per_px)
    top, left = ((side - SIDE_PX) // 2 for side in rgb.shape[:2])
    if min(top, left) < 0:
        side_mm = SIDE_PX * um_per_px / 1000
        raise DataError(
            f"{sample.image.name} is smaller than a calibration tile of {side_mm:.2f} x {side_mm:.2f} mm: "
            "give larger photographs"
        )
    return np.ascontiguousarray(rgb[top : top + SIDE_PX, left : left + SIDE_PX])


def _as_input(rgb: RgbImage) -> MapArray:
    """A picture as the network takes it."""
    return np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], np.float32) / np.float32(255.0)
