"""Even ticks along a row or column of a picture, and their distance to a fraction of a pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from hairscan.types import FloatArray

_BAND_PX = 8
_MIN_TICKS = 10
_MIN_PERIOD_PX, _MAX_PERIOD_SHARE = 4.0, 0.08
_MIN_CONTRAST = 12.0
_MAX_JITTER = 0.06
_MIN_SEEN = 0.9
_HARMONICS = 5
_BANDS_TRIED = 8


@dataclass(frozen=True, slots=True)
class Ruler:
    """A row of even ticks.

    Attributes
    ----------
    period_px, period_sd_px : float
        Distance of neighbouring ticks and its standard deviation.
    n_ticks : int
        Ticks from the first to the last, those hidden between included.
    ticks_xy : tuple of (x, y)
        The ticks that were seen, px.
    """

    period_px: float
    period_sd_px: float
    n_ticks: int
    ticks_xy: tuple[tuple[float, float], ...]


def find_ruler(gray: NDArray[np.uint8]) -> Ruler | None:
    """The ruler of a picture, or None: the band of rows or columns whose ticks are the most even.

    Notes
    -----
    Bands of 8 px are averaged into profiles; the period is the strongest peak of the spectrum of each, its
    overtones counted with it. Every tick is then placed by the centre of its weight, and the positions are fitted
    by a straight line in the tick number: the slope is the period, with the standard error of the fit. Hair may
    stand in rows but not to within 6 % of a period over ten ticks and more.
    """
    found: list[tuple[float, Ruler]] = []
    for vertical in (False, True):
        plane = (gray.T if vertical else gray).astype(np.float64)
        bands = plane[: plane.shape[0] // _BAND_PX * _BAND_PX].reshape(-1, _BAND_PX, plane.shape[1]).mean(axis=1)
        if bands.size == 0 or plane.shape[1] < 16 * _MIN_PERIOD_PX:
            continue
        strength, period_px = _spectral_peaks(bands)
        for k in np.argsort(-strength, kind="stable")[:_BANDS_TRIED]:
            across_px = (k + 0.5) * _BAND_PX - 0.5
            # The strongest peak may be an overtone of the ticks.
            fits = (_fit_ticks(bands[k], m * period_px[k], across_px, vertical) for m in range(1, _HARMONICS + 1))
            ruler = next((fit for fit in fits if fit is not None), None)
            if ruler is not None:
                found.append((ruler.period_sd_px / ruler.period_px, ruler))
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _spectral_peaks(bands: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Power of each profile in its best comb of frequencies, and the period of that comb, px."""
    # The slope of the profile: ticks are sharp, while the shading of skin and hair is broad.
    slope = np.diff(bands, axis=1)
    n = 4 * slope.shape[1]
    power = np.abs(np.fft.rfft(slope * np.hanning(slope.shape[1]), n=n, axis=1)) ** 2
    index = np.arange(int(n / (_MAX_PERIOD_SHARE * bands.shape[1])) + 1, int(n / _MIN_PERIOD_PX))
    comb = np.zeros((bands.shape[0], index.size))
    for harmonic in range(1, _HARMONICS + 1):
        within = index * harmonic < power.shape[1]
        comb[:, within] += power[:, index[within] * harmonic]
    best = comb.argmax(axis=1)
    return comb.max(axis=1), n / index[best]


def _fit_ticks(profile: FloatArray, period_px: float, across_px: float, vertical: bool) -> Ruler | None:
    """Ruler of one profile near a period; None where its ticks are too faint, too few or not even."""
    deviation = profile - uniform_filter1d(profile, 2 * round(period_px / 2) + 1, mode="nearest")
    if np.abs(np.percentile(deviation, 1)) > np.percentile(deviation, 99):
        deviation = -deviation
    strength = float(np.percentile(deviation, 98))
    if strength < _MIN_CONTRAST:
        return None
    places = _tick_places(deviation, period_px, 0.35 * strength)
    if places.size < _MIN_TICKS:
        return None
    period, offset = period_px, float(places[0])
    for _ in range(3):
        number = np.rint((places - offset) / period)
        period, offset = (float(v) for v in np.polyfit(number, places, 1))
    residual = places - (offset + period * number)
    if np.abs(residual).max() > 4 * _MAX_JITTER * period or residual.std() > _MAX_JITTER * period:
        return None
    n_ticks = int(number[-1] - number[0]) + 1
    if len(np.unique(number)) < max(_MIN_TICKS, _MIN_SEEN * n_ticks):
        return None
    spread = np.sqrt(((number - number.mean()) ** 2).sum())
    sd_px = max(float(residual.std(ddof=2)), 0.1) / spread
    ticks = tuple((across_px, float(p)) if vertical else (float(p), across_px) for p in places)
    return Ruler(period, float(sd_px), n_ticks, ticks)


def _tick_places(deviation: FloatArray, period_px: float, least: float) -> FloatArray:
    """Centres of the peaks above a level, in order, sub-pixel."""
    reach = max(1, int(0.3 * period_px))
    window = np.lib.stride_tricks.sliding_window_view(np.pad(deviation, reach, mode="edge"), 2 * reach + 1)
    peaks = np.flatnonzero((deviation >= window.max(axis=1)) & (deviation > least))
    peaks = peaks[(peaks >= reach) & (peaks < deviation.size - reach)]
    weights = np.maximum(window[peaks], 0) * (window[peaks] > 0.3 * deviation[peaks, None])
    return np.asarray(peaks + (weights * np.arange(-reach, reach + 1)).sum(axis=1) / weights.sum(axis=1))
