"""How well found hairs agree with annotated hairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from hairscan.types import FloatArray, LabelImage

MATCH_UM = 111.0
"""Midpoints at most this far apart are the same hair (40 px of the FDU tiles)."""
NOT_JUDGED_KINDS = frozenset({"abnormal"})
"""Loose and bent hairs: annotated now and then only, so neither missed nor wrong."""


@dataclass(frozen=True, slots=True)
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
    gap = found.mean(axis=1)[:, None] - labelled.mean(axis=1)[None]
    distance = np.hypot(gap[..., 0], gap[..., 1])
    rows, columns = linear_sum_assignment(np.where(distance <= reach, distance, 1e6))
    near = distance[rows, columns] <= reach
    return rows[near], columns[near]


def judge_photo(
    field: str,
    found: FloatArray,
    labelled: FloatArray,
    kinds: tuple[str, ...],
    *,
    ignored: LabelImage,
    um_per_px: float,
) -> Agreement:
    """Agreement of one photograph, over the hairs whose roots lie in its judged field and away from its border.

    Parameters
    ----------
    found, labelled : float arrays, shape (N, 2, 2)
        Root and tip of every hair, px.
    kinds : tuple of str
        Kind of every annotated hair.
    ignored : uint8 array, shape (H, W)
        `Ignored` code of every pixel of the photograph.
    """
    border = MATCH_UM / um_per_px
    # Hairs are matched before any is left out: a hair at the border must not be blamed on its neighbour.
    rows, columns = match_hairs(found, labelled, MATCH_UM / um_per_px)
    named = np.array([kind not in NOT_JUDGED_KINDS for kind in kinds], bool).reshape(-1)
    judged_label = in_judged_field(labelled, ignored, border) & named
    judged_found = in_judged_field(found, ignored, border)
    # A pair of which one half is judged is judged as a pair by its label.
    judged_found[rows] = judged_label[columns]
    pairs = [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if judged_label[c]]
    hit = {column for _, column in pairs}
    recalled = {
        kind: (
            sum(1 for c in np.nonzero(judged_label)[0] if kinds[c] == kind and c in hit),
            sum(1 for c in np.nonzero(judged_label)[0] if kinds[c] == kind),
        )
        for kind in set(kinds)
    }
    errors = [_errors(found[r], labelled[c], um_per_px) for r, c in pairs]
    return Agreement(
        field=field,
        found=int(judged_found.sum()),
        labelled=int(judged_label.sum()),
        matched=len(pairs),
        recalled=recalled,
        root_um=tuple(error[0] for error in errors),
        tip_um=tuple(error[1] for error in errors),
        angle_deg=tuple(error[2] for error in errors),
        reversed_count=sum(error[3] for error in errors),
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
    inside = ((hairs >= border_px) & (hairs <= limit - border_px)).all(axis=(1, 2))
    x, y = np.round(hairs[:, 0]).clip(0, limit).astype(int).T
    return np.asarray(inside & (ignored[y, x] == 0), bool)


def _errors(found: FloatArray, label: FloatArray, um_per_px: float) -> tuple[float, float, float, bool]:
    """Root and tip distance in um, angle between the axes in degrees, and whether the ends are swapped."""
    straight = np.hypot(*(found - label).T)
    swapped = np.hypot(*(found[::-1] - label).T)
    is_swapped = bool(swapped.sum() < straight.sum())
    root, tip = (swapped if is_swapped else straight) * um_per_px
    a, b = found[1] - found[0], label[1] - label[0]
    cosine = abs(float(a @ b)) / max(float(np.hypot(*a) * np.hypot(*b)), 1e-9)
    return float(root), float(tip), float(np.degrees(np.arccos(min(cosine, 1.0)))), is_swapped


def summarise(photos: list[Agreement]) -> dict[str, float]:
    """Figures over many photographs; errors of counts are per field (photographs that share one are added up).

    Notes
    -----
    CCC: Lin 1989, Biometrics 45:255. `field_count_error` is the mean of ``|found - labelled| / labelled``; `bias` is
    ``(found - labelled) / labelled`` over everything.
    """
    found, labelled, matched = (
        sum(getattr(photo, name) for photo in photos) for name in ("found", "labelled", "matched")
    )
    fields = sorted({photo.field for photo in photos})
    counts = np.array(
        [[sum(getattr(p, n) for p in photos if p.field == f) for n in ("found", "labelled")] for f in fields], float
    )
    counts = counts[counts[:, 1] > 0]
    roots = [value for photo in photos for value in photo.root_um]
    figures = {
        "photos": float(len(photos)),
        "fields": float(len(counts)),
        "labelled": float(labelled),
        "precision": matched / max(found, 1),
        "recall": matched / max(labelled, 1),
        "f1": 2.0 * matched / max(found + labelled, 1),
        "bias": (found - labelled) / max(labelled, 1),
        "field_count_error": float((np.abs(counts[:, 0] - counts[:, 1]) / counts[:, 1]).mean()),
        "ccc": concordance(counts[:, 0], counts[:, 1]),
        "root_error_um": float(np.median(roots)) if roots else np.nan,
        "tip_error_um": float(np.median([v for p in photos for v in p.tip_um])) if roots else np.nan,
        "angle_error_deg": float(np.median([v for p in photos for v in p.angle_deg])) if roots else np.nan,
        "direction_wrong": sum(photo.reversed_count for photo in photos) / max(matched, 1),
    }
    for kind in sorted({kind for photo in photos for kind in photo.recalled} - NOT_JUDGED_KINDS):
        hits, total = (sum(photo.recalled.get(kind, (0, 0))[n] for photo in photos) for n in (0, 1))
        figures[f"recall_{kind}"] = hits / total if total else np.nan
    return figures


def concordance(a: FloatArray, b: FloatArray) -> float:
    """Lin's concordance correlation coefficient of two series."""
    spread = a.var() + b.var() + (a.mean() - b.mean()) ** 2
    return float(2.0 * ((a - a.mean()) * (b - b.mean())).mean() / spread) if spread > 0 else np.nan
