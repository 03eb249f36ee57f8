"""The restricted likelihood of repeated measures with an unstructured covariance, and its derivatives.

Subjects that were seen at the same visits share one covariance, so the sums of their cross-products are all that the
likelihood needs: its cost does not grow with the number of subjects.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi

import numpy as np
from numpy.typing import NDArray

from hairscan.types import FloatArray


@dataclass(frozen=True, slots=True)
class CrossProducts:
    """Sums over the subjects of each pattern of visits.

    Attributes
    ----------
    seen : bool array, shape (G, V)
        The visits of each pattern.
    n_subjects : float array, shape (G,)
    sums : float array, shape (G * V * V, K * K)
        Of ``z[v, i] z[u, j]`` over subjects, where ``z`` (V, K) holds the P columns of the design and the response of
        a subject, 0 where not seen.
    n_columns : int
        P.
    """

    seen: NDArray[np.bool_]
    n_subjects: FloatArray
    sums: FloatArray
    n_columns: int

    @property
    def n_observations(self) -> int:
        """All values of all subjects."""
        return int((self.n_subjects * self.seen.sum(axis=1)).sum())

    def mean_squares(self) -> FloatArray:
        """Mean square of the response at each visit, shape (V,)."""
        n_visits = self.seen.shape[1]
        squares = self.sums[:, -1].reshape(-1, n_visits, n_visits).sum(axis=0).diagonal()
        return np.asarray(squares / (self.n_subjects @ self.seen))


@dataclass(frozen=True, slots=True)
class RemlTerms:
    """The deviance at one covariance and what follows from it.

    Attributes
    ----------
    deviance : float
        Minus twice the restricted log likelihood.
    gradient, hessian : float arrays, shapes (M,) and (M, M)
        Of the deviance in the M = V (V + 1) / 2 elements of the lower triangle of the covariance, row by row.
    coefficients, covariance : float arrays, shapes (P,) and (P, P)
        Generalised least squares at this covariance.
    covariance_slopes : float array, shape (M, P, P)
        Derivative of `covariance` in each element.
    """

    deviance: float
    gradient: FloatArray
    hessian: FloatArray
    coefficients: FloatArray
    covariance: FloatArray
    covariance_slopes: FloatArray


def sum_patterns(
    response: FloatArray, design: FloatArray, subject: NDArray[np.intp], visit: NDArray[np.intp]
) -> CrossProducts:
    """Sum the cross-products of subjects by the visits they were seen at.

    Parameters
    ----------
    response : float array, shape (N,)
    design : float array, shape (N, P)
    subject, visit : int arrays, shape (N,)
        Numbered from 0; no pair twice.
    """
    n_visits, n_columns = int(visit.max()) + 1, design.shape[1]
    values = np.zeros((int(subject.max()) + 1, n_visits, n_columns + 1))
    values[subject, visit] = np.column_stack([design, response])
    is_seen = np.zeros(values.shape[:2], bool)
    is_seen[subject, visit] = True
    seen, pattern, n_subjects = np.unique(is_seen, axis=0, return_inverse=True, return_counts=True)
    groups = [values[pattern.ravel() == g] for g in range(len(seen))]
    sums = np.stack([np.tensordot(z, z, axes=(0, 0)).transpose(0, 2, 1, 3) for z in groups])
    return CrossProducts(seen, n_subjects.astype(float), sums.reshape(-1, (n_columns + 1) ** 2), n_columns)


def reml_terms(data: CrossProducts, visit_covariance: FloatArray) -> RemlTerms:
    """Deviance, its derivatives and the coefficients at a covariance of the visits, shape (V, V).

    Notes
    -----
    With ``V`` the covariance of all observations, ``W`` its inverse, ``Q = (X' W X)^-1``, ``P = W - W X Q X' W`` and
    ``E_k`` the derivative of ``V`` in element k (constant, so that second derivatives vanish):

    - deviance ``log|V| + log|X' W X| + y' P y + (N - P) log 2 pi``
    - gradient ``tr(P E_k) - y' P E_k P y``
    - Hessian ``2 y' P E_k P E_l P y - tr(P E_k P E_l)``
    - slopes of Q ``Q X' W E_k W X Q``

    Patterson & Thompson 1971, doi:10.1093/biomet/58.3.545; Lindstrom & Bates 1988,
    doi:10.1080/01621459.1988.10478693.
    """
    n_visits, p = visit_covariance.shape[0], data.n_columns
    units = _triangle_units(n_visits)
    is_pair = data.seen[:, :, None] & data.seen[:, None, :]
    # Visits not seen are given variance 1 for the inversion and then taken out: all patterns keep one shape.
    padded = np.where(is_pair, visit_covariance, np.eye(n_visits))
    weight = np.linalg.inv(padded) * is_pair
    logdet = float(data.n_subjects @ np.linalg.slogdet(padded)[1])

    moments = (weight.reshape(-1) @ data.sums).reshape(p + 1, p + 1)
    covariance = np.asarray(np.linalg.inv(moments[:p, :p]), float)
    coefficients = covariance @ moments[:p, p]
    residual = np.append(-coefficients, 1.0)
    quadratic = float(residual @ moments @ residual)
    logdet_information = float(np.linalg.slogdet(moments[:p, :p])[1])
    constant = (data.n_observations - p) * log(2 * pi)

    weighted_units = weight[:, None] @ units
    sandwich = _flat(weighted_units @ weight[:, None])
    slopes = (sandwich @ data.sums).reshape(-1, p + 1, p + 1)
    turned = covariance @ slopes[:, :p, :p]
    pull = slopes @ residual
    trace = np.einsum("g,gkvv->k", data.n_subjects, weighted_units)
    gradient = trace - np.trace(turned, axis1=1, axis2=2) - pull @ residual

    both = np.outer(residual, residual)
    both[:p, :p] += covariance
    spread = (data.sums @ both.reshape(-1)).reshape(weight.shape)
    right = 2 * weighted_units @ (weight @ spread)[:, None] - data.n_subjects[:, None, None, None] * weighted_units
    hessian = _flat(weighted_units) @ _flat(right.swapaxes(2, 3)).T
    hessian -= np.einsum("kij,lji->kl", turned, turned)
    hessian -= 2 * pull[:, :p] @ covariance @ pull[:, :p].T
    return RemlTerms(
        logdet + logdet_information + quadratic + constant,
        np.asarray(gradient),
        (hessian + hessian.T) / 2,
        coefficients,
        covariance,
        turned @ covariance,
    )


@dataclass(frozen=True, slots=True)
class LogCholesky:
    """A covariance as the lower triangle of its Cholesky factor, row by row, with the logarithm of the diagonal.

    Every vector of numbers is then a positive definite covariance (Pinheiro & Bates 1996, doi:10.1007/BF00140873).
    """

    factor: FloatArray

    @classmethod
    def of(cls, theta: FloatArray) -> LogCholesky:
        """Give the covariance of the M numbers `theta`."""
        n_visits = round((np.sqrt(8 * len(theta) + 1) - 1) / 2)
        factor = np.zeros((n_visits, n_visits))
        factor[np.tril_indices(n_visits)] = theta
        np.fill_diagonal(factor, np.exp(np.diag(factor)))
        return cls(factor)

    @property
    def covariance(self) -> FloatArray:
        """The covariance, shape (V, V)."""
        return np.asarray(self.factor @ self.factor.T)

    def gradient(self, gradient: FloatArray) -> FloatArray:
        """Turn a gradient in the elements of the covariance into one in theta."""
        return np.asarray(self._jacobian().T @ gradient)

    def hessian(self, gradient: FloatArray, hessian: FloatArray) -> FloatArray:
        """Turn a Hessian in the elements of the covariance into one in theta."""
        row, column = np.tril_indices(len(self.factor))
        jacobian = self._jacobian()
        weight = np.zeros_like(self.factor)
        weight[row, column] = gradient / 2
        weight += weight.T
        step = self._steps()
        curved = 2 * np.outer(step, step) * weight[np.ix_(row, row)] * (column[:, None] == column)
        curved += np.diag((row == column) * (jacobian.T @ gradient))
        return np.asarray(jacobian.T @ hessian @ jacobian + curved)

    def _steps(self) -> FloatArray:
        """Derivative of each element of the factor in its own theta."""
        row, column = np.tril_indices(len(self.factor))
        return np.where(row == column, self.factor[row, column], 1.0)

    def _jacobian(self) -> FloatArray:
        """Derivative of the elements of the covariance (rows) in theta (columns)."""
        row, column = np.tril_indices(len(self.factor))
        moved = np.zeros((len(row), *self.factor.shape))
        moved[np.arange(len(row)), row, column] = self._steps()
        change = moved @ self.factor.T
        change += change.swapaxes(1, 2)
        return np.asarray(change[:, row, column].T)


def _triangle_units(n_visits: int) -> FloatArray:
    """Derivatives of a symmetric matrix in the elements of its lower triangle, shape (M, V, V)."""
    row, column = np.tril_indices(n_visits)
    units = np.zeros((len(row), n_visits, n_visits))
    units[np.arange(len(row)), row, column] = 1
    units[np.arange(len(row)), column, row] = 1
    return units


def _flat(blocks: FloatArray) -> FloatArray:
    """Blocks (G, M, V, V) as rows (M, G * V * V)."""
    return blocks.swapaxes(0, 1).reshape(blocks.shape[1], -1)
