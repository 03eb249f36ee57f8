"""Both edges of a shaft in a brightness profile, fitted for all profiles of a photograph at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hairscan.measure.model import PER_SHAFT, Grid, Prior, Profiles, shaft_model
from hairscan.measure.robust import row_medians
from hairscan.types import FloatArray, MapArray

_STEPS = 6
_REWEIGHT_AT = (2, 4)
_CONVERGED_PX = 1e-2
_ROUNDING = 1e-6
"""A sum of squares in single precision that grew by less than this share did not grow."""


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
    misfit : float array, shape (N, K)
        What is left at every sample, times the root of its weight.
    """

    edge_px: FloatArray
    contrast: FloatArray
    width_se_px: FloatArray
    sigma_px: FloatArray
    width_per_sigma: FloatArray
    residual: FloatArray
    misfit: MapArray

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


@dataclass(frozen=True, slots=True)
class _Problem:
    """Levels (N, K) to be explained, their weights, and what is known beforehand."""

    grid: Grid
    level: MapArray
    weight: MapArray
    prior: Prior
    sigma_px: FloatArray
    free_sigma: bool

    def take(self, chosen: NDArray[np.intp]) -> _Problem:
        """Problems of the chosen profiles."""
        return _Problem(
            self.grid.take(chosen),
            self.level[chosen],
            self.weight[chosen],
            self.prior.take(chosen),
            self.sigma_px[chosen],
            self.free_sigma,
        )


class _Stand(NamedTuple):
    """Where the fit stands: sum of squares (N,), its gradient (N, P) and curvature (N, P, P), residuals (N, K)."""

    cost: FloatArray
    gradient: FloatArray
    normal: FloatArray
    residual: MapArray


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
    everyone = np.arange(len(sigma_px))
    prior = Prior.of(profiles, sigma_px, free_sigma)
    level, weight = profiles.level.astype(np.float32), profiles.weight.astype(np.float32)
    problem = _Problem(Grid.of(profiles, sigma_px), level, weight, prior, sigma_px, free_sigma)
    state, damping, active = prior.mean.copy(), np.full(len(sigma_px), 1e-3), everyone
    stand = _stand(problem, state)
    for step in range(_STEPS):
        if step in _REWEIGHT_AT:
            problem = replace(problem, weight=_robust(weight, stand.residual))
            stand, active = _stand(problem, state), everyone
        if not len(active):
            continue
        some = problem if len(active) == len(everyone) else problem.take(active)
        change = _solve(stand.normal[active], stand.gradient[active], damping[active])
        trial = _bounded(state[active] + change, profiles.edge_px.shape[1], free_sigma)
        new = _stand(some, trial)
        better = new.cost <= stand.cost[active] * (1.0 + _ROUNDING)
        damping[active] = np.clip(damping[active] * np.where(better, 0.2, 8.0), 1e-7, 1e6)
        state[active[better]] = trial[better]
        for name, old in stand._asdict().items():
            old[active[better]] = getattr(new, name)[better]
        moved = np.abs(change[:, [0, 1, -1] if free_sigma else [0, 1]]).max(axis=1)
        active = active[~(better & (moved < _CONVERGED_PX)) & (damping[active] < 1e5)]
    return _report(profiles, problem, stand, state)


def _stand(problem: _Problem, state: FloatArray) -> _Stand:
    """Where a state leaves the fit."""
    model, jacobian = shaft_model(problem.grid, state, problem.sigma_px, problem.free_sigma)
    residual = problem.level - model
    weighted = jacobian * problem.weight[:, None]
    away = state - problem.prior.mean
    held = (problem.prior.precision @ away[..., None])[..., 0]
    return _Stand(
        (problem.weight * residual**2).sum(axis=1) + (away * held).sum(axis=1),
        (weighted @ residual[..., None])[..., 0] - held,
        weighted @ np.swapaxes(jacobian, 1, 2) + problem.prior.precision,
        residual,
    )


def _solve(normal: FloatArray, gradient: FloatArray, damping: FloatArray) -> FloatArray:
    """Damped Gauss-Newton step, shape (N, P)."""
    damped = normal.copy()
    diagonal = np.einsum("npp->np", damped)
    diagonal += damping[:, None] * diagonal + 1e-9
    return np.asarray(np.linalg.solve(damped, gradient[..., None])[..., 0])


def _bounded(state: FloatArray, shafts: int, free_sigma: bool) -> FloatArray:
    """State with every shaft at least a little wide and the blur positive."""
    for shaft in range(shafts):
        left, right = state[:, PER_SHAFT * shaft], state[:, PER_SHAFT * shaft + 1]
        lack = np.maximum(0.2 - (right - left), 0.0) / 2
        left -= lack
        right += lack
    if free_sigma:
        state[:, -1] = np.maximum(state[:, -1], 0.3)
    return state


def _scale(used: NDArray[np.bool_], residual: MapArray) -> MapArray:
    """Robust standard deviation of the residuals of each profile: the median of those that are used, else of all."""
    used = used.copy()
    used[~used.any(axis=1)] = True
    return np.asarray(np.maximum(1.4826 * row_medians(np.abs(residual), used), 1e-3), np.float32)


def _robust(weight: MapArray, residual: MapArray) -> MapArray:
    """Cauchy weights times the given ones."""
    scale = np.maximum(_scale(weight > 0, residual), 0.01)[:, None]
    return np.asarray(weight / (1.0 + (residual / (2.5 * scale)) ** 2))


def _report(profiles: Profiles, problem: _Problem, stand: _Stand, state: FloatArray) -> EdgeFit:
    shafts, sigma_px = profiles.edge_px.shape[1], problem.sigma_px
    residual = _scale(profiles.weight > 0, stand.residual).astype(np.float64)
    # One column of the covariance is enough: that of the width, right edge less left edge.
    width = np.zeros((*state.shape, 1))
    width[:, :2, 0] = (-1.0, 1.0)
    covariance = np.linalg.solve(stand.normal + 1e-9 * np.eye(state.shape[1]), width)[..., 0]
    spread = covariance[:, 1] - covariance[:, 0]
    if problem.free_sigma:
        sensitivity = np.zeros(len(state))
    else:
        _, jacobian = shaft_model(problem.grid, np.column_stack([state, sigma_px]), sigma_px, True)
        pull = jacobian[:, :-1] @ (problem.weight * jacobian[:, -1])[..., None]
        sensitivity = -(covariance * pull[..., 0]).sum(axis=1)
    edges = np.stack([state[:, PER_SHAFT * j : PER_SHAFT * j + 2] for j in range(shafts)], axis=1)
    contrast = np.stack([state[:, PER_SHAFT * j + 2 : PER_SHAFT * j + 4].mean(axis=1) for j in range(shafts)], axis=1)
    return EdgeFit(
        edges,
        contrast,
        np.sqrt(np.maximum(spread, 0.0)) * np.maximum(residual, 0.005),
        state[:, -1].copy() if problem.free_sigma else sigma_px,
        sensitivity,
        residual,
        np.sqrt(problem.weight) * stand.residual,
    )
