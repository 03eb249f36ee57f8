"""Two visits of one site compared: registered, matched hair to hair, and what changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hairscan.errors import VisitError
from hairscan.photo import read_photo
from hairscan.segment import load_model
from hairscan.types import FloatArray, Photo, RgbImage, Scale
from hairscan.visits.changes import (
    Change,
    Transitions,
    WidthChange,
    count_change,
    density_change,
    transitions,
    width_change,
)
from hairscan.visits.matching import ComparedHair, Status, match_visits
from hairscan.visits.overlap import BORDER_UM, Overlap, find_overlap
from hairscan.visits.plane import transform
from hairscan.visits.registration import Registration, common_scale, register
from hairscan.visits.visit import Visit, read_visit
from hairscan.visits.widths import PairedWidths, paired_widths, shared_doubt_um

_USELESS = {
    "out-of-focus": "is out of focus",
    "focus-unknown": "has no sharp edge at all",
}
"""Flags of a photograph that can show neither that a hair is there nor that it is gone."""

_HELD_AGAIN_UM = 4.0
"""No hand and no skin comes back to within this distance in all four corners; saving again moves nothing by three."""

_LEAST_INNER = 0.4
"""Least share of the common area that lies inside its border; a photograph of 0.3 mm or with much noise has less."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of the hairs of one site between two visits.

    Attributes
    ----------
    scale : Scale or None
        Of the baseline, in which every um of the comparison is measured.
    hairs : tuple of ComparedHair
        Every hair of the common area.
    widths : tuple of PairedWidths
        Widths of the same hairs at both visits.
    """

    baseline: Visit
    followup: Visit
    registration: Registration
    overlap: Overlap
    scale: Scale | None
    hairs: tuple[ComparedHair, ...]
    widths: tuple[PairedWidths, ...]
    count_change: Change
    density_change_per_cm2: Change
    width_change: WidthChange
    transitions: tuple[Transitions, ...]

    def number(self, status: Status) -> int:
        """Count the hairs of one status."""
        return sum(hair.status is status for hair in self.hairs)


def compare_photos(
    baseline: str | Path | RgbImage,
    followup: str | Path | RgbImage,
    *,
    um_per_px: float | None = None,
    followup_um_per_px: float | None = None,
    model: str | Path = "default",
    device: str = "auto",
) -> Comparison:
    """Score two photographs of one site and compare them hair by hair.

    Parameters
    ----------
    um_per_px : float, optional
        Micrometres of scalp per pixel of the baseline and, where not given otherwise, of the follow-up.
    followup_um_per_px : float, optional
        Micrometres of scalp per pixel of the follow-up.

    Raises
    ------
    HairscanError
        When a photograph cannot be scored, or the two cannot be compared; the message says what to do.
    """
    scales = (um_per_px, um_per_px if followup_um_per_px is None else followup_um_per_px)
    photos = [read_photo(photo, um_per_px=scale) for photo, scale in zip((baseline, followup), scales, strict=True)]
    segmenter = load_model(model, device)
    return compare_visits(*(read_visit(photo, segmenter) for photo in photos))


def compare_visits(baseline: Visit, followup: Visit) -> Comparison:
    """Compare two scored photographs of one site hair by hair.

    Raises
    ------
    VisitError
        When they are one photograph, do not show one site, or cannot be compared for another reason.
    ScaleError
        When their scales contradict each other, or only one has a scale.
    """
    _check_comparable(baseline, followup)
    registration = register(baseline, followup)
    _check_taken_again(baseline, followup, registration)
    scale = common_scale(baseline, followup, registration)
    overlap = find_overlap(baseline, followup, registration.matrix, scale)
    _check_whole(baseline, followup, overlap)
    hairs = tuple(match_visits(baseline, followup, registration, overlap))
    um_per_px = None if scale is None else scale.um_per_px
    doubt_um = shared_doubt_um(baseline, followup, registration, um_per_px)
    widths = tuple(paired_widths(hair, registration, um_per_px, doubt_um) for hair in hairs)
    before, after, change, se = _matched_columns(hairs, widths)
    numbers = {status: sum(hair.status is status for hair in hairs) for status in Status}
    count = count_change(numbers[Status.LOST], numbers[Status.GAINED], numbers[Status.UNDECIDED])
    sd_share = 0.0 if scale is None else scale.sd / scale.um_per_px
    return Comparison(
        baseline=baseline,
        followup=followup,
        registration=registration,
        overlap=overlap,
        scale=scale,
        hairs=hairs,
        widths=widths,
        count_change=count,
        density_change_per_cm2=density_change(count, overlap.area_cm2, sd_share),
        width_change=width_change(change, se, doubt_um),
        transitions=transitions(before, after, se),
    )


def why_useless(photo: Photo) -> str:
    """Why a photograph cannot be compared with any other; empty where it can."""
    faults = [what for flag, what in _USELESS.items() if flag in photo.flags]
    return f"{photo.name} {faults[0]}: hairs would seem lost. Take it again, then compare" if faults else ""


def _check_comparable(baseline: Visit, followup: Visit) -> None:
    """Raise VisitError where the photographs are one, or one of them shows too little."""
    first, second = baseline.photo, followup.photo
    if first.sha256 == second.sha256 or np.array_equal(first.rgb, second.rgb):
        raise VisitError(f"{first.name} and {second.name} are the same photograph: give two visits")
    for photo in (first, second):
        if reason := why_useless(photo):
            raise VisitError(reason)


def _check_taken_again(baseline: Visit, followup: Visit, registration: Registration) -> None:
    """Raise VisitError where the follow-up shows all that the baseline shows and nothing else, turned or not."""
    first, second = _corners_px(baseline.photo), _corners_px(followup.photo)
    off_px = np.linalg.norm(transform(registration.matrix, first)[:, None] - second, axis=2).min(axis=1)
    if float(off_px.max()) * followup.um_per_px < _HELD_AGAIN_UM:
        raise VisitError(
            f"{baseline.photo.name} and {followup.photo.name} are one photograph saved twice: they show the same skin "
            f"from edge to edge, within {_HELD_AGAIN_UM:g} um. Give two visits"
        )


def _corners_px(photo: Photo) -> FloatArray:
    """Corners of a photograph, shape (4, 2)."""
    height, width = photo.ignored.shape
    return np.array([(x, y) for x in (-0.5, width - 0.5) for y in (-0.5, height - 0.5)])


def _check_whole(baseline: Visit, followup: Visit, overlap: Overlap) -> None:
    """Raise VisitError where hardly a place of the common area is far enough from its border to judge a hair there."""
    common = overlap.depth_px > 0
    inner = float((overlap.depth_px[common] * overlap.um_per_px > BORDER_UM).mean())
    if inner < _LEAST_INNER:
        raise VisitError(
            f"what {baseline.photo.name} and {followup.photo.name} both can judge is too small or too broken up: "
            "give larger photographs, or take them again with less noise, glare and dirt"
        )


def _matched_columns(
    hairs: tuple[ComparedHair, ...], widths: tuple[PairedWidths, ...]
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Width before and after, change and its standard error of the matched hairs, um; NaN where not measured."""
    matched = [width for hair, width in zip(hairs, widths, strict=True) if hair.status is Status.MATCHED]
    names = ("baseline_um", "followup_um", "change_um", "change_se_um")
    columns = [np.array([getattr(width, name) for width in matched], np.float64) for name in names]
    return columns[0], columns[1], columns[2], columns[3]
