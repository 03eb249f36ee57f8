"""Fitted widths at every station of every hair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hairscan.measure.edges import EdgeFit, fit_edges
from hairscan.measure.guess import Guess
from hairscan.measure.neighbours import Neighbours
from hairscan.measure.paths import Stations
from hairscan.measure.windows import Layout, lay_out, read_windows
from hairscan.types import FloatArray, MapArray, Photo


@dataclass(frozen=True, slots=True)
class Readings:
    """Fitted widths at the stations of all hairs, one row per station.

    `se_px` is the formal standard error of each fit, `common_se_px` the part of it that all stations of the hair share.
    """

    hair: NDArray[np.intp]
    arc_px: FloatArray
    width_px: FloatArray
    centre_px: FloatArray
    se_px: FloatArray
    common_se_px: FloatArray
    width_per_sigma: FloatArray
    contrast: FloatArray
    sigma_px: FloatArray
    good: NDArray[np.bool_]
    gap_px: FloatArray


def read_widths(
    photo: Photo,
    image: NDArray[np.float32],
    guess: Guess,
    stations: Stations,
    neighbours: Neighbours,
    sigma_px: float,
    *,
    free_sigma: bool = False,
) -> Readings:
    """Fit every station; those with a neighbour alongside together with it, or not at all where the blur is free."""
    layout = lay_out(stations, neighbours, guess.half_px, sigma_px)
    open_to_fit = layout.usable & np.isfinite(guess.tone.direction[stations.hair, 0])
    joint = layout.joint.sum(axis=1)
    table = np.full((len(stations), 8), np.nan)
    table[:, 7] = np.where(joint > 0, 0.0, np.inf)
    good = np.zeros(len(stations), dtype=bool)
    # The blur is asked of hairs that stand free only.
    for count in range(1 if free_sigma else 3):
        rows = np.flatnonzero(open_to_fit & (joint == count))
        if not len(rows):
            continue
        some = stations.take(rows)
        part = Layout(*(getattr(layout, name)[rows] for name in Layout.__slots__))
        profiles, judged = read_windows(image, photo.ignored, some, neighbours.take(rows), part, guess, sigma_px)
        fit = fit_edges(profiles, np.full(len(rows), sigma_px), free_sigma=free_sigma)
        table[rows] = np.column_stack(
            [
                fit.width_px,
                fit.centre_px,
                fit.width_se_px,
                fit.width_se_px * np.sqrt(common_share(some.hair, fit.misfit)),
                fit.width_per_sigma,
                fit.contrast[:, 0],
                fit.sigma_px,
                fit.gap_px,
            ]
        )
        good[rows] = judged & _trusted(fit, guess.half_px[some.hair])
    width, centre, se, common_se, by_sigma, contrast, sigma, gap = table.T
    return Readings(stations.hair, stations.arc_px, width, centre, se, common_se, by_sigma, contrast, sigma, good, gap)


def common_share(hair: NDArray[np.intp], misfit: MapArray) -> FloatArray:
    """Share of the squared misfit at each station that the stations of its hair have in common, shape (N,).

    Noise differs from station to station; a shadow, a stain or a hair alongside that nobody traced does not.

    Parameters
    ----------
    hair : int array, shape (N,)
        Hair of each station, ascending.
    misfit : float array, shape (N, K)
        Sample k lies at much the same distance from the axis at every station of a hair.
    """
    _, first, row, count = np.unique(hair, return_index=True, return_inverse=True, return_counts=True)
    mean = np.add.reduceat(misfit, first) / count[:, None]
    total = np.add.reduceat((misfit**2).sum(axis=1), first) / count
    share = (mean**2).sum(axis=1) / np.maximum(total, 1e-12)
    # Of noise alone the mean of n keeps the n-th part.
    share = np.where(count > 1, (count * share - 1.0) / np.maximum(count - 1, 1), 1.0)
    return np.asarray(np.clip(share, 0.0, 1.0)[row], np.float64)


def _trusted(fit: EdgeFit, half_px: FloatArray) -> NDArray[np.bool_]:
    """Tell where a fit explains its profile and stayed near the shaft it began with."""
    width = fit.width_px
    near = np.abs(fit.centre_px) < np.maximum(4.0, half_px)
    alike = (width > 0.35 * half_px) & (width < 4.0 * half_px + 4.0)
    sure = fit.width_se_px < np.maximum(0.25 * width, 0.5)
    return np.asarray(near & alike & sure & (fit.contrast[:, 0] > 0.3) & (fit.residual < 0.2))
