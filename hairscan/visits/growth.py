"""Which hairs of a clipped site grew between two photographs some days apart, and how fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite, nan
from pathlib import Path

import numpy as np

from hairscan.endpoints.density import Z95
from hairscan.errors import ScaleError, VisitError
from hairscan.photo import read_photo
from hairscan.segment import load_model
from hairscan.types import RgbImage
from hairscan.visits.compare import Comparison, compare_visits
from hairscan.visits.elongation import Elongation, measure_elongations
from hairscan.visits.growth_rates import Estimate, Share, anagen_share, mean_rate, median_rate
from hairscan.visits.matching import Status
from hairscan.visits.tips import TIP_OUTSIDE
from hairscan.visits.visit import read_visit

TELOGEN_UM_PER_DAY = 100.0
"""A hair that grows slower is telogen, unless another threshold is given."""
HOURS = (12.0, 120.0)
"""Two photographs of one growth lie so far apart, least and most."""
HOLDS_THRESHOLD = "threshold-within-interval"
"""The 95 % interval of the growth rate holds the threshold."""
SHRUNK = "shorter"
"""The hair is shorter at the follow-up by more than the noise: clipped in between, or not one hair."""
TOO_FAST = "faster-than-hair-grows"
"""No hair grows so fast: one of the traces is of more than this hair."""
NOT_MATCHED = "not-matched"
"""Comparing the visits left open what became of the hair."""
_HOURS_PER_DAY = 24.0
_FASTEST_UM_PER_DAY = 800.0
_MOST_OUTSIDE = 0.5
_MOST_SHRUNK = 0.3
_FEW = 3


class Phase(StrEnum):
    """Phase of a hair's cycle, as far as its growth tells."""

    ANAGEN = "anagen"
    TELOGEN = "telogen"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class HairGrowth:
    """Growth of one hair of the common area; NaN where it was not measured.

    Attributes
    ----------
    phase : Phase or None
        None for a hair that was lost or gained.
    reason : str
        Why it is undecided, or why an anagen hair has no rate; empty otherwise.
    """

    elongation: Elongation
    um_per_day: float
    se_um_per_day: float
    phase: Phase | None
    reason: str


@dataclass(frozen=True, slots=True)
class Growth:
    """Growth of a site between two photographs.

    Attributes
    ----------
    hairs : tuple of HairGrowth
        In the order of the comparison's hairs.
    mean_um_per_day, median_um_per_day : Estimate
        Over the anagen hairs whose rate was measured.
    """

    comparison: Comparison
    hours: float
    telogen_um_per_day: float
    hairs: tuple[HairGrowth, ...]
    anagen_share: Share
    mean_um_per_day: Estimate
    median_um_per_day: Estimate

    def number(self, phase: Phase) -> int:
        """Count the hairs of one phase."""
        return sum(hair.phase is phase for hair in self.hairs)


def growth_of_photos(
    first: str | Path | RgbImage,
    second: str | Path | RgbImage,
    *,
    hours: float,
    um_per_px: float | None = None,
    followup_um_per_px: float | None = None,
    telogen_um_per_day: float = TELOGEN_UM_PER_DAY,
    model: str | Path = "default",
    device: str = "auto",
) -> Growth:
    """Score two photographs of one clipped site and measure how its hairs grew.

    Parameters
    ----------
    hours : float
        Time between the photographs.
    um_per_px : float, optional
        Micrometres of scalp per pixel of the first and, where not given otherwise, of the second.
    telogen_um_per_day : float
        A hair that grows slower is telogen.

    Raises
    ------
    HairscanError
        When a photograph cannot be scored, the two cannot be compared, or they are no growth pair.
    """
    _check_asked(hours, telogen_um_per_day)
    scales = (um_per_px, um_per_px if followup_um_per_px is None else followup_um_per_px)
    photos = [read_photo(photo, um_per_px=scale) for photo, scale in zip((first, second), scales, strict=True)]
    if all(photo.scale is None for photo in photos):
        raise ScaleError("growth is measured in micrometres and neither photograph has a scale: give --um-per-px")
    segmenter = load_model(model, device)
    visits = [read_visit(photo, segmenter) for photo in photos]
    return measure_growth(compare_visits(*visits), hours=hours, telogen_um_per_day=telogen_um_per_day)


