"""The rows of hair_histories.csv: one hair at one visit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Literal

from pydantic import Field

from hairscan.endpoints.rows import finite_or_none
from hairscan.files import Record
from hairscan.types import Hair
from hairscan.visits.compare import Comparison
from hairscan.visits.histories import NOT_SHOWN, History
from hairscan.visits.plane import inverse, zoom_and_turn
from hairscan.visits.run_sites import Site


class HistoryRow(Record):
    """One hair at one visit; None where it is not there or cannot be measured."""

    subject: str
    arm: str
    side: str
    site: str
    hair: int = Field(description="Number of the hair within its site.")
    visit: str
    image: str
    status: Literal["present", "absent", "undecided", "not shown"] = Field(
        description="present, absent, undecided, or not shown: outside what the photograph can judge."
    )
    hair_id: int | None = Field(description="Its number in hairs.csv; none where another visit showed where to look.")
    root_x_px: float | None
    root_y_px: float | None
    width_um: float | None = Field(description="Width of the shaft, in micrometres of the baseline's scale.")
    width_se_um: float | None = Field(description="Standard error of that width.")
    width_change_um: float | None = Field(description="Width less that at the baseline.")
    confidence: float | None = Field(description="How sure the status is, 0 to 1.")


@dataclass(frozen=True, slots=True)
class SiteVisits:
    """The visits of a site in time.

    Attributes
    ----------
    images : dict of str to str
        Photograph that stands for each visit; empty where none could be compared.
    base : int
        Place of the baseline in time.
    comparisons : mapping
        Comparison of the baseline with each visit that could be compared, by its place in time.
    """

    site: Site
    images: Mapping[str, str]
    base: int
    comparisons: Mapping[int, Comparison]


def history_rows(visits: SiteVisits, histories: Sequence[History]) -> list[HistoryRow]:
    """Every hair at every visit, hair by hair."""
    return [row for number, history in enumerate(histories) for row in _rows(visits, number, history)]


def _rows(visits: SiteVisits, number: int, history: History) -> list[HistoryRow]:
    site = visits.site
    before_um, _ = _width(visits, visits.base, history.at[visits.base].hair)
    rows = []
    for place, (visit, image) in enumerate(visits.images.items()):
        seen = history.at.get(place, NOT_SHOWN)
        hair = seen.hair
        width_um, se_um = _width(visits, place, hair)
        row = HistoryRow(
            subject=site.subject,
            arm=site.arm,
            side=site.side,
            site=site.site,
            hair=number,
            visit=visit,
            image=image,
            status=seen.status.value,
            hair_id=None if hair is None or hair.hair_id < 0 else hair.hair_id,
            root_x_px=None if hair is None else float(hair.root_xy[0]),
            root_y_px=None if hair is None else float(hair.root_xy[1]),
            width_um=finite_or_none(width_um),
            width_se_um=finite_or_none(se_um),
            width_change_um=None if place == visits.base else finite_or_none(width_um - before_um),
            confidence=seen.confidence,
        )
        rows.append(row)
    return rows


def _width(visits: SiteVisits, place: int, hair: Hair | None) -> tuple[float, float]:
    """Width of a hair and its standard error by the ruler of the baseline, um; NaN where there is none."""
    comparison = visits.comparisons.get(place, next(iter(visits.comparisons.values())))
    if hair is None or comparison.scale is None:
        return nan, nan
    um_per_px = comparison.scale.um_per_px
    if place != visits.base:
        um_per_px *= zoom_and_turn(inverse(comparison.registration.matrix), hair.root_xy)[0]
    return hair.width_px * um_per_px, hair.width_se_px * um_per_px
