"""Width of every hair of a photograph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import hypot, isfinite, nan

import numpy as np
from numpy.typing import NDArray

from hairscan.measure.edges import EdgeFit, fit_edges
from hairscan.measure.guess import Guess, guess_shafts, robust_line
from hairscan.measure.neighbours import find_neighbours
from hairscan.measure.paths import Stations, place_stations, smooth_curve
from hairscan.measure.summary import Width, summarise
from hairscan.measure.windows import Layout, lay_out, read_windows
from hairscan.types import FloatArray, Hair, HairMaps, Photo

_STATIONS = 24
_FEW = 5
_BLUR_STATIONS = 6
_USUAL_SIGMA_UM = 5.0
_SEPARATE_SIGMAS = 5.0
_MIXED_SIGMAS = 2.8
"""Widths in units of the blur from which the two edges do not touch, and below which blur and width are one."""
_UNRESOLVED_SIGMAS = 2.0
_DOUBTFUL_SHARE = 0.06
"""Standard error, as a share of the width, from which a thin hair counts as unresolved."""

_UNSEEN_EDGE_SHARE = 0.08
"""Standard error, as a share of the width, of the place where two shafts touch without a gap to see."""


@dataclass(frozen=True, slots=True)
class Blur:
    """Blur of the photograph's edges: standard deviation, px, and how much it varies from hair to hair."""

    sigma_px: float
    sd_px: float


@dataclass(frozen=True, slots=True)
class _Readings:
    """Fitted widths at the stations of all hairs, one row per station; `half_px` is the first idea of each hair."""

    hair: NDArray[np.intp]
    arc_px: FloatArray
    width_px: FloatArray
    centre_px: FloatArray
    se_px: FloatArray
    width_per_sigma: FloatArray
    contrast: FloatArray
    sigma_px: FloatArray
    good: NDArray[np.bool_]
    gap_px: FloatArray
    half_px: FloatArray


def measure_hairs(photo: Photo, hairs: Sequence[Hair], maps: HairMaps) -> list[Hair]:
    """Hairs with their widths, from a fit of both edges on the photograph's own pixels.

    Parameters
    ----------
    photo : Photo
    hairs : sequence of Hair
        Every hair of the photograph: each is kept out of its neighbours' profiles. Paths may lie a few px off
        the axis.
    maps : HairMaps
        The coverage that the paths were traced in; it gives the fit its start.

    Returns
    -------
    list of Hair
        In the order given, with `width_px`, `width_se_px` and these flags: ``touching`` (separated from a hair
        alongside), ``few-samples``, ``unresolved`` (thinner than the blur lets measure; NaN where not even a rough
        value holds) and ``width-failed`` (NaN).

    Notes
    -----
    Profile model: a box convolved with the photograph's Gaussian blur on a sloping background, the two edges free,
    the inside of thick shafts left out because of highlights. The blur is `photo.psf_sigma_px` to start with and
    then the robust median over the hairs' own edges. Unbiased above about two standard deviations of the blur.
    """
    image = photo.rgb.astype(np.float32)
    curves = [smooth_curve(hair.path_xy, 2.0 * maps.px_per_cell) for hair in hairs]
    if all(curve is None for curve in curves):
        return [_finished(hair, Width(nan, nan, 0), nan, ()) for hair in hairs]
    guess = guess_shafts(image, curves, maps)
    usual_sigma = _USUAL_SIGMA_UM * maps.px_per_cell / maps.um_per_cell
    start_sigma = photo.psf_sigma_px if isfinite(photo.psf_sigma_px) else usual_sigma
    start, end = _middle_part(guess)
    blur = _find_blur(photo, image, guess, start, end, float(np.clip(start_sigma, 0.7, 6.0)))
    stations = place_stations(guess.curves, start, end, _STATIONS, 2.0)
    readings = _read(photo, image, guess, stations, blur.sigma_px)
    return [_summarised(hair, index, readings, blur) for index, hair in enumerate(hairs)]


def _middle_part(guess: Guess) -> tuple[FloatArray, FloatArray]:
    """Arc lengths between which a hair is measured: away from the shadow at the root and from the cut tip."""
    length = np.array([0.0 if curve is None else curve.length_px for curve in guess.curves])
    start = np.maximum(2 * guess.half_px, 0.1 * length)
    end = length - np.maximum(guess.half_px, 0.1 * length)
    short = end - start < 0.3 * length
    return np.where(short, length / 3, start), np.where(short, 2 * length / 3, end)


def _find_blur(
    photo: Photo, image: NDArray[np.float32], guess: Guess, start: FloatArray, end: FloatArray, sigma_px: float
) -> Blur:
    """Blur from the hairs' own edges: the median over hairs of the fits in which it was free."""
    stations = place_stations(guess.curves, start, end, _BLUR_STATIONS, 4.0)
    thick = guess.half_px[stations.hair] > sigma_px
    if thick.sum() < 3:
        return Blur(sigma_px, 0.12 * sigma_px)
    readings = _read(photo, image, guess, stations.take(thick), sigma_px, free_sigma=True)
    good = readings.good & np.isinf(readings.gap_px)
    ratio = readings.width_px / readings.sigma_px
    thick = good & (ratio > _SEPARATE_SIGMAS)
    # Thinner shafts mix width and blur: they are asked only where there is no thick one, and believed less.
    use, doubt = (thick, 0.03) if thick.any() else (good, 0.1)
    if not use.any() or np.median(ratio[use]) < _MIXED_SIGMAS:
        return Blur(sigma_px, 0.12 * sigma_px)
    hairs = np.unique(readings.hair[use])
    per_hair = np.array([np.median(readings.sigma_px[use & (readings.hair == hair)]) for hair in hairs])
    found = float(np.median(per_hair))
    spread = 1.4826 * float(np.median(np.abs(per_hair - found))) if len(per_hair) >= 4 else 0.08 * found
    return Blur(found, max(spread, doubt * found))


