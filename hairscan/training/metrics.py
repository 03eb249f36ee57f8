"""How well found hairs agree with annotated hairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from hairscan.lines import distances
from hairscan.types import FloatArray, LabelImage

MATCH_UM = 111.0
"""Midpoints at most this far apart are the same hair (40 px of the FDU tiles)."""
NOT_JUDGED_KINDS = frozenset({"abnormal"})
"""Loose and bent hairs: annotated now and then only, so neither missed nor wrong."""


class Verdict(IntEnum):
    """What became of one hair, found or annotated."""

    NOT_JUDGED = 0
    MATCHED = 1
    ALONE = 2
    """Found where none is annotated, or annotated and missed."""


@dataclass(frozen=True, slots=True, eq=False)
class FoundHairs:
    """Hairs of one photograph, whoever or whatever found them.

    Attributes
    ----------
    paths_xy : tuple of float arrays, shape (P, 2)
        Centre-lines root to tip, px.
    width_um, width_se_um : float array, shape (N,)
        Width of every hair and its standard error; NaN where it was not measured.
    """

    paths_xy: tuple[FloatArray, ...]
    width_um: FloatArray
    width_se_um: FloatArray

    @property
    def ends_xy(self) -> FloatArray:
        """Root and tip of every hair, px, shape (N, 2, 2)."""
        return ends_of(self.paths_xy)


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Found against annotated hairs of one photograph, border and unjudged kinds left out.

    Attributes
    ----------
    found, labelled, matched : int
        Hairs found, annotated, and both.
    recalled : dict of str to (int, int)
        Of each kind of annotated hair, how many were found, and how many there are.
    root_um, tip_um, angle_deg : tuple of float
        Errors of the matched hairs.
    reversed_count : int
        Matched hairs whose root and tip are swapped.
    widths_um : dict of str to tuple of float
        Widths of the found hairs that match each kind of annotated hair, where they were measured.
    hairs : FoundHairs
        All that was found, judged or not.
    found_verdicts, label_verdicts : uint8 arrays
        `Verdict` of every found and of every annotated hair.
    """

    field: str
    found: int
    labelled: int
    matched: int
    recalled: dict[str, tuple[int, int]]
    root_um: tuple[float, ...]
    tip_um: tuple[float, ...]
    angle_deg: tuple[float, ...]
    reversed_count: int
    widths_um: dict[str, tuple[float, ...]]
    hairs: FoundHairs
    found_verdicts: NDArray[np.uint8]
    label_verdicts: NDArray[np.uint8]


def straight_hairs(ends_xy: FloatArray) -> FoundHairs:
    """Hairs of which no more is known than root and tip, shape (N, 2, 2), px."""
    unknown = np.full(len(ends_xy), np.nan)
    return FoundHairs(tuple(ends_xy), unknown, unknown)


def ends_of(paths_xy: Iterable[FloatArray]) -> FloatArray:
    """First and last point of every path, shape (N, 2, 2)."""
    return np.array([[path[0], path[-1]] for path in paths_xy], np.float64).reshape(-1, 2, 2)


