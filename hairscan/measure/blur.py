"""Blur of a photograph, from the edges of its own hairs."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from hairscan.measure.guess import Guess
from hairscan.measure.neighbours import Neighbours
from hairscan.measure.paths import Stations
from hairscan.measure.readings import read_widths
from hairscan.measure.robust import median, robust_sd
from hairscan.types import Photo

_LEAST_STATIONS = 3
SEPARATE_SIGMAS = 5.0
"""Widths in units of the blur from which the two edges do not touch."""
MIXED_SIGMAS = 2.8
"""Widths in units of the blur below which blur and width are one."""
_UNCHECKED = 0.25
"""Relative doubt of a blur that no hair of the photograph could confirm."""


@dataclass(frozen=True, slots=True)
class Blur:
    """Blur of the photograph's edges.

    Attributes
    ----------
    sigma_px : float
        Standard deviation of the blur.
    sd_px : float
        How much it varies from hair to hair, and how sure it is.
    confirmed : bool
        True where hairs thick enough to tell agreed on it.
    """

    sigma_px: float
    sd_px: float
    confirmed: bool


def find_blur(
    photo: Photo,
    image: NDArray[np.float32],
    guess: Guess,
    stations: Stations,
    neighbours: Neighbours,
    sigma_px: float,
) -> Blur:
    """Blur from the hairs' own edges: the median over hairs of the fits in which it was free."""
    thick = np.flatnonzero(guess.half_px[stations.hair] > sigma_px)
    if len(thick) < _LEAST_STATIONS:
        return Blur(sigma_px, _UNCHECKED * sigma_px, confirmed=False)
    stations, neighbours = stations.take(thick), neighbours.take(thick)
    readings = read_widths(photo, image, guess, stations, neighbours, sigma_px, free_sigma=True)
    good = readings.good & np.isinf(readings.gap_px)
    hairs = np.unique(readings.hair[good])
    if not len(hairs):
        return Blur(sigma_px, _UNCHECKED * sigma_px, confirmed=False)
    of_hair = [good & (readings.hair == hair) for hair in hairs]
    per_hair = np.array([median(readings.sigma_px[rows]) for rows in of_hair])
    ratio = np.array([median(readings.width_px[rows]) for rows in of_hair]) / per_hair
    thick = ratio > SEPARATE_SIGMAS
    # Thinner shafts mix width and blur: they are asked only where there is no thick one, and believed less.
    use, doubt = (thick, 0.03) if thick.any() else (ratio > MIXED_SIGMAS, 0.1)
    if not use.any():
        return Blur(sigma_px, _UNCHECKED * sigma_px, confirmed=False)
    per_hair = per_hair[use]
    found = median(per_hair)
    stations_used = np.any([rows for rows, used in zip(of_hair, use, strict=True) if used], axis=0)
    spread = robust_sd(per_hair, found) if len(per_hair) >= 4 else 0.08 * found
    sigmas_px = readings.sigma_px[stations_used]
    chance = 1.25 * robust_sd(sigmas_px, median(sigmas_px)) / sqrt(len(sigmas_px))
    return Blur(found, max(spread, chance, doubt * found), confirmed=True)
