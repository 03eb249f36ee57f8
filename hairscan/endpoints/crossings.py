"""How many hairs of a photograph lie across each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hairscan.lines import unit
from hairscan.types import Hair

_EVERY = 2
_REACH_STEPS = 1.2
"""Of two lines that cross, points one step apart come as near as this at least."""
_LEAST_SINE = 0.42
"""Sine of 25 degrees, under which two hairs run side by side."""


def count_crossings(hairs: Sequence[Hair]) -> int:
    """Pairs of hairs that lie across each other at 25 degrees or more.

    Parameters
    ----------
    hairs
        Every traced hair: one that is not counted hides others all the same.
    """
    # Whoever traced the hairs has loaded it; designs and tables that only name flags start without.
    from scipy.spatial import cKDTree

    paths = [path for hair in hairs if len(path := hair.path_xy[::_EVERY]) > 1]
    if len(paths) < 2:
        return 0
    steps = [np.gradient(path, axis=0) for path in paths]
    points, along = np.concatenate(paths), np.concatenate(steps)
    step_px, along = np.hypot(*along.T), unit(along)
    hair = np.repeat(np.arange(len(paths)), [len(path) for path in paths])
    one, other = cKDTree(points).query_pairs(_REACH_STEPS * np.median(step_px), output_type="ndarray").T
    sine = along[one, 0] * along[other, 1] - along[one, 1] * along[other, 0]
    across = (hair[one] != hair[other]) & (np.abs(sine) > _LEAST_SINE)
    lower, upper = np.sort([hair[one[across]], hair[other[across]]], axis=0)
    return len(np.unique(lower * len(paths) + upper))