def match_hairs(found: FloatArray, labelled: FloatArray, reach: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of found and annotated hairs that are the same hair.

    Parameters
    ----------
    found, labelled : float arrays, shape (N, 2, 2)
        Root and tip of every hair.
    reach : float
        Largest distance of midpoints, in the same unit.

    Notes
    -----
    The assignment with the most matches and, among those, the least total distance.
    """
    distance = distances(found.mean(axis=1), labelled.mean(axis=1))
    rows, columns = linear_sum_assignment(np.where(distance <= reach, distance, 1e6))
    near = distance[rows, columns] <= reach
    return rows[near], columns[near]


def judge_photo(
    field: str,
    found: FoundHairs,
    labelled: FloatArray,
    kinds: tuple[str, ...],
    *,
    ignored: LabelImage,
    um_per_px: float,
) -> Agreement:
    """Agreement of one photograph, over the hairs whose roots lie in its judged field and away from its border.

    Parameters
    ----------
    labelled : float array, shape (N, 2, 2)
        Root and tip of every annotated hair, px.
    kinds : tuple of str
        Kind of every annotated hair.
    ignored : uint8 array, shape (H, W)
        `Ignored` code of every pixel of the photograph.
    """
    border = MATCH_UM / um_per_px
    ends = found.ends_xy
    # Hairs are matched before any is left out: a hair at the border must not be blamed on its neighbour.
    rows, columns = match_hairs(ends, labelled, border)
    judged_label = in_judged_field(labelled, ignored, border) & ~is_spared(kinds)
    judged_found = in_judged_field(ends, ignored, border)
    # A pair of which one half is judged is judged as a pair by its label.
    judged_found[rows] = judged_label[columns]
    rows, columns = rows[judged_label[columns]], columns[judged_label[columns]]
    errors = [_errors(ends[r], labelled[c], um_per_px) for r, c in zip(rows, columns, strict=True)]
    return Agreement(
        field=field,
        found=int(judged_found.sum()),
        labelled=int(judged_label.sum()),
        matched=len(rows),
        recalled=_recalled(kinds, judged_label, columns),
        root_um=tuple(error[0] for error in errors),
        tip_um=tuple(error[1] for error in errors),
        angle_deg=tuple(error[2] for error in errors),
        reversed_count=sum(error[3] for error in errors),
        widths_um=_widths_by_kind(found.width_um[rows], [kinds[c] for c in columns]),
        hairs=found,
        found_verdicts=verdicts(judged_found, rows),
        label_verdicts=verdicts(judged_label, columns),
    )


def in_judged_field(hairs: FloatArray, ignored: LabelImage, border_px: float) -> NDArray[np.bool_]:
    """Hairs whose points stay away from the border, and whose root can be judged: no burnt-in text, no glare.

    Parameters
    ----------
    hairs : float array, shape (N, K, 2)
        Points of every hair, root first, px.
    ignored : uint8 array, shape (H, W)
        `Ignored` code of every pixel of the photograph.
    """
    limit = np.array(ignored.shape[::-1], np.float64) - 1.0
    x, y = np.round(hairs[:, 0]).clip(0, limit).astype(int).T
    return np.asarray(is_inside(hairs, ignored.shape, border_px) & (ignored[y, x] == 0), bool)


def is_inside(hairs: FloatArray, shape: tuple[int, ...], border_px: float) -> NDArray[np.bool_]:
    """Hairs, shape (N, K, 2), whose points stay away from the border of a picture of that height and width."""
    limit = np.array(shape[1::-1], np.float64) - 1.0
    return np.asarray(((hairs >= border_px) & (hairs <= limit - border_px)).all(axis=(1, 2)), bool)


def is_spared(kinds: tuple[str, ...]) -> NDArray[np.bool_]:
    """Which annotated hairs are neither missed nor wrong."""
    return np.array([kind in NOT_JUDGED_KINDS for kind in kinds], bool)


def verdicts(judged: NDArray[np.bool_], matched: NDArray[np.intp]) -> NDArray[np.uint8]:
    """`Verdict` of every hair, from which are judged and which of those have a partner."""
    out = np.where(judged, Verdict.ALONE, Verdict.NOT_JUDGED).astype(np.uint8)
    out[matched] = Verdict.MATCHED
    return out


def _recalled(kinds: tuple[str, ...], judged: NDArray[np.bool_], hit: NDArray[np.intp]) -> dict[str, tuple[int, int]]:
    """Of each kind, how many of the judged annotated hairs were found, and how many there are."""
    hits = Counter(kinds[index] for index in hit)
    totals = Counter(kinds[index] for index in np.nonzero(judged)[0])
    return {kind: (hits[kind], totals[kind]) for kind in sorted(totals)}


def _widths_by_kind(width_um: FloatArray, kinds: list[str]) -> dict[str, tuple[float, ...]]:
    """Measured widths of the hairs of each kind."""
    return {
        kind: tuple(float(w) for w, k in zip(width_um, kinds, strict=True) if k == kind and np.isfinite(w))
        for kind in sorted(set(kinds))
    }


def _errors(found: FloatArray, label: FloatArray, um_per_px: float) -> tuple[float, float, float, bool]:
    """Root and tip distance in um, angle between the axes in degrees, and whether the ends are swapped."""
    straight = np.hypot(*(found - label).T)
    swapped = np.hypot(*(found[::-1] - label).T)
    is_swapped = bool(swapped.sum() < straight.sum())
    root, tip = (swapped if is_swapped else straight) * um_per_px
    a, b = found[1] - found[0], label[1] - label[0]
    cosine = abs(float(a @ b)) / max(float(np.hypot(*a) * np.hypot(*b)), 1e-9)
    return float(root), float(tip), float(np.degrees(np.arccos(min(cosine, 1.0)))), is_swapped
