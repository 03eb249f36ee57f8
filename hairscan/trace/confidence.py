"""How sure it is that a traced shaft is one hair: a logistic model of a few readings along it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree
from scipy.special import expit

from hairscan.errors import ModelError
from hairscan.trace.shafts import Shaft, highest_near, places_of
from hairscan.types import FloatArray, HairMaps, MapArray

READINGS = ("weakest", "root", "tip", "coverage", "doubled", "log_length", "shared", "directed", "root_taken", "rooted")
"""In order: logit of the 20 % quantile of the centre-line evidence; evidence of a root and of a tip at the ends; mean
shaft coverage; share beside a stronger shaft; logarithm of the length in um; share that was taken from another shaft;
evidence that it runs root to tip, per evidence of a centre-line; 1 where a stronger shaft has the same root; 1 where
its root was seen, or may lie beyond the border."""
END_REACH_CELLS = 2
"""A root or tip peak this near to the end of a path speaks for it."""
BORDER_EVIDENCE = 0.5
"""An end at the picture's border can show neither root nor tip: it speaks neither for nor against a hair."""
BORDER_CELLS = 4.0
SAME_ROOT_CELLS = 2.0
"""Shafts that begin this near to each other claim the same root."""


def confidence_of(readings: FloatArray, weights: tuple[float, ...]) -> FloatArray:
    """Probability that each shaft is a hair, shape (N,).

    Parameters
    ----------
    readings : float array, shape (N, R)
        In the order of `READINGS`.
    weights : tuple of float
        Intercept, then one weight per reading, as fitted with the network (logistic regression).

    Raises
    ------
    ModelError
        Where the weights were fitted for other readings.
    """
    if len(weights) != 1 + len(READINGS):
        raise ModelError("the model was made for another version of hairscan: update hairscan or the model")
    return np.asarray(expit(weights[0] + readings @ np.array(weights[1:])), np.float64)


def read_shafts(shafts: list[Shaft], doubled: FloatArray, maps: HairMaps) -> FloatArray:
    """Readings of every shaft, shape (N, R), in the order of `READINGS`."""
    if not shafts:
        return np.zeros((0, len(READINGS)))
    evidence = np.array([float(shaft.strength.sum()) for shaft in shafts])
    shared = np.array([shaft.shared for shaft in shafts])
    weakest = np.clip([_quantile(shaft.strength, 0.2) for shaft in shafts], 0.02, 0.98)
    roots, tips = places_of(shafts, 0), places_of(shafts, -1)
    length_um = np.array([shaft.length_cells for shaft in shafts]) * maps.um_per_cell
    forward = np.array([shaft.forward for shaft in shafts])
    columns = {
        "weakest": np.log(weakest / (1.0 - weakest)),
        "root": _end_values(maps.root, roots),
        "tip": _end_values(maps.tip, tips),
        "coverage": _mean_along(maps.coverage, shafts),
        "doubled": doubled,
        "log_length": np.log(np.maximum(length_um, 1.0)),
        "shared": shared,
        "directed": np.clip(forward / np.maximum(evidence, 1e-9), -1.0, 2.0),
        "root_taken": _is_root_taken(roots, evidence * (1.0 - shared)),
        "rooted": np.array([shaft.root_seen for shaft in shafts]) | _are_at_border(maps.root, roots),
    }
    return np.stack([columns[name] for name in READINGS], axis=1).astype(np.float64)


def _quantile(values: FloatArray, share: float) -> float:
    """Quantile of a short series, at a tenth of the overhead of `numpy.quantile`."""
    return float(np.interp(share * (len(values) - 1), np.arange(len(values)), np.sort(values)))


def _mean_along(layer: MapArray, shafts: list[Shaft]) -> FloatArray:
    """Mean value of a map along each path."""
    points = np.concatenate([shaft.path for shaft in shafts])
    values = map_coordinates(layer, points.T[::-1], order=1, mode="nearest")
    counts = np.array([len(shaft.path) for shaft in shafts])
    return np.asarray(np.add.reduceat(values, np.cumsum(counts) - counts) / counts, np.float64)


def _is_root_taken(roots: FloatArray, evidence: FloatArray) -> NDArray[np.bool_]:
    """Which shafts begin where a shaft of more evidence of its own begins."""
    taken = np.zeros(len(roots), bool)
    first, second = cKDTree(roots).query_pairs(SAME_ROOT_CELLS, output_type="ndarray").T
    taken[np.where(evidence[first] < evidence[second], first, second)] = True
    return taken


def _end_values(layer: MapArray, places: FloatArray) -> FloatArray:
    """Evidence of an end at places; neutral at the border."""
    neutral = np.where(_are_at_border(layer, places), BORDER_EVIDENCE, 0.0)
    return np.maximum(highest_near(layer, places, END_REACH_CELLS), neutral)


def _are_at_border(layer: MapArray, places: FloatArray) -> NDArray[np.bool_]:
    """Which places lie at the border of a map."""
    beyond = np.array(layer.shape[::-1]) - 1 - places
    return np.asarray(np.minimum(places, beyond).min(axis=1) < BORDER_CELLS)
