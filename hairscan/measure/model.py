"""What a profile across one or more shafts should look like, its derivatives, and what is known beforehand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hairscan.types import FloatArray, MapArray

PER_SHAFT = 5
"""Parameters of a shaft: left edge, right edge, contrast of either half, highlight."""
_NOISE = 0.03
"""Noise of a profile in units of the hair's contrast, against which the priors are weighed."""
_FIXED_TIE = 0.02
_FAR = 40.0
"""Square of the distance from an edge, in standard deviations of the blur, from which on the density is held."""
_STRIPE_SHARE = 0.3
"""Half width of the highlight in half widths of the shaft."""


@dataclass(frozen=True, slots=True)
class Profiles:
    """Brightness profiles and where their shafts are thought to be.

    Attributes
    ----------
    offset_px, level, weight : float array, shape (N, K)
        Place along the normal, brightness in units of the hair's contrast (skin near 0, hair near 1), and weight.
    edge_px : float array, shape (N, M, 2)
        Starting places of the two edges of each of M shafts.
    shiny : bool array, shape (N,)
        The first shaft has a highlight along its middle.
    """

    offset_px: FloatArray
    level: FloatArray
    weight: FloatArray
    edge_px: FloatArray
    shiny: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Grid:
    """What of the model of a profile stays the same during a fit.

    Attributes
    ----------
    offset_px : float array, shape (N, K)
    on_left : bool array, shape (N, M, K)
        The place lies on the left half of a shaft.
    stripe : float array, shape (N, M, K)
        Blurred highlight along the middle of a shaft.

    Notes
    -----
    Samples are in single precision: they are of 8 bits, and there are many of them. Parameters are in double.
    """

    offset_px: MapArray
    on_left: NDArray[np.bool_]
    stripe: MapArray

    def take(self, chosen: NDArray[np.intp]) -> Grid:
        """Grids of the chosen profiles."""
        return Grid(self.offset_px[chosen], self.on_left[chosen], self.stripe[chosen])

    @staticmethod
    def of(profiles: Profiles, sigma_px: FloatArray) -> Grid:
        """Shafts where they are thought to be before the fit."""
        away = (profiles.offset_px[:, None, :] - profiles.edge_px.mean(axis=2)[..., None]).astype(np.float32)
        reach = (0.5 * _STRIPE_SHARE * np.diff(profiles.edge_px, axis=2)).astype(np.float32)
        sigma = sigma_px[:, None, None].astype(np.float32)
        stripe = _step((reach - np.abs(away)) / sigma)[0] - _step((-reach - np.abs(away)) / sigma)[0]
        return Grid(profiles.offset_px.astype(np.float32), away < 0, stripe)


def start_state(profiles: Profiles, sigma_px: FloatArray, free_sigma: bool) -> FloatArray:
    """Parameters ``[l, r, A_left, A_right, stripe] * M + [b0, b1] (+ [sigma])`` to begin with, shape (N, P)."""
    count, shafts = profiles.edge_px.shape[:2]
    state = np.zeros((count, PER_SHAFT * shafts + 2 + int(free_sigma)))
    for shaft in range(shafts):
        state[:, PER_SHAFT * shaft : PER_SHAFT * shaft + 2] = profiles.edge_px[:, shaft]
        state[:, PER_SHAFT * shaft + 2 : PER_SHAFT * shaft + 4] = 1.0
    if free_sigma:
        state[:, -1] = sigma_px
    return state


