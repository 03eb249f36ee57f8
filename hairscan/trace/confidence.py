"""How sure it is that a traced shaft is one hair: a logistic model of a few readings along it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree
from scipy.special import expit

from hairscan.errors import ModelError
from hairscan.trace.shafts import Shaft, highest_near
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
    rows = []
    for shaft, share, taken in zip(shafts, doubled, _root_taken(shafts), strict=True):
        weakest = float(np.clip(_quantile(shaft.strength, 0.2), 0.02, 0.98))
        at_ends = [_end_value(layer, shaft.path[side]) for layer, side in ((maps.root, 0), (maps.tip, -1))]
        coverage = map_coordinates(maps.coverage, shaft.path.T[::-1], order=1, mode="nearest").mean()
        length_um = shaft.length_cells * maps.um_per_cell
        directed = float(np.clip(shaft.forward / max(float(shaft.strength.sum()), 1e-9), -1.0, 2.0))
        rooted = shaft.root_seen or _is_at_border(maps.root, shaft.path[0])
        of_path = [coverage, share, np.log(max(length_um, 1.0)), shaft.shared, directed, taken, rooted]
        rows.append([np.log(weakest / (1.0 - weakest)), *at_ends, *of_path])
    return np.array(rows, np.float64).reshape(-1, len(READINGS))


def _quantile(values: FloatArray, share: float) -> float:
    """Quantile of a short series, at a tenth of the overhead of `numpy.quantile`."""
    return float(np.interp(share * (len(values) - 1), np.arange(len(values)), np.sort(values)))


def _root_taken(shafts: list[Shaft]) -> NDArray[np.bool_]:
    """Which shafts begin where a shaft of more evidence of its own begins."""
    taken = np.zeros(len(shafts), bool)
    if len(shafts) < 2:
        return taken
    evidence = np.array([float(shaft.strength.sum()) * (1.0 - shaft.shared) for shaft in shafts])
    roots = np.array([shaft.path[0] for shaft in shafts])
    first, second = cKDTree(roots).query_pairs(SAME_ROOT_CELLS, output_type="ndarray").T
    taken[np.where(evidence[first] < evidence[second], first, second)] = True
    return taken


def _end_value(layer: MapArray, place: FloatArray) -> float:
    """Evidence of an end at a place; neutral at the border."""
    return max(highest_near(layer, place, END_REACH_CELLS), BORDER_EVIDENCE if _is_at_border(layer, place) else 0.0)


def _is_at_border(layer: MapArray, place: FloatArray) -> bool:
    """Tell whether a place lies at the border of a map."""
    height, width = layer.shape
    x, y = place
    return bool(min(x, y, width - 1 - x, height - 1 - y) < BORDER_CELLS)
