"""Width of every hair of a photograph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import hypot, isfinite, nan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hairscan.measure.blur import MIXED_SIGMAS, SEPARATE_SIGMAS, Blur, find_blur
from hairscan.measure.guess import Guess, guess_shafts
from hairscan.measure.neighbours import find_neighbours
from hairscan.measure.paths import place_stations, smooth_curves
from hairscan.measure.readings import Readings, read_widths
from hairscan.measure.robust import median, robust_lines
from hairscan.measure.summary import Width, summarise
from hairscan.types import FloatArray, Hair, HairMaps, Photo

_STATIONS = 24
_BLUR_STATIONS, _BLUR_EVERY = 100, 4
"""Stations that are asked for the blur of a photograph with many hairs, and every which of a hair is asked at least."""
_FEW = 5
_USUAL_SIGMA_UM = 5.0
_UNRESOLVED_SIGMAS = 2.0
_THIN_SIGMAS = 4.0
_DOUBTFUL_SHARE = 0.06
"""Standard error, as a share of the width, from which a thin hair counts as unresolved."""
_BOUNDED_SHARE = 0.5
"""Standard error, as a share of the width, from which an unresolved width says nothing."""
_LEAST_GOOD = 0.5
_MOST_TAPER_SHARE = 0.2
_DISAGREEMENT = 0.35
_COVERAGE_CELLS = 1.2
SCENE_SD_PX = 0.2
"""What a width is off beyond what its own profiles tell, each hair by itself, on phantoms."""
_COMMON_MISFIT = 5.0
"""By how much more than its formal error a misfit that all profiles of a hair share moves its width, on phantoms."""
_UNSEEN_EDGE_SHARE = 0.1
"""Standard error, as a share of the width, where two shafts touch without a gap to see, or a width is doubtful."""


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
        value holds), ``width-doubtful`` (most places did not fit, or the edges contradict the coverage) and
        ``width-failed`` (NaN).

    Notes
    -----
    Profile model: a box convolved with the photograph's Gaussian blur on a sloping background, the two edges free,
    the inside of thick shafts left out because of highlights. The blur is `photo.psf_sigma_px` to start with and
    then the robust median over the hairs' own edges. Unbiased above about two standard deviations of the blur.

    The standard error is that of a hair among the hairs of its photograph. What all of them have in common is not in
    it: the light that throws their shadows, and the scale.
    """
    image = photo.rgb.astype(np.float32)
    curves = smooth_curves([hair.path_xy for hair in hairs], 2.0 * maps.px_per_cell)
    if not len(curves.known):
        return [_failed(hair, ()) for hair in hairs]
    guess = guess_shafts(image, curves, maps)
    usual_sigma = _USUAL_SIGMA_UM * maps.px_per_cell / maps.um_per_cell
    start_sigma = photo.psf_sigma_px if isfinite(photo.psf_sigma_px) else usual_sigma
    start_sigma = float(np.clip(start_sigma, 0.7, 6.0))
    stations = place_stations(guess.curves, *_middle_part(guess), _STATIONS, 2.0)
    reach = 2.5 * float(np.max(guess.half_px)) + 8 * start_sigma + 6.0
    neighbours = find_neighbours(stations, guess.curves, guess.half_px, reach)
    some = stations.every(min(max(len(stations) // _BLUR_STATIONS, 1), _BLUR_EVERY))
    blur = find_blur(photo, image, guess, stations.take(some), neighbours.take(some), start_sigma)
    readings = read_widths(photo, image, guess, stations, neighbours, blur.sigma_px)
    usable = [_usable(index, readings, blur.sigma_px) for index in range(len(hairs))]
    slants = _slants([one.rows for one in usable], readings)
    return [
        _summarised(hair, index, one, slant, readings, guess, blur)
        for index, (hair, one, slant) in enumerate(zip(hairs, usable, slants, strict=True))
    ]


def _middle_part(guess: Guess) -> tuple[FloatArray, FloatArray]:
    """Arc lengths between which a hair is measured: away from the shadow at the root and from the cut tip."""
    length = guess.curves.length_px
    start = np.maximum(2 * guess.half_px, 0.1 * length)
    end = length - np.maximum(guess.half_px, 0.1 * length)
    short = end - start < 0.3 * length
    return np.where(short, length / 3, start), np.where(short, 2 * length / 3, end)


class _Usable(NamedTuple):
    """The stations of a hair that its width is taken from, their share, and whether it touches another there."""

    rows: NDArray[np.intp]
    share: float
    touching: bool


def _usable(index: int, readings: Readings, sigma_px: float) -> _Usable:
    """The stations that a hair's width is taken from."""
    fitted = np.flatnonzero((readings.hair == index) & np.isfinite(readings.width_px))
    rows = fitted[readings.good[fitted]]
    rows = rows[_consistent(readings.contrast[rows])]
    share = len(rows) / max(len(fitted), 1)
    rows, touching = _best_separated(rows, readings.gap_px[rows], sigma_px)
    return _Usable(rows, share, touching)


def _summarised(
    hair: Hair, index: int, usable: _Usable, slant: FloatArray, readings: Readings, guess: Guess, blur: Blur
) -> Hair:
    """Hair with the width that its stations give."""
    rows, share, touching = usable
    if not len(rows):
        crowded = bool((np.isfinite(readings.gap_px) & (readings.hair == index)).any())
        thin = ("unresolved",) if 2 * guess.half_px[index] < MIXED_SIGMAS * blur.sigma_px else ()
        return _failed(hair, (*thin, *(("touching",) if crowded else ())))
    found = summarise(readings.arc_px[rows], readings.width_px[rows] * slant, readings.se_px[rows], shared=touching)
    by_sigma = median(readings.width_per_sigma[rows])
    hidden = float(np.clip(2.0 - median(readings.gap_px[rows]) / blur.sigma_px, 0.0, 1.0)) if touching else 0.0
    # A taper leaves the width of the hair open where only one end of it could be read.
    middle_px = 0.5 * guess.curves.length_px[index]
    off_middle = abs(found.taper * (float(readings.arc_px[rows].mean()) - middle_px))
    off_middle = min(off_middle, _MOST_TAPER_SHARE * found.width_px)
    doubtful = (
        share < _LEAST_GOOD
        or found.stations < _FEW
        or _disagrees(found.width_px, float(guess.covered_px[index]), guess.cell_px)
    )
    doubt = _UNSEEN_EDGE_SHARE * found.width_px * hypot(hidden, float(doubtful))
    found = replace(found, se_px=hypot(found.se_px, by_sigma * blur.sd_px, off_middle, doubt))
    # Of hairs that touch, the whole formal error is in it already: no station averages it away.
    common_px = 0.0 if touching else _COMMON_MISFIT * median(readings.common_se_px[rows])
    scene_px = hypot(SCENE_SD_PX, common_px)
    flags = (*(("touching",) if touching else ()), *(("width-doubtful",) if doubtful else ()))
    return _finished(hair, found, scene_px, blur, flags)


def _disagrees(width_px: float, covered_px: float, cell_px: float) -> bool:
    """Tell where the edges are far from the coverage: a highlight, a shadow or a neighbour was taken for one."""
    return abs(width_px - covered_px) > max(_DISAGREEMENT * max(width_px, covered_px), _COVERAGE_CELLS * cell_px)


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
    usual = median(contrast)
    return np.asarray((contrast > 0.6 * usual) & (contrast < 1.6 * usual))


def _slants(rows_of: Sequence[NDArray[np.intp]], readings: Readings) -> list[FloatArray]:
    """Of the stations of every hair, the cosine of the angle between the true axis and the curve of the normals."""
    counts = np.array([len(rows) for rows in rows_of], np.intp)
    rows = np.concatenate(rows_of)
    arc_px = readings.arc_px[rows]
    courses = robust_lines(np.repeat(np.arange(len(counts)), counts), arc_px, readings.centre_px[rows])
    ends = np.cumsum(counts)[:-1]
    return [
        1.0 / np.hypot(1.0, np.gradient(course, arc)) if len(arc) > 1 else np.ones(len(arc))
        for course, arc in zip(np.split(courses, ends), np.split(arc_px, ends), strict=True)
    ]


def _failed(hair: Hair, flags: tuple[str, ...]) -> Hair:
    """Hair without a width."""
    return replace(hair, width_px=nan, width_se_px=nan, flags=(*hair.flags, *flags, "width-failed"))


def _finished(hair: Hair, found: Width, scene_px: float, blur: Blur, flags: tuple[str, ...]) -> Hair:
    """Hair with width, standard error and flags; what the scene adds to the error hides no width."""
    width, se = found.width_px, found.se_px
    if found.stations < _FEW:
        flags = (*flags, "few-samples")
    if _unresolved(width, se, blur):
        flags = (*flags, "unresolved")
        if se > _BOUNDED_SHARE * width:
            width, se = nan, nan
    return replace(hair, width_px=width, width_se_px=hypot(se, scene_px), flags=(*hair.flags, *flags))


def _unresolved(width_px: float, se_px: float, blur: Blur) -> bool:
    """Tell where the blur hides the width."""
    ratio = width_px / blur.sigma_px
    unsure = ratio < _THIN_SIGMAS and se_px > _DOUBTFUL_SHARE * width_px
    return ratio < _UNRESOLVED_SIGMAS or unsure or (not blur.confirmed and ratio < SEPARATE_SIGMAS)
