"""Widths of one hair at two visits, measured by one ruler: the skin between the roots."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, nan

from hairscan.types import Hair
from hairscan.visits.matching import ComparedHair
from hairscan.visits.plane import inverse, zoom_and_turn
from hairscan.visits.registration import Registration


@dataclass(frozen=True, slots=True)
class PairedWidths:
    """Widths of one hair, um; NaN where it is absent, was not measured, or there is no scale.

    Notes
    -----
    Follow-up widths are in micrometres of the baseline's scale, carried over by the registration: the distances
    between roots are the same at both visits, while a device's zoom is not, and an error of 1 % of the zoom would be
    0.7 um of every hair.
    """

    baseline_um: float
    followup_um: float
    change_um: float
    change_se_um: float


def paired_widths(hair: ComparedHair, registration: Registration, um_per_px: float | None) -> PairedWidths:
    """Widths of a hair at both visits and their difference.

    Parameters
    ----------
    um_per_px : float or None
        Scale of the baseline.
    """
    if um_per_px is None:
        return PairedWidths(nan, nan, nan, nan)
    before, before_se = _width(hair.baseline, um_per_px)
    after, after_se = nan, nan
    if hair.followup is not None:
        shrink = zoom_and_turn(inverse(registration.matrix), hair.followup.root_xy)[0]
        after, after_se = _width(hair.followup, um_per_px * shrink)
    return PairedWidths(before, after, after - before, hypot(before_se, after_se))


def _width(hair: Hair | None, um_per_px: float) -> tuple[float, float]:
    return (nan, nan) if hair is None else (hair.width_px * um_per_px, hair.width_se_px * um_per_px)