def shaft_model(grid: Grid, state: FloatArray, sigma_px: FloatArray, free_sigma: bool) -> tuple[MapArray, MapArray]:
    """Model values (N, K) and their derivatives (N, P, K)."""
    x, values = grid.offset_px, state.astype(np.float32)
    count, shafts, samples = grid.stripe.shape
    sigma = values[:, -1, None, None] if free_sigma else sigma_px[:, None, None].astype(np.float32)
    level = PER_SHAFT * shafts
    of_shaft = values[:, :level].reshape(count, shafts, PER_SHAFT)
    edges, contrasts = of_shaft[:, :, :2, None], of_shaft[:, :, 2:4, None]
    z = (x[:, None, None] - edges) / sigma[..., None]
    step, slope = _step(z)
    box = step[:, :, 0] - step[:, :, 1]
    slope *= (np.where(grid.on_left, contrasts[:, :, 0], contrasts[:, :, 1]) / sigma)[:, :, None]
    jacobian = np.empty((count, state.shape[1], samples), np.float32)
    by_shaft = jacobian[:, :level].reshape(count, shafts, PER_SHAFT, samples)
    np.negative(slope[:, :, 0], out=by_shaft[:, :, 0])
    by_shaft[:, :, 1] = slope[:, :, 1]
    by_shaft[:, :, 2] = box * grid.on_left
    by_shaft[:, :, 3] = box - by_shaft[:, :, 2]
    by_shaft[:, :, 4] = grid.stripe
    jacobian[:, level] = 1.0
    jacobian[:, level + 1] = x
    if free_sigma:
        slope *= z
        jacobian[:, -1] = (slope[:, :, 1] - slope[:, :, 0]).sum(axis=1)
    # The model is linear in all but the edges and the blur: what is left is the sum of those terms.
    edges[:] = 0.0
    values[:, level + 2 :] = 0.0
    return (values[:, None] @ jacobian)[:, 0], jacobian


def _step(z: MapArray) -> tuple[MapArray, MapArray]:
    """Normal distribution function to single precision, and its density.

    Abramowitz and Stegun 26.2.17: it needs the density that the derivatives need too, and so costs a fraction of
    `scipy.special.ndtr`, in which a fit would spend most of its time. In place: new memory costs more than the sums.
    """
    density = z * z
    # Far out, where neither changes any more: products of densities below would be denormal numbers, which are slow.
    np.minimum(density, _FAR, out=density)
    density *= -0.5
    np.exp(density, out=density)
    density *= 0.3989422804014327
    t = np.abs(z)
    t *= 0.2316419
    t += 1.0
    np.reciprocal(t, out=t)
    tail = 1.330274429 * t
    for coefficient in (-1.821255978, 1.781477937, -0.356563782, 0.319381530):
        tail += coefficient
        tail *= t
    tail *= density
    return np.where(z > 0, 1.0 - tail, tail), density


@dataclass(frozen=True, slots=True)
class Prior:
    """Quadratic prior ``(state - mean)^T precision (state - mean)``, in units of the squared noise."""

    precision: FloatArray
    mean: FloatArray

    def take(self, chosen: NDArray[np.intp]) -> Prior:
        """Priors of the chosen profiles."""
        return Prior(self.precision[chosen], self.mean[chosen])

    @staticmethod
    def of(profiles: Profiles, sigma_px: FloatArray, free_sigma: bool) -> Prior:
        """Collect what is known before the fit: thin shafts are even, touching shafts alike."""
        count, shafts = profiles.edge_px.shape[:2]
        size = PER_SHAFT * shafts + 2 + int(free_sigma)
        precision = np.zeros((count, size, size))
        mean = start_state(profiles, sigma_px, free_sigma)
        width = np.diff(profiles.edge_px, axis=2)[..., 0]
        for shaft in range(shafts):
            at = PER_SHAFT * shaft
            apart = np.clip(width[:, shaft] / sigma_px / 3.0 - 4.0 / 3.0, 0.0, 1.0)
            _add(precision, {at + 2: 1.0, at + 3: -1.0}, _FIXED_TIE + 0.4 * apart)
            _add(precision, {at + 4: 1.0}, np.where(profiles.shiny, 1.0, _FIXED_TIE))
            if shaft:
                # Where two shafts touch, their common edge is invisible: similar width and colour break the tie.
                _add(precision, {0: -1.0, 1: 1.0, at: 1.0, at + 1: -1.0}, 0.25 * width[:, 0])
                _add(precision, {2: 0.5, 3: 0.5, at + 2: -0.5, at + 3: -0.5}, np.full(count, 0.3))
        _add(precision, {PER_SHAFT * shafts + 1: 1.0}, np.full(count, 0.05))
        if free_sigma:
            _add(precision, {size - 1: 1.0}, sigma_px)
        return Prior(precision, mean)


def _add(precision: FloatArray, combination: dict[int, float], sd: FloatArray) -> None:
    """Hold one linear combination of the parameters at its start, with a standard deviation."""
    strength = (_NOISE / sd) ** 2
    for row, a in combination.items():
        for column, b in combination.items():
            precision[:, row, column] += strength * a * b
