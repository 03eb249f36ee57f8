"""What `hairscan growth` writes: hairs.csv and growth.json."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from hairscan.endpoints.result import RunInfo
from hairscan.endpoints.rows import finite_or_none, rows_csv
from hairscan.files import Record, json_bytes
from hairscan.visits.files import (
    ComparedRow,
    RegistrationInfo,
    VisitInfo,
    comparison_rows,
    registration_info,
    visit_info,
)
from hairscan.visits.growth import Growth, Phase
from hairscan.visits.growth_rates import Estimate, Share
from hairscan.visits.matching import Status


class GrowthRow(ComparedRow):
    """One hair of the common area and how it grew; None where it is absent or cannot be measured."""

    length_baseline_um: float | None = Field(description="Length of the hair at the first photograph.")
    length_followup_um: float | None = Field(description="Length at the second, by the scale of the first.")
    elongation_um: float | None = Field(description="By how much it is longer, measured from one root.")
    elongation_se_um: float | None = Field(description="Standard error of that, without the scale's.")
    growth_um_per_day: float | None = Field(description="Elongation over the days between the photographs.")
    growth_se_um_per_day: float | None = Field(description="Standard error of that, without the scale's.")
    phase: Literal["anagen", "telogen", "undecided"] | None = Field(
        description="anagen where the 95 % interval of the growth lies above the threshold, telogen where below."
    )
    reason: str = Field(description="Why the hair is undecided, or why an anagen one has no growth.")
    telogen_um_per_day: float = Field(description="The threshold: a hair that grows slower is telogen.")


class GrowthInfo(Record):
    """Phases and rates of the hairs of the common area.

    Attributes
    ----------
    undecided_reasons : dict of str to int
        Why how many of the undecided hairs are so.
    anagen_without_rate : int
        Anagen hairs whose tip cannot be seen at the second photograph.
    """

    anagen: int
    telogen: int
    undecided: int
    undecided_reasons: dict[str, int]
    anagen_without_rate: int
    anagen_share: Share
    anagen_mean: Estimate
    anagen_median: Estimate


class GrowthFile(Record):
    """Growth as JSON; of a refused pair, the photographs as they were given and the reason."""

    model_config = ConfigDict(title="hairscan growth between two photographs")

    refused: str | None
    hours: float
    telogen_um_per_day: float
    baseline: VisitInfo | str
    followup: VisitInfo | str
    run: RunInfo | None = None
    registration: RegistrationInfo | None = None
    common_area_fraction: float | None = None
    common_area_cm2: float | None = None
    matched: int | None = None
    lost: int | None = None
    gained: int | None = None
    growth: GrowthInfo | None = None


def growth_csv(growth: Growth) -> bytes:
    """hairs.csv, UTF-8."""
    rows = []
    for row, hair in zip(comparison_rows(growth.comparison), growth.hairs, strict=True):
        lengths = hair.elongation
        # The standard error of a lower bound is none of an elongation.
        measured = finite_or_none(lengths.elongation_um) is not None
        rows.append(
            GrowthRow(
                **row.model_dump(),
                length_baseline_um=finite_or_none(lengths.length_baseline_um),
                length_followup_um=finite_or_none(lengths.length_followup_um),
                elongation_um=finite_or_none(lengths.elongation_um),
                elongation_se_um=lengths.se_um if measured else None,
                growth_um_per_day=finite_or_none(hair.um_per_day),
                growth_se_um_per_day=finite_or_none(hair.se_um_per_day),
                phase=None if hair.phase is None else hair.phase.value,
                reason=hair.reason,
                telogen_um_per_day=growth.telogen_um_per_day,
            )
        )
    return rows_csv(GrowthRow, rows)


def growth_json(growth: Growth) -> bytes:
    """growth.json of a pair that could be measured."""
    comparison = growth.comparison
    return json_bytes(
        GrowthFile(
            refused=None,
            hours=growth.hours,
            telogen_um_per_day=growth.telogen_um_per_day,
            baseline=visit_info(comparison.baseline),
            followup=visit_info(comparison.followup),
            run=comparison.baseline.result.run,
            registration=registration_info(comparison),
            common_area_fraction=comparison.overlap.share,
            common_area_cm2=comparison.overlap.area_cm2,
            matched=comparison.number(Status.MATCHED),
            lost=comparison.number(Status.LOST),
            gained=comparison.number(Status.GAINED),
            growth=_growth_info(growth),
        )
    )


def growth_refusal_json(first: str, second: str, hours: float, telogen_um_per_day: float, reason: str) -> bytes:
    """growth.json of a pair that was refused."""
    return json_bytes(
        GrowthFile(refused=reason, hours=hours, telogen_um_per_day=telogen_um_per_day, baseline=first, followup=second)
    )


def _growth_info(growth: Growth) -> GrowthInfo:
    reasons = [hair.reason for hair in growth.hairs if hair.phase is Phase.UNDECIDED]
    return GrowthInfo(
        anagen=growth.number(Phase.ANAGEN),
        telogen=growth.number(Phase.TELOGEN),
        undecided=len(reasons),
        undecided_reasons={reason: reasons.count(reason) for reason in sorted(set(reasons))},
        anagen_without_rate=sum(hair.phase is Phase.ANAGEN and bool(hair.reason) for hair in growth.hairs),
        anagen_share=growth.anagen_share,
        anagen_mean=growth.mean_um_per_day,
        anagen_median=growth.median_um_per_day,
    )
