"""Both edges of a shaft in a brightness profile, fitted for all profiles of a photograph at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairscan.measure.model import PER_SHAFT, Prior, Profiles, shaft_model, start_state
from hairscan.types import FloatArray

_STEPS = 14
_REWEIGHT_AT = (3, 6)
_CONVERGED_PX = 2e-3


@dataclass(frozen=True, slots=True)
class EdgeFit:
    """What the fit found.

    Attributes
    ----------
    edge_px : float array, shape (N, M, 2)
    contrast : float array, shape (N, M)
    width_se_px : float array, shape (N,)
        Formal standard error of the width of the first shaft.
    sigma_px : float array, shape (N,)
        Blur that was assumed, or found where it was free.
    width_per_sigma : float array, shape (N,)
        Change of the first shaft's width for a change of the assumed blur.
    residual : float array, shape (N,)
        Robust scale of what is left, in units of the contrast.
    """

    edge_px: FloatArray
    contrast: FloatArray
    width_se_px: FloatArray
    sigma_px: FloatArray
    width_per_sigma: FloatArray
    residual: FloatArray

    @property
    def width_px(self) -> FloatArray:
        """Width of the first shaft, px."""
        return np.asarray(self.edge_px[:, 0, 1] - self.edge_px[:, 0, 0])

    @property
    def centre_px(self) -> FloatArray:
        """Middle of the first shaft, px."""
        return np.asarray(self.edge_px[:, 0].mean(axis=1))

    @property
    def gap_px(self) -> FloatArray:
        """Skin between the first shaft and the nearest one fitted with it; infinite where there is none."""
        own, others = self.edge_px[:, :1], self.edge_px[:, 1:]
        gap = np.maximum(others[..., 0] - own[..., 1], own[..., 0] - others[..., 1])
        return np.asarray(gap.min(axis=1, initial=np.inf))


def fit_edges(profiles: Profiles, sigma_px: FloatArray, *, free_sigma: bool = False) -> EdgeFit:
    """Edges of the shafts in each profile, by a damped Gauss-Newton fit of blurred boxes on a sloping background.

    Parameters
    ----------
    profiles : Profiles
    sigma_px : float array, shape (N,)
        Standard deviation of the blur.
    free_sigma : bool
        Fit the blur of each profile too.

    Notes
    -----
    Model: ``b0 + b1 x + sum_j A_j(x) [Phi((x - l_j) / s) - Phi((x - r_j) / s)]``, a box convolved with a Gaussian.
    ``A_j`` has one value on the left and one on the right half of the shaft: a thick shaft may be lit from one side.
    That freedom is taken away where the blur mixes the halves. A shaft that shines has a highlight along its middle.
    Weights are Cauchy's, with the scale of the residuals.
    """
    state = start_state(profiles, sigma_px, free_sigma)
    prior = Prior.of(profiles, sigma_px, free_sigma)
    damping = np.full(len(sigma_px), 1e-3)
    weight = profiles.weight
    model, jacobian = shaft_model(profiles, state, sigma_px, free_sigma)
    cost = _cost(profiles, weight, model, state, prior)
    active = np.arange(len(sigma_px))
    for step in range(_STEPS):
        if step in _REWEIGHT_AT:
            weight = _robust(profiles, model)
            cost = _cost(profiles, weight, model, state, prior)
            active = np.arange(len(sigma_px))
        if not len(active):
            if step > max(_REWEIGHT_AT):
                break
            continue
        some, some_prior = profiles.take(active), prior.take(active)
        change = _solve(
            some, weight[active], model[active], jacobian[active], state[active], some_prior, damping[active]
        )
        trial = _bounded(state[active], change, some.edge_px.shape[1], free_sigma)
        new_model, new_jacobian = shaft_model(some, trial, sigma_px[active], free_sigma)
        new_cost = _cost(some, weight[active], new_model, trial, some_prior)
        better = new_cost <= cost[active]
        damping[active] = np.clip(damping[active] * np.where(better, 0.2, 8.0), 1e-7, 1e6)
        kept = active[better]
        state[kept], model[kept], jacobian[kept] = trial[better], new_model[better], new_jacobian[better]
        cost[kept] = new_cost[better]
        moved = np.abs(change[:, [0, 1, -1] if free_sigma else [0, 1]]).max(axis=1)
        active = active[~(better & (moved < _CONVERGED_PX)) & (damping[active] < 1e5)]
    return _report(profiles, weight, model, jacobian, state, prior, sigma_px, free_sigma)


def _cost(profiles: Profiles, weight: FloatArray, model: FloatArray, state: FloatArray, prior: Prior) -> FloatArray:
    """Weighted sum of squares plus prior, shape (N,)."""
    away = state - prior.mean
    held = np.einsum("np,npq,nq->n", away, prior.precision, away)
    return np.asarray((weight * (profiles.level - model) ** 2).sum(axis=1) + held)


def _normal(weight: FloatArray, jacobian: FloatArray, prior: Prior) -> FloatArray:
    return np.asarray(np.swapaxes(jacobian, 1, 2) @ (jacobian * weight[..., None]) + prior.precision)


def _solve(
    profiles: Profiles,
    weight: FloatArray,
    model: FloatArray,
    jacobian: FloatArray,
    state: FloatArray,
    prior: Prior,
    damping: FloatArray,
) -> FloatArray:
    """Damped Gauss-Newton step, shape (N, P)."""
    normal = _normal(weight, jacobian, prior)
    diagonal = np.einsum("npp->np", normal)
    gradient = np.einsum("nkp,nk->np", jacobian, weight * (profiles.level - model))
    gradient -= np.einsum("npq,nq->np", prior.precision, state - prior.mean)
    damped = normal.copy()
    np.einsum("npp->np", damped)[:] += damping[:, None] * diagonal + 1e-9
    return np.asarray(np.linalg.solve(damped, gradient[..., None])[..., 0])


def _bounded(state: FloatArray, change: FloatArray, shafts: int, free_sigma: bool) -> FloatArray:
    """State after the step, with every shaft at least a little wide and the blur positive."""
    new = state + change
    for shaft in range(shafts):
        left, right = new[:, PER_SHAFT * shaft], new[:, PER_SHAFT * shaft + 1]
        lack = np.maximum(0.2 - (right - left), 0.0) / 2
        new[:, PER_SHAFT * shaft], new[:, PER_SHAFT * shaft + 1] = left - lack, right + lack
    if free_sigma:
        new[:, -1] = np.maximum(new[:, -1], 0.3)
    return new


def _scale(profiles: Profiles, model: FloatArray) -> FloatArray:
    """Robust standard deviation of the residuals of each profile."""
    used = profiles.weight > 0
    used[~used.any(axis=1)] = True
    residual = np.where(used, np.abs(profiles.level - model), np.nan)
    return np.asarray(np.maximum(1.4826 * np.nanmedian(residual, axis=1), 1e-3))


def _robust(profiles: Profiles, model: FloatArray) -> FloatArray:
    """Cauchy weights times the given ones."""
    scale = np.maximum(_scale(profiles, model), 0.01)[:, None]
    return np.asarray(profiles.weight / (1.0 + ((profiles.level - model) / (2.5 * scale)) ** 2))


def _report(
    profiles: Profiles,
    weight: FloatArray,
    model: FloatArray,
    jacobian: FloatArray,
    state: FloatArray,
    prior: Prior,
    sigma_px: FloatArray,
    free_sigma: bool,
) -> EdgeFit:
    shafts = profiles.edge_px.shape[1]
    covariance = np.linalg.pinv(_normal(weight, jacobian, prior), hermitian=True)
    residual = _scale(profiles, model)
    spread = covariance[:, 0, 0] + covariance[:, 1, 1] - 2 * covariance[:, 0, 1]
    if free_sigma:
        sensitivity = np.zeros(len(state))
    else:
        _, full = shaft_model(profiles, np.column_stack([state, sigma_px]), sigma_px, True)
        pull = np.einsum("nkp,nk->np", jacobian, weight * full[..., -1])
        shift = -np.einsum("npq,nq->np", covariance, pull)
        sensitivity = shift[:, 1] - shift[:, 0]
    edges = np.stack([state[:, PER_SHAFT * j : PER_SHAFT * j + 2] for j in range(shafts)], axis=1)
    contrast = np.stack([state[:, PER_SHAFT * j + 2 : PER_SHAFT * j + 4].mean(axis=1) for j in range(shafts)], axis=1)
    return EdgeFit(
        edges,
        contrast,
        np.sqrt(np.maximum(spread, 0.0)) * np.maximum(residual, 0.005),
        state[:, -1].copy() if free_sigma else sigma_px,
        sensitivity,
        residual,
    )
