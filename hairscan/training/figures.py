"""What the agreement on many photographs comes to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hairscan.training.bootstrap import Figure, bootstrap
from hairscan.training.metrics import Agreement
from hairscan.types import FloatArray

COUNT_FIGURES = ("bias", "field_count_error", "tile_count_error", "ccc")
"""The figures that ask for nothing but counts."""
_FOUND, _LABELLED = 0, 1


@dataclass(frozen=True, slots=True, eq=False)
class FieldTable:
    """What the figures need of every field, added up over its photographs; row i is field i.

    Attributes
    ----------
    counts : float array, shape (F, 4)
        Hairs found, annotated, matched, and matched with root and tip swapped.
    tile_errors : float array, shape (F, 2)
        Sum of the count errors of the field's photographs, and how many there are.
    recalled, widths : dict of str to float array, shape (F, 2)
        Of each kind, hairs that were found and hairs that there are; sum of the widths in um, and how many there are.
    ends : float array, shape (M, 3)
        Root and tip error in um and angle error in degrees of every matched hair.
    field_of_end : int array, shape (M,)
    """

    counts: FloatArray
    tile_errors: FloatArray
    recalled: dict[str, FloatArray]
    widths: dict[str, FloatArray]
    ends: FloatArray
    field_of_end: NDArray[np.intp]


def summarise(photos: Sequence[Agreement]) -> dict[str, float]:
    """Figures over many photographs; NaN where nothing can be told.

    Notes
    -----
    ``precision``, ``recall``, ``f1``: of all hairs together. ``bias``: ``(found - annotated) / annotated`` of all
    together. ``tile_count_error``, ``field_count_error``: mean of ``|found - annotated| / annotated`` over the
    photographs, and over the fields (photographs that share one are added up), with an annotated hair. ``ccc``:
    concordance of found and annotated counts over these fields. ``root_error_um``, ``tip_error_um``,
    ``angle_error_deg``: medians over the matched hairs, their ends taken in the order that fits best.
    ``direction_wrong``: share of matched hairs that fit better with root and tip swapped. ``recall_KIND``: recall of
    the hairs annotated as KIND. ``width_KIND_um``: mean width of the found hairs that match these.
    """
    table = tabulate(photos)
    return summarise_fields(table, np.arange(len(table.counts)))


def summarise_with_intervals(photos: Sequence[Agreement]) -> dict[str, Figure]:
    """The figures of `summarise`, each with its 95 % interval over fields."""
    table = tabulate(photos)
    return bootstrap(lambda chosen: summarise_fields(table, chosen), len(table.counts))


def tabulate(photos: Sequence[Agreement]) -> FieldTable:
    """Everything that the figures need, added up field by field."""
    fields = sorted({photo.field for photo in photos})
    row_of = {field: row for row, field in enumerate(fields)}
    kinds = sorted({kind for photo in photos for kind in photo.recalled})
    counts, tile_errors = np.zeros((len(fields), 4)), np.zeros((len(fields), 2))
    recalled, widths = ({kind: np.zeros((len(fields), 2)) for kind in kinds} for _ in range(2))
    for photo in photos:
        row = row_of[photo.field]
        counts[row] += (photo.found, photo.labelled, photo.matched, photo.reversed_count)
        if photo.labelled:
            tile_errors[row] += (abs(photo.found - photo.labelled) / photo.labelled, 1)
        for kind in kinds:
            recalled[kind][row] += photo.recalled.get(kind, (0, 0))
            found_um = photo.widths_um.get(kind, ())
            widths[kind][row] += (sum(found_um), len(found_um))
    ends = [np.column_stack([photo.root_um, photo.tip_um, photo.angle_deg]) for photo in photos]
    return FieldTable(
        counts=counts,
        tile_errors=tile_errors,
        recalled=recalled,
        widths=widths,
        ends=np.concatenate([np.zeros((0, 3)), *ends]),
        field_of_end=np.repeat([row_of[photo.field] for photo in photos], [len(part) for part in ends]).astype(np.intp),
    )


def summarise_fields(table: FieldTable, chosen: NDArray[np.intp]) -> dict[str, float]:
    """Figures of the fields of these indices, as `summarise` defines them; an index given twice counts twice."""
    counts = table.counts[chosen]
    found, labelled, matched, swapped = counts.sum(axis=0)
    # A field that should hold no hair has no relative error.
    told = counts[counts[:, _LABELLED] > 0]
    times_drawn = np.bincount(chosen, minlength=len(table.counts))
    ends = np.repeat(table.ends, times_drawn[table.field_of_end], axis=0)
    root_um, tip_um, angle_deg = np.median(ends, axis=0) if len(ends) else (np.nan,) * 3
    errors = np.abs(told[:, _FOUND] - told[:, _LABELLED]) / told[:, _LABELLED]
    return {
        "f1": ratio(2.0 * matched, found + labelled),
        "precision": ratio(matched, found),
        "recall": ratio(matched, labelled),
        **{f"recall_{kind}": ratio(*rows[chosen].sum(axis=0)) for kind, rows in table.recalled.items()},
        "bias": ratio(found - labelled, labelled),
        "field_count_error": ratio(errors.sum(), len(errors)),
        "tile_count_error": ratio(*table.tile_errors[chosen].sum(axis=0)),
        "ccc": concordance(told[:, _FOUND], told[:, _LABELLED]),
        "root_error_um": float(root_um),
        "tip_error_um": float(tip_um),
        "angle_error_deg": float(angle_deg),
        "direction_wrong": ratio(swapped, matched),
        **{f"width_{kind}_um": ratio(*rows[chosen].sum(axis=0)) for kind, rows in table.widths.items()},
    }


def counts_by_field(photos: Sequence[Agreement]) -> list[tuple[float, float]]:
    """Annotated and found hairs of every field."""
    return [(float(labelled), float(found)) for found, labelled, *_ in tabulate(photos).counts]


def concordance(a: FloatArray, b: FloatArray) -> float:
    """Lin's concordance correlation coefficient of two series (Biometrics 45:255, 1989); NaN where neither varies."""
    if not len(a):
        return float("nan")
    spread = a.var() + b.var() + (a.mean() - b.mean()) ** 2
    return float(2.0 * ((a - a.mean()) * (b - b.mean())).mean() / spread) if spread > 0 else float("nan")


def mean_of_known(values: Iterable[float]) -> float:
    """Mean of what is finite; NaN of nothing."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def ratio(part: float, whole: float) -> float:
    """Part of a whole; NaN of nothing."""
    return float(part / whole) if whole else float("nan")
