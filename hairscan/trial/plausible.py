"""Changes that are no hair growth, and changes of how the photographs were taken: what a reader must be warned of."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pandas as pd
from pandas.api.types import is_numeric_dtype

from hairscan.trial.copies import CANNOT_SHOW_BOTH
from hairscan.trial.data import TrialData
from hairscan.trial.design import Design
from hairscan.trial.detectable import few_repeats_words
from hairscan.trial.flow import full_analysis_set
from hairscan.trial.observations import of_design, unit_columns

WARNING_COLUMNS = ("subject", "arm", "side", "site", "visit", "endpoint", "warning")
_SOON_WEEKS = 4.0
_SCALE_SHARE = 0.02
"""A scale that differs by 2 % changes the density by 4 %."""
_AREA_SHARE = 0.05
"""A count over an area that is larger by 5 % is larger by 5 % without a hair gained."""
_COUNT = "hair_count"
_CLIPPING_DAYS = 1.0
_OFF_PLAN_DAYS, _OFF_PLAN_SHARE = 14.0, 0.25
"""A visit that is off its plan by more than both, of the time since the baseline, is another visit."""
_FEW_VALUES = 6
_UNMEASURED_SHARE = 0.2
_PLACE = ["subject", "arm", "side", "site"]

_Line = dict[str, object]


def find_warnings(data: TrialData, errors: pd.DataFrame, design: Design) -> pd.DataFrame:
    """Warnings, one row each: the trial as a whole first, then subject by subject.

    Parameters
    ----------
    errors
        Of the responder's endpoint, as `hairscan.trial.detectable.errors_of` gives them.
    """
    used = data.photos[data.photos["used"]]
    days = _days(used, design)
    lines = [
        *_of_trial(errors, design),
        *_numbered_groups(data.covariates, design),
        *_lost_subjects(data.observations, design),
        *_copies(data.photos),
        *_off_plan(days, design),
        *_sudden_changes(data.observations, days, design),
        *_other_conditions(used),
        *(_other_areas(used) if _COUNT in design.endpoints else ()),
        *_unmeasured_widths(used),
    ]
    blank = dict.fromkeys(WARNING_COLUMNS, "")
    return pd.DataFrame([{**blank, **line} for line in lines], columns=list(WARNING_COLUMNS))


def _of_trial(errors: pd.DataFrame, design: Design) -> Iterator[_Line]:
    if design.control is None:
        yield {
            "warning": "no control arm: a change from baseline also holds what an untreated scalp gains or loses "
            "(season, clipping, place of the photograph), and is not an effect of the treatment"
        }
    few = few_repeats_words(errors)
    if design.responder is not None and few:
        words = f"{few}: a responder was held to it"
        yield {"endpoint": design.responder.endpoint, "warning": words}
    if design.responder is not None and errors.empty:
        yield {
            "endpoint": design.responder.endpoint,
            "warning": "no photograph was taken twice: the minimal detectable change is unknown, and the threshold of "
            "a responder may lie within the measurement error",
        }


def _numbered_groups(covariates: pd.DataFrame, design: Design) -> Iterator[_Line]:
    """Covariates whose few whole numbers may be names: the model gives numbers one slope."""
    for name in design.covariates:
        values = covariates[name]
        if is_numeric_dtype(values) and 2 < values.nunique() <= _FEW_VALUES and (values % 1 == 0).all():
            told = ", ".join(f"{value:g}" for value in sorted(values.unique()))
            words = f"the covariate {name} ({told}) enters as a number, with one slope"
            yield {"warning": f"{words}: if these are names of groups, write {name[0].upper()}1 for 1 and so on"}


def _lost_subjects(observations: pd.DataFrame, design: Design) -> Iterator[_Line]:
    """Endpoints that cannot be told of everyone in the full analysis set, who need only one of them."""
    full = full_analysis_set(of_design(observations, design), design)
    counts = full.groupby(["endpoint", "arm"])["subject"].nunique()
    everyone = full.groupby("arm")["subject"].nunique()
    unit, lacked, arms = "subjects", "a baseline or a later visit", design.arms
    if design.layout == "split-scalp":
        unit, lacked, arms = "pairs", "a difference", design.treatments
    for endpoint in design.endpoints:
        lost = {arm: n - counts.get((endpoint, arm), 0) for arm, n in everyone.items()}
        told = ", ".join(f"{lost[arm]} of {everyone[arm]} in {arm}" for arm in arms if lost.get(arm))
        if told:
            words = f"{unit} of the full analysis set without {lacked} of this endpoint"
            yield {"endpoint": endpoint, "warning": f"{words}: {told}"}


def _copies(photos: pd.DataFrame) -> Iterator[_Line]:
    """Photographs left out because the manifest gives their bytes to another visit, side, site or subject, too."""
    for row in photos[photos["reason"].str.endswith(CANNOT_SHOW_BOTH)].to_dict("records"):
        words = f"{row['image']} was left out: {row['reason']}; put the manifest right"
        yield {**{name: row[name] for name in [*_PLACE, "visit"]}, "warning": words}


def _days(photos: pd.DataFrame, design: Design) -> pd.DataFrame:
    """First day of each visit of a unit, with the days since its baseline: columns unit, visit, day, days."""
    unit = unit_columns(design)
    dated = photos.assign(day=pd.to_datetime(photos["date"], format="%Y-%m-%d", errors="coerce"))
    first = dated.groupby([*unit, "visit"], as_index=False)["day"].min()
    base = first.loc[first["visit"] == design.baseline, [*unit, "day"]].rename(columns={"day": "base_day"})
    joined = first.merge(base, how="left", on=unit)
    return joined.assign(days=(joined["day"] - joined["base_day"]).dt.days)[[*unit, "visit", "day", "days"]]


def _off_plan(days: pd.DataFrame, design: Design) -> Iterator[_Line]:
    """Visits whose dates contradict the weeks of the design."""
    for row in days[days["days"].notna()].to_dict("records"):
        planned = 7 * (design.visits[row["visit"]] - design.visits[design.baseline])
        off = abs(row["days"] - planned)
        if off > _OFF_PLAN_DAYS and off > _OFF_PLAN_SHARE * abs(planned):
            words = f"photographed {row['days']:.0f} days after the baseline, planned {planned:.0f}"
            yield {**{name: row[name] for name in [*unit_columns(design), "visit"]}, "warning": words}


def _sudden_changes(observations: pd.DataFrame, days: pd.DataFrame, design: Design) -> Iterator[_Line]:
    """Changes between neighbouring visits at most four weeks apart that are larger than the design's limit.

    The dates tell how far apart they are, where both have one, and else the weeks of the design.
    """
    unit = unit_columns(design)
    observations = observations.merge(days, how="left", on=[*unit, "visit"])
    for endpoint, limit in design.implausible.items():
        rows = observations[observations["endpoint"] == endpoint]
        for _, visits in rows.groupby(unit):
            for before, after in pairwise(visits.sort_values("week").to_dict("records")):
                change, apart = after["value"] - before["value"], (after["day"] - before["day"]).days
                weeks = after["week"] - before["week"] if apart != apart else apart / 7
                if weeks <= _SOON_WEEKS and abs(change) > limit:
                    words = f"changed by {change:+.4g} within {weeks:.3g} weeks (limit {limit:g})"
                    yield {**{name: after[name] for name in [*_PLACE, "visit", "endpoint"]}, "warning": words}


def _other_conditions(photos: pd.DataFrame) -> Iterator[_Line]:
    """Devices, scales and days since clipping that differ between the visits of a place."""
    for names, rows in photos.groupby(_PLACE):
        if rows["visit"].nunique() < 2:
            continue
        place = dict(zip(_PLACE, names, strict=True))
        devices = sorted({device for device in rows["device"] if device})
        if len(devices) > 1:
            yield {**place, "warning": f"the device changed: {', '.join(devices)}"}
        scales = rows["um_per_px"].dropna()
        if len(scales) and scales.max() > scales.min() * (1 + _SCALE_SHARE):
            density = 200 * (scales.max() / scales.min() - 1)
            words = f"the scale differs from {scales.min():.4g} to {scales.max():.4g} um per px"
            yield {**place, "warning": f"{words}: if it is wrong, the density is wrong by {density:.0f} %"}
        days = rows["days_since_clipping"].dropna()
        if len(days) and days.max() - days.min() > _CLIPPING_DAYS:
            yield {**place, "warning": f"days since clipping differ from {days.min():g} to {days.max():g}"}


def _other_areas(photos: pd.DataFrame) -> Iterator[_Line]:
    """Judged areas that differ between the visits of a place, over which hairs were counted."""
    for names, rows in photos.groupby(_PLACE):
        areas = rows.groupby("visit")["area_cm2"].mean().dropna()
        if len(areas) and areas.max() > areas.min() * (1 + _AREA_SHARE):
            more = 100 * (areas.max() / areas.min() - 1)
            words = f"the judged area differs from {areas.min():.4g} to {areas.max():.4g} cm2"
            place = dict(zip(_PLACE, names, strict=True))
            yield {**place, "endpoint": _COUNT, "warning": f"{words}: that alone changes the count by {more:.0f} %"}


def _unmeasured_widths(photos: pd.DataFrame) -> Iterator[_Line]:
    """Photographs in which the width of more than a fifth of the hairs could not be measured."""
    for row in photos.to_dict("records"):
        n_unmeasured, n_hairs = unmeasured_hairs(row["flags"]), row["hair_count"]
        if n_unmeasured > _UNMEASURED_SHARE * n_hairs:
            words = f"{row['image']}: {n_unmeasured} of {n_hairs:.0f} hairs have no width"
            yield {**{name: row[name] for name in [*_PLACE, "visit"]}, "warning": words}


def unmeasured_hairs(flags: str) -> int:
    """Number of counted hairs of a photograph that have no width, from its flags."""
    return sum(int(flag.partition(":")[2]) for flag in flags.split(";") if flag.startswith("width-missing:"))