def measure_growth(comparison: Comparison, *, hours: float, telogen_um_per_day: float = TELOGEN_UM_PER_DAY) -> Growth:
    """Growth of the hairs of two compared visits.

    Raises
    ------
    VisitError
        When the photographs are no growth pair: too short or too long apart, the hairs too long for the picture, or
        clipped in between.
    ScaleError
        Without a scale.

    Notes
    -----
    A hair is anagen where the whole 95 % interval of its rate lies above the threshold, telogen where it lies below.
    A hair whose tip cannot be seen at the follow-up is anagen, its rate unknown, where what is seen of it has already
    grown by more than the threshold: it would be wrong to leave out just those that grew out of the picture.
    """
    _check_asked(hours, telogen_um_per_day)
    if comparison.scale is None:
        raise ScaleError("growth is measured in micrometres and neither photograph has a scale: give --um-per-px")
    elongations = measure_elongations(comparison, comparison.scale.um_per_px)
    _check_growth_pair(comparison, [one for one in elongations if one is not None])
    days = hours / _HOURS_PER_DAY
    hairs = tuple(
        _hair_growth(hair.status, one, days, telogen_um_per_day)
        for hair, one in zip(comparison.hairs, elongations, strict=True)
    )
    phases = [hair.phase for hair in hairs]
    rated = [hair for hair in hairs if hair.phase is Phase.ANAGEN and isfinite(hair.um_per_day)]
    rates = np.array([hair.um_per_day for hair in rated])
    enlargement_se = sum(hair.elongation.enlargement_se_um for hair in rated) / days / max(len(rated), 1)
    sd_share = comparison.scale.sd / comparison.scale.um_per_px
    return Growth(
        comparison=comparison,
        hours=hours,
        telogen_um_per_day=telogen_um_per_day,
        hairs=hairs,
        anagen_share=anagen_share(*(phases.count(phase) for phase in Phase)),
        mean_um_per_day=mean_rate(rates, sd_share, enlargement_se),
        median_um_per_day=median_rate(rates, sd_share, enlargement_se),
    )


def _check_asked(hours: float, telogen_um_per_day: float) -> None:
    """Raise VisitError where the time or the threshold is none of a growth pair."""
    if not HOURS[0] <= hours <= HOURS[1]:
        raise VisitError(
            f"{hours:g} hours between the photographs is no growth pair: give --hours {HOURS[0]:.0f} to "
            f"{HOURS[1]:.0f} (48 to 72 is usual), or compare the visits with 'hairscan compare'"
        )
    if not 0.0 < telogen_um_per_day < _FASTEST_UM_PER_DAY:
        raise VisitError(
            f"{telogen_um_per_day:g} um/day is no threshold between telogen and anagen: give --telogen-um-per-day "
            f"above 0 and below {_FASTEST_UM_PER_DAY:.0f}"
        )


def _check_growth_pair(comparison: Comparison, matched: Sequence[Elongation]) -> None:
    """Raise VisitError where the hairs were not clipped before the first photograph, or were clipped after it."""
    names = f"{comparison.baseline.photo.name} and {comparison.followup.photo.name}"
    outside = sum(one.reason == f"baseline-{TIP_OUTSIDE}" for one in matched)
    if len(matched) >= _FEW and outside > _MOST_OUTSIDE * len(matched):
        raise VisitError(
            f"{names} are no growth pair: the tips of {outside} of {len(matched)} hairs lie outside the first picture. "
            "Clip the site to about 0.5 mm before it is taken, or show more of the site"
        )
    known = [one for one in matched if isfinite(one.elongation_um)]
    shrunk = sum(_is_shrunk(one) for one in known)
    if shrunk >= _FEW and shrunk > _MOST_SHRUNK * len(known):
        raise VisitError(
            f"{names} are no growth pair: {shrunk} of {len(known)} hairs are shorter in the second. Give the "
            "photographs in the order they were taken, and do not clip the site in between"
        )


def _hair_growth(status: Status, elongation: Elongation | None, days: float, telogen_um_per_day: float) -> HairGrowth:
    """Rate and phase of one hair; of one that is not matched, neither."""
    if elongation is None:
        undecided = status is Status.UNDECIDED
        phase, reason = (Phase.UNDECIDED, NOT_MATCHED) if undecided else (None, "")
        return HairGrowth(Elongation(), nan, nan, phase, reason)
    rate, se = elongation.elongation_um / days, elongation.se_um / days
    if elongation.reason:
        grown = elongation.least_um - Z95 * elongation.se_um > telogen_um_per_day * days
        return HairGrowth(elongation, nan, nan, Phase.ANAGEN if grown else Phase.UNDECIDED, elongation.reason)
    phase, reason = _phase(elongation, rate, se, telogen_um_per_day)
    return HairGrowth(elongation, rate, se, phase, reason)


def _phase(elongation: Elongation, rate: float, se: float, telogen_um_per_day: float) -> tuple[Phase, str]:
    """Phase of a hair whose rate was measured, and why it is undecided."""
    if _is_shrunk(elongation):
        return Phase.UNDECIDED, SHRUNK
    if rate - Z95 * se > _FASTEST_UM_PER_DAY:
        return Phase.UNDECIDED, TOO_FAST
    if rate - Z95 * se > telogen_um_per_day:
        return Phase.ANAGEN, ""
    if rate + Z95 * se < telogen_um_per_day:
        return Phase.TELOGEN, ""
    return Phase.UNDECIDED, HOLDS_THRESHOLD


def _is_shrunk(elongation: Elongation) -> bool:
    """Whether a hair is shorter by more than the noise, with its outliers."""
    return elongation.elongation_um < -max(4.0 * elongation.se_um, 40.0)
