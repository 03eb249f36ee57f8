"""The rows of changes.csv: what changed at one site between the baseline and another visit."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from hairscan.endpoints.result import PhotoResult
from hairscan.endpoints.rows import finite_or_none
from hairscan.files import Record
from hairscan.visits.compare import Comparison
from hairscan.visits.matching import Status
from hairscan.visits.run_sites import RunPhoto, Site


class ChangeRow(Record):
    """One site at one visit against the baseline; None where it cannot be told, and everywhere if it was refused."""

    subject: str
    arm: str
    side: str
    site: str
    visit: str
    baseline: str = Field(description="Visit with which this one is compared.")
    image: str
    baseline_image: str = Field(description="Photograph of the baseline.")
    days: int | None = Field(description="Days from the photograph of the baseline to that of the visit.")
    refused: str = Field(default="", description="Why the two could not be compared.")
    common_area_cm2: float | None = Field(default=None, description="Skin that both photographs show and can judge.")
    common_area_fraction: float | None = Field(
        default=None, description="Common area as a share of the smaller photograph."
    )
    registration_residual_um: float | None = Field(
        default=None, description="Median distance of the roots of one photograph from those of the other."
    )
    matched: int | None = Field(default=None, description="Hairs of the common area that both photographs show.")
    lost: int | None = Field(default=None, description="Hairs of the common area that only the baseline shows.")
    gained: int | None = Field(default=None, description="Hairs of the common area that only the visit shows.")
    undecided: int | None = Field(default=None, description="Hairs of which nobody can tell what became of them.")
    baseline_count: int | None = Field(default=None, description="Hairs that the baseline shows on the common area.")
    count_change: int | None = Field(default=None, description="Gained less lost hairs.")
    count_change_low: float | None = Field(
        default=None, description="Lower end of the 95 % interval of count_change, for chance and the undecided hairs."
    )
    count_change_high: float | None = Field(default=None, description="Upper end of the 95 % interval of count_change.")
    baseline_density_per_cm2: float | None = Field(default=None, description="Baseline's hairs over the common area.")
    density_change_per_cm2: float | None = Field(default=None, description="Change of the count over the common area.")
    density_change_low_per_cm2: float | None = Field(
        default=None,
        description="Lower end of the 95 % interval of density_change_per_cm2: chance, undecided hairs and scale.",
    )
    density_change_high_per_cm2: float | None = Field(
        default=None, description="Upper end of the 95 % interval of density_change_per_cm2."
    )
    unmatched_density_change_per_cm2: float | None = Field(
        default=None, description="Difference of the densities that the two photographs give each by itself."
    )
    width_change_um: float | None = Field(default=None, description="Mean change of width of the matched hairs.")
    width_change_se_um: float | None = Field(default=None, description="Standard error of width_change_um.")
    width_change_low_um: float | None = Field(
        default=None, description="Lower end of the 95 % interval of width_change_um."
    )
    width_change_high_um: float | None = Field(
        default=None, description="Upper end of the 95 % interval of width_change_um."
    )
    width_change_hairs: int | None = Field(
        default=None, description="Matched hairs whose width was measured at both visits."
    )
    unmatched_width_change_um: float | None = Field(
        default=None, description="Difference of the mean widths that the two photographs give each by itself."
    )
    miniaturised_30um: int | None = Field(default=None, description="Matched hairs that became thinner than 30 um.")
    miniaturised_30um_sure: int | None = Field(
        default=None, description="As miniaturised_30um, by more than the noise."
    )
    recovered_30um: int | None = Field(default=None, description="Matched hairs that grew to 30 um or more.")
    recovered_30um_sure: int | None = Field(default=None, description="As recovered_30um, by more than the noise.")
    miniaturised_40um: int | None = Field(default=None, description="Matched hairs that became thinner than 40 um.")
    miniaturised_40um_sure: int | None = Field(
        default=None, description="As miniaturised_40um, by more than the noise."
    )
    recovered_40um: int | None = Field(default=None, description="Matched hairs that grew to 40 um or more.")
    recovered_40um_sure: int | None = Field(default=None, description="As recovered_40um, by more than the noise.")
    baseline_flags: tuple[str, ...] = Field(default=(), description="Flags of the photograph of the baseline.")
    flags: tuple[str, ...] = ()


def refused_row(site: Site, visit: str, baseline: str, photos: tuple[RunPhoto | None, RunPhoto], why: str) -> ChangeRow:
    """Row of a visit that could not be compared.

    Parameters
    ----------
    photos
        Of the baseline, where there is one, and of the visit.
    """
    return ChangeRow(**_head(site, visit, baseline, *photos), refused=why)


def change_row(
    site: Site, visit: str, baseline: str, photos: tuple[RunPhoto, RunPhoto], comparison: Comparison
) -> ChangeRow:
    """Row of a visit that was compared with the baseline."""
    before, after = comparison.baseline.result, comparison.followup.result
    overlap, count, density = comparison.overlap, comparison.count_change, comparison.density_change_per_cm2
    width, n_before = comparison.width_change, baseline_count(comparison)
    residual_um = None if comparison.scale is None else finite_or_none(comparison.registration.residual_um)
    return ChangeRow(
        **_head(site, visit, baseline, *photos),
        common_area_cm2=overlap.area_cm2,
        common_area_fraction=overlap.share,
        registration_residual_um=residual_um,
        matched=comparison.number(Status.MATCHED),
        lost=comparison.number(Status.LOST),
        gained=comparison.number(Status.GAINED),
        undecided=comparison.number(Status.UNDECIDED),
        baseline_count=n_before,
        count_change=comparison.number(Status.GAINED) - comparison.number(Status.LOST),
        count_change_low=count.low,
        count_change_high=count.high,
        baseline_density_per_cm2=None if overlap.area_cm2 is None else n_before / overlap.area_cm2,
        density_change_per_cm2=density.value,
        density_change_low_per_cm2=density.low,
        density_change_high_per_cm2=density.high,
        unmatched_density_change_per_cm2=_less(before, after, "density_per_cm2"),
        width_change_um=width.mean_um,
        width_change_se_um=width.se_um,
        width_change_low_um=width.low_um,
        width_change_high_um=width.high_um,
        width_change_hairs=width.hairs,
        unmatched_width_change_um=_less(before, after, "mean_width_um"),
        **_transitions(comparison),
        baseline_flags=before.photo.flags,
        flags=after.photo.flags,
    )


def baseline_count(comparison: Comparison) -> int:
    """Hairs of the common area that the baseline shows."""
    return sum(hair.baseline is not None for hair in comparison.hairs)


def _head(site: Site, visit: str, baseline: str, before: RunPhoto | None, after: RunPhoto) -> dict[str, Any]:
    days = None if before is None or before.day is None or after.day is None else (after.day - before.day).days
    return {
        "subject": site.subject,
        "arm": site.arm,
        "side": site.side,
        "site": site.site,
        "visit": visit,
        "baseline": baseline,
        "image": after.image,
        "baseline_image": "" if before is None else before.image,
        "days": days,
    }


def _less(before: PhotoResult, after: PhotoResult, name: str) -> float | None:
    """What one photograph gives less what the other gives."""
    first, second = getattr(before.photo, name), getattr(after.photo, name)
    return None if first is None or second is None else float(second - first)


def _transitions(comparison: Comparison) -> dict[str, Any]:
    """Hairs that passed a cut-off between terminal and vellus, by column; none without a scale."""
    if comparison.scale is None:
        return {}
    cells: dict[str, Any] = {}
    for one in comparison.transitions:
        at = f"{one.cut_off_um:.0f}um"
        cells |= {f"miniaturised_{at}": one.miniaturised, f"miniaturised_{at}_sure": one.miniaturised_sure}
        cells |= {f"recovered_{at}": one.recovered, f"recovered_{at}_sure": one.recovered_sure}
    return cells
