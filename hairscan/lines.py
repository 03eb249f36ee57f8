"""Points and lines of points: how long lines are, where they head, what lies across them, how far points are apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.float64]


def length(path: _Array) -> float:
    """Length along a path of shape (P, 2)."""
    return float(np.hypot(*np.diff(path, axis=0).T).sum())


def arc_lengths(path: _Array) -> _Array:
    """How far every point of a path, shape (P, 2), lies along it, in the unit of its points, shape (P,)."""
    return np.cumsum(np.hypot(*np.diff(path, axis=0, prepend=path[:1]).T))


def points_at(path: _Array, along: _Array, at: _Array | float) -> _Array:
    """Points, shape (..., 2), at places along a path of shape (P, 2); `along`, shape (P,), are those of its points."""
    return np.stack([np.interp(at, along, path[:, axis]) for axis in (0, 1)], axis=-1)


def distances(ones: _Array, others: _Array) -> _Array:
    """Distance of every point from every other one, shapes (N, 2) and (M, 2); shape (N, M)."""
    gap = ones[:, None] - others[None]
    return np.asarray(np.hypot(gap[..., 0], gap[..., 1]))


def rotation(angle_rad: float) -> _Array:
    """Matrix that turns points by an angle, shape (2, 2)."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[cos, -sin], [sin, cos]])


def unit(vectors: _Array) -> _Array:
    """The vectors, shape (..., 2), at length 1; one without a length stays without."""
    return np.asarray(vectors / np.maximum(np.hypot(vectors[..., 0], vectors[..., 1]), 1e-9)[..., None])


def normals(path: _Array) -> _Array:
    """Unit vectors across a path of shape (P, 2), at every point."""
    ahead = np.gradient(path, axis=0)
    return unit(np.column_stack([-ahead[:, 1], ahead[:, 0]]))
