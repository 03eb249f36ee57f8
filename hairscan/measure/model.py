"""What a profile across one or more shafts should look like, its derivatives, and what is known beforehand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from hairscan.types import FloatArray

PER_SHAFT = 5
"""Parameters of a shaft: left edge, right edge, contrast of either half, highlight."""
_NOISE = 0.03
"""Noise of a profile in units of the hair's contrast, against which the priors are weighed."""
_FIXED_TIE = 0.02
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

    def take(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> Profiles:
        """Profiles that were chosen."""
        return Profiles(
            self.offset_px[chosen], self.level[chosen], self.weight[chosen], self.edge_px[chosen], self.shiny[chosen]
        )


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


def shaft_model(
    profiles: Profiles, state: FloatArray, sigma_px: FloatArray, free_sigma: bool
) -> tuple[FloatArray, FloatArray]:
    """Model values (N, K) and their derivatives (N, K, P)."""
    x = profiles.offset_px
    sigma = (state[:, -1] if free_sigma else sigma_px)[:, None]
    shafts = profiles.edge_px.shape[1]
    jacobian = np.empty((*x.shape, state.shape[1]))
    level = PER_SHAFT * shafts
    jacobian[..., level] = 1.0
    jacobian[..., level + 1] = x
    value = state[:, level, None] + state[:, level + 1, None] * x
    by_sigma = np.zeros_like(x)
    for shaft in range(shafts):
        at = PER_SHAFT * shaft
        left, right, contrast_left, contrast_right = (state[:, at + k, None] for k in range(4))
        on_left = x < profiles.edge_px[:, shaft].mean(axis=1)[:, None]
        contrast = np.where(on_left, contrast_left, contrast_right)
        z_left, z_right = (x - left) / sigma, (x - right) / sigma
        box = ndtr(z_left) - ndtr(z_right)
        slope_left = contrast * np.exp(-0.5 * z_left * z_left) / (2.5066282746 * sigma)
        slope_right = contrast * np.exp(-0.5 * z_right * z_right) / (2.5066282746 * sigma)
        value = value + contrast * box
        jacobian[..., at] = -slope_left
        jacobian[..., at + 1] = slope_right
        jacobian[..., at + 2] = np.where(on_left, box, 0.0)
        jacobian[..., at + 3] = np.where(on_left, 0.0, box)
        jacobian[..., at + 4] = _stripe(profiles, shaft, sigma_px)
        value = value + state[:, at + 4, None] * jacobian[..., at + 4]
        by_sigma += z_right * slope_right - z_left * slope_left
    if free_sigma:
        jacobian[..., -1] = by_sigma
    return value, jacobian


def _stripe(profiles: Profiles, shaft: int, sigma_px: FloatArray) -> FloatArray:
    """Blurred highlight along the middle of a shaft, shape (N, K)."""
    edge = profiles.edge_px[:, shaft]
    away = np.abs(profiles.offset_px - edge.mean(axis=1)[:, None])
    reach = 0.5 * _STRIPE_SHARE * (edge[:, 1] - edge[:, 0])[:, None]
    blur = sigma_px[:, None]
    return np.asarray(ndtr((reach - away) / blur) - ndtr((-reach - away) / blur))


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
