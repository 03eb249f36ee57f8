"""Widths of one hair at two visits, measured by one ruler: the skin between the roots."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, nan

import numpy as np

from hairscan.types import Hair
from hairscan.visits.matching import ComparedHair
from hairscan.visits.plane import inverse, zoom_and_turn
from hairscan.visits.registration import Registration
from hairscan.visits.visit import Visit

_USUAL_WIDTH_UM = 70.0
_PHOTO_SD_PX = 0.19
"""What the widths of a photograph are off together (by its light, noise and compression), on phantoms."""


@dataclass(frozen=True, slots=True)
class PairedWidths:
    """Widths of one hair, um; NaN where it is absent, was not measured, or there is no scale.

    Notes
    -----
    Follow-up widths are in micrometres of the baseline's scale, carried over by the registration: the distances
    between roots are the same at both visits, while a device's zoom is not, and an error of 1 % of the zoom would be
    0.7 um of every hair. The error of the change holds what is common to all hairs, see `shared_doubt_um`.
    """

    baseline_um: float
    followup_um: float
    change_um: float
    change_se_um: float


def paired_widths(
    hair: ComparedHair, registration: Registration, um_per_px: float | None, doubt_um: float
) -> PairedWidths:
    """Widths of a hair at both visits and their difference.

    Parameters
    ----------
    um_per_px : float or None
        Scale of the baseline.
    doubt_um : float
        Standard error that the changes of all hairs share, see `shared_doubt_um`.
    """
    if um_per_px is None:
        return PairedWidths(nan, nan, nan, nan)
    before, before_se = _width(hair.baseline, um_per_px)
    after, after_se = nan, nan
    if hair.followup is not None:
        shrink = zoom_and_turn(inverse(registration.matrix), hair.followup.root_xy)[0]
        after, after_se = _width(hair.followup, um_per_px * shrink)
    return PairedWidths(before, after, after - before, hypot(before_se, after_se, doubt_um))


def shared_doubt_um(baseline: Visit, followup: Visit, registration: Registration, um_per_px: float | None) -> float:
    """Standard error that the changes of all hairs have in common; 0 without a scale.

    Notes
    -----
    Of the zoom, of each photograph, and of the blur where one is more blurred than the other. A width is fitted with
    the blur of the photograph as a whole. Of a blur that is taken for too little a part remains in the width: on real
    photographs that were blurred on purpose (by 4 to 22 um), near the difference of the squared blurs over the width
    itself, alike for all hairs.
    """
    if um_per_px is None:
        return 0.0
    to_baseline_px = zoom_and_turn(inverse(registration.matrix), np.array(followup.photo.ignored.shape[::-1]) / 2.0)[0]
    followup_um_per_px = to_baseline_px * um_per_px
    before_um = baseline.photo.psf_sigma_px * um_per_px
    after_um = followup.photo.psf_sigma_px * followup_um_per_px
    blur_um = abs(after_um**2 - before_um**2) / _USUAL_WIDTH_UM
    photos_um = _PHOTO_SD_PX * hypot(um_per_px, followup_um_per_px)
    return hypot(blur_um, photos_um, registration.zoom_se * _USUAL_WIDTH_UM)


def _width(hair: Hair | None, um_per_px: float) -> tuple[float, float]:
    """Width and its standard error, um."""
    if hair is None:
        return nan, nan
    return hair.width_px * um_per_px, hair.width_se_px * um_per_px
