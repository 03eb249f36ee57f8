"""What `hairscan compare` writes: hairs.csv and comparison.json."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from hairscan.endpoints.result import RunInfo
from hairscan.endpoints.rows import finite_or_none, rows_csv
from hairscan.files import Record, json_bytes
from hairscan.types import Hair
from hairscan.visits.changes import Change, Transitions, WidthChange
from hairscan.visits.compare import Comparison
from hairscan.visits.matching import ComparedHair, Status
from hairscan.visits.visit import Visit
from hairscan.visits.widths import PairedWidths


class ComparedRow(Record):
    """One hair of the common area; None where it is absent or cannot be measured."""

    status: Literal["matched", "lost", "gained", "undecided"] = Field(
        description="matched, lost, gained, or undecided: nobody can tell what became of the hair."
    )
    baseline_hair_id: int | None = Field(description="Number of the hair within the baseline's photograph.")
    followup_hair_id: int | None = Field(description="Number of the hair within the follow-up's photograph.")
    baseline_root_x_px: float | None = Field(description="Where the baseline shows its root: from the left.")
    baseline_root_y_px: float | None = Field(description="As baseline_root_x_px, from the top.")
    followup_root_x_px: float | None = Field(description="Where the follow-up shows its root: from the left.")
    followup_root_y_px: float | None = Field(description="As followup_root_x_px, from the top.")
    baseline_width_um: float | None = Field(description="Width of the shaft at the baseline.")
    followup_width_um: float | None = Field(description="Width at the follow-up, by the baseline's scale.")
    width_change_um: float | None = Field(description="Width at the follow-up less that at the baseline.")
    width_change_se_um: float | None = Field(description="Standard error of that change.")
    confidence: float = Field(description="How sure the status is, 0 to 1.")


class VisitInfo(Record):
    """One of the two photographs."""

    image: str
    sha256: str
    um_per_px: float | None
    scale_source: str | None
    hair_count: int
    flags: tuple[str, ...]


class RegistrationInfo(Record):
    """How the follow-up shows what the baseline shows, and what speaks for it."""

    baseline_px_to_followup_px: tuple[tuple[float, float, float], ...]
    zoom: float | None
    turn_deg: float
    residual_um: float | None
    root_units_shown: int
    root_units_agreeing: int
    skin_features_agreeing: int
    dots_shown: int
    dots_agreeing: int
    log10_false_alarms: float


class ChangeInfo(Record):
    """What changed on the common area."""

    matched: int
    lost: int
    gained: int
    undecided: int
    count_change: Change
    density_change_per_cm2: Change
    width_change: WidthChange
    transitions: tuple[Transitions, ...]


class ComparisonFile(Record):
    """A comparison as JSON; of a refused one, the photographs as they were given and the reason."""

    model_config = ConfigDict(title="hairscan comparison of two visits")

    refused: str | None
    baseline: VisitInfo | str
    followup: VisitInfo | str
    run: RunInfo | None = None
    registration: RegistrationInfo | None = None
    common_area_fraction: float | None = None
    common_area_cm2: float | None = None
    change: ChangeInfo | None = None


def comparison_rows(comparison: Comparison) -> list[ComparedRow]:
    """The rows of hairs.csv."""
    return [_row(hair, widths) for hair, widths in zip(comparison.hairs, comparison.widths, strict=True)]


def comparison_csv(comparison: Comparison) -> bytes:
    """hairs.csv, UTF-8."""
    return rows_csv(ComparedRow, comparison_rows(comparison))


def comparison_json(comparison: Comparison) -> bytes:
    """comparison.json of two visits that could be compared."""
    overlap = comparison.overlap
    change = ChangeInfo(
        **{status.value: comparison.number(status) for status in Status},
        count_change=comparison.count_change,
        density_change_per_cm2=comparison.density_change_per_cm2,
        width_change=comparison.width_change,
        transitions=comparison.transitions,
    )
    document = ComparisonFile(
        refused=None,
        baseline=visit_info(comparison.baseline),
        followup=visit_info(comparison.followup),
        run=comparison.baseline.result.run,
        registration=registration_info(comparison),
        common_area_fraction=overlap.share,
        common_area_cm2=overlap.area_cm2,
        change=change,
    )
    return json_bytes(document)


def refusal_json(baseline: str, followup: str, reason: str) -> bytes:
    """comparison.json of two visits that could not be compared."""
    return json_bytes(ComparisonFile(refused=reason, baseline=baseline, followup=followup))


def registration_info(comparison: Comparison) -> RegistrationInfo:
    """The transformation, and what speaks for it."""
    registration = comparison.registration
    return RegistrationInfo(
        baseline_px_to_followup_px=tuple((float(a), float(b), float(c)) for a, b, c in registration.matrix),
        zoom=None if comparison.scale is None else registration.zoom,
        turn_deg=registration.turn_deg,
        residual_um=None if comparison.scale is None else finite_or_none(registration.residual_um),
        root_units_shown=registration.roots_shown,
        root_units_agreeing=registration.roots_agreeing,
        skin_features_agreeing=registration.skin_features,
        dots_shown=registration.dots_shown,
        dots_agreeing=registration.dots_agreeing,
        log10_false_alarms=registration.log10_false_alarms,
    )


def visit_info(visit: Visit) -> VisitInfo:
    """One of the two photographs."""
    row = visit.result.photo
    return VisitInfo(
        image=row.image,
        sha256=row.sha256,
        um_per_px=row.um_per_px,
        scale_source=row.scale_source,
        hair_count=row.hair_count,
        flags=row.flags,
    )


def _row(hair: ComparedHair, widths: PairedWidths) -> ComparedRow:
    (id_before, x_before, y_before), (id_after, x_after, y_after) = (_place(hair.baseline), _place(hair.followup))
    return ComparedRow(
        status=hair.status.value,
        baseline_hair_id=id_before,
        followup_hair_id=id_after,
        baseline_root_x_px=x_before,
        baseline_root_y_px=y_before,
        followup_root_x_px=x_after,
        followup_root_y_px=y_after,
        baseline_width_um=finite_or_none(widths.baseline_um),
        followup_width_um=finite_or_none(widths.followup_um),
        width_change_um=finite_or_none(widths.change_um),
        width_change_se_um=finite_or_none(widths.change_se_um),
        confidence=hair.confidence,
    )


def _place(hair: Hair | None) -> tuple[int | None, float | None, float | None]:
    """Number and root of a hair; the number is None where it was found by looking for it only."""
    if hair is None:
        return None, None, None
    return (hair.hair_id if hair.hair_id >= 0 else None), float(hair.root_xy[0]), float(hair.root_xy[1])