def _read(
    photo: Photo,
    image: NDArray[np.float32],
    guess: Guess,
    stations: Stations,
    sigma_px: float,
    *,
    free_sigma: bool = False,
) -> _Readings:
    """Fit every station; those with a neighbour alongside together with it."""
    reach = 2.5 * float(np.max(guess.half_px)) + 8 * sigma_px + 6.0
    neighbours = find_neighbours(stations, guess.curves, guess.half_px, reach, 3 * sigma_px)
    layout = lay_out(stations, neighbours, guess.half_px, sigma_px)
    open_to_fit = layout.usable & np.isfinite(guess.tone.direction[stations.hair, 0])
    kind = layout.joint @ np.array([1, 2])
    table = np.full((len(stations), 7), np.nan)
    table[:, 6] = np.where(kind > 0, 0.0, np.inf)
    good = np.zeros(len(stations), dtype=bool)
    for which in range(4):
        rows = np.flatnonzero(open_to_fit & (kind == which))
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
                fit.width_per_sigma,
                fit.contrast[:, 0],
                fit.sigma_px,
                fit.gap_px,
            ]
        )
        good[rows] = judged & _trusted(fit, guess.half_px[some.hair])
    width, centre, se, by_sigma, contrast, sigma, gap = table.T
    return _Readings(
        stations.hair, stations.arc_px, width, centre, se, by_sigma, contrast, sigma, good, gap, guess.half_px
    )


def _trusted(fit: EdgeFit, half_px: FloatArray) -> NDArray[np.bool_]:
    """Tell where a fit explains its profile and stayed near the shaft it began with."""
    width = fit.width_px
    near = np.abs(fit.centre_px) < np.maximum(4.0, half_px)
    alike = (width > 0.35 * half_px) & (width < 4.0 * half_px + 4.0)
    sure = fit.width_se_px < np.maximum(0.25 * width, 0.5)
    return np.asarray(near & alike & sure & (fit.contrast[:, 0] > 0.3) & (fit.residual < 0.2))


def _summarised(hair: Hair, index: int, readings: _Readings, blur: Blur) -> Hair:
    """Hair with the width that its stations give."""
    rows = np.flatnonzero((readings.hair == index) & readings.good)
    rows = rows[_consistent(readings.contrast[rows])]
    rows, touching = _best_separated(rows, readings.gap_px[rows], blur.sigma_px)
    if not len(rows):
        crowded = bool((np.isfinite(readings.gap_px) & (readings.hair == index)).any())
        thin = ("unresolved",) if 2 * readings.half_px[index] < _MIXED_SIGMAS * blur.sigma_px else ()
        return _finished(hair, Width(nan, nan, 0), nan, (*thin, *(("touching",) if crowded else ())))
    slant = _slant(readings.arc_px[rows], readings.centre_px[rows])
    found = summarise(readings.width_px[rows] * slant, readings.se_px[rows], shared=touching)
    by_sigma = float(np.median(readings.width_per_sigma[rows]))
    unseen = _UNSEEN_EDGE_SHARE * found.width_px if touching else 0.0
    found = replace(found, se_px=hypot(found.se_px, by_sigma * blur.sd_px, unseen))
    return _finished(hair, found, blur.sigma_px, ("touching",) if touching else ())


def _best_separated(rows: NDArray[np.intp], gap_px: FloatArray, sigma_px: float) -> tuple[NDArray[np.intp], bool]:
    """Stations where the hair stands free, else with a gap to see, else all; and whether it touches another there."""
    for least in (np.inf, 2.0 * sigma_px):
        clear = rows[gap_px >= least]
        if len(clear) >= _FEW:
            return clear, False
    return rows, bool((gap_px < 2.0 * sigma_px).any())


def _consistent(contrast: FloatArray) -> NDArray[np.bool_]:
    """Tell where the contrast is like the rest of the hair: not faded under skin, scale or gel."""
    if not len(contrast):
        return np.zeros(0, dtype=bool)
    usual = float(np.median(contrast))
    return np.asarray((contrast > 0.6 * usual) & (contrast < 1.6 * usual))


def _slant(arc_px: FloatArray, centre_px: FloatArray) -> FloatArray:
    """Cosine of the angle between the true axis and the curve the normals were taken from."""
    if len(arc_px) < 4:
        return np.ones(len(arc_px))
    return np.asarray(1.0 / np.hypot(1.0, np.gradient(robust_line(arc_px, centre_px), arc_px)))


def _finished(hair: Hair, found: Width, sigma_px: float, flags: tuple[str, ...]) -> Hair:
    """Hair with width, standard error and flags."""
    width, se = found.width_px, found.se_px
    if not isfinite(width):
        return replace(hair, width_px=nan, width_se_px=nan, flags=(*hair.flags, *flags, "width-failed"))
    if found.stations < _FEW:
        flags = (*flags, "few-samples")
    thin = width < _UNRESOLVED_SIGMAS * sigma_px
    if thin or (width < 4.0 * sigma_px and se > _DOUBTFUL_SHARE * width):
        flags = (*flags, "unresolved")
        if se > 0.3 * width:
            width, se = nan, nan
    return replace(hair, width_px=width, width_se_px=se, flags=(*hair.flags, *flags))
