"""Photographs become the tidy table of a trial: one row per unit of analysis, visit and endpoint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hairscan.trial.design import Design
from hairscan.trial.parameters import PARAMETERS

COLUMNS = (
    "subject",
    "arm",
    "side",
    "site",
    "visit",
    "week",
    "endpoint",
    "value",
    "n_photos",
    "base",
    "change",
    "percent_change",
    "is_baseline",
    "analysed",
    "area_cm2",
    "flags",
    "photo_variance",
    "operator_variance",
)
"""Columns of `observations`."""

_PLACE = ["side", "site"]
_VARIANCES = ["photo_variance", "operator_variance"]


@dataclass(frozen=True, slots=True)
class Averaged:
    """The tidy table, the places of a visit that entered it, and those that could not.

    Attributes
    ----------
    observations : DataFrame
        Columns `COLUMNS`; value is never NaN, base is without a baseline, and a baseline has no change.
        `photo_variance` and `operator_variance` are the variance of the error of `change`, in multiples of the one
        that a photograph, or an operator, of one visit has: 2 where both visits have a single one.
    places : DataFrame
        Columns subject, arm, side, site, visit, endpoint: a row for each place that a value is the mean of.
    dropped : DataFrame
        Columns subject, arm, side, site, visit, reason; of the design's endpoints.
    """

    observations: pd.DataFrame
    places: pd.DataFrame
    dropped: pd.DataFrame


def measured_endpoints(photos: pd.DataFrame, design: Design) -> tuple[str, ...]:
    """The design's endpoints in testing order, then every other one that has a number, in the order of `PARAMETERS`."""
    others = [name for name in PARAMETERS if name not in design.endpoints and photos[name].notna().any()]
    return (*design.endpoints, *others)


def of_design(table: pd.DataFrame, design: Design) -> pd.DataFrame:
    """The rows of the endpoints that the design tests; the others are only described."""
    return table[table["endpoint"].isin(design.endpoints)]


def unit_columns(design: Design) -> list[str]:
    """Columns that tell units of analysis apart: the subject, in a split-scalp trial the side of the subject."""
    return ["subject", "arm", "side"] if design.layout == "split-scalp" else ["subject", "arm"]


def average_photos(usable: pd.DataFrame, design: Design) -> Averaged:
    """Average the photographs of each place and visit, then the places of each unit, and give changes from baseline.

    Parameters
    ----------
    usable : DataFrame
        One row per photograph that can be analysed: subject, arm, side, site, visit, operator, area_cm2, flags and
        `PARAMETERS`.

    Notes
    -----
    Densities of photographs of one place are weighted by area, so that their mean is all hairs over all area. Places
    have one weight each: by area, glare on the denser one would be a change. A hair count belongs to the counted area
    of one photograph: counts and areas are averaged alike, so that `value` over `area_cm2` of the count of a place is
    its density, and a count without its area cannot be compared with another. A unit's places are those of its
    baseline, and of a split scalp those of both sides; a visit that lacks one of them would compare different places,
    and is left out.

    The photographs of a visit share out their error: n of each of m places leave the mean the variance 1 / (m n) of one
    photograph. What an operator has of its own does not average out over places, so that the place with the fewest
    operators counts.
    """
    unit, endpoints = unit_columns(design), measured_endpoints(usable, design)
    photos = usable.melt(
        id_vars=["subject", "arm", *_PLACE, "visit", "operator", "area_cm2", "flags"],
        value_vars=list(endpoints),
        var_name="endpoint",
    ).dropna(subset=["value"])
    per_area = photos["endpoint"].map(lambda name: PARAMETERS[name].per_area).astype(bool)
    weight = photos["area_cm2"].where(per_area & (photos["area_cm2"] > 0), 1.0)
    names = ["subject", "arm", *_PLACE, "visit", "endpoint"]
    n_operators = photos.groupby(names, as_index=False)["operator"].nunique()
    places = _pool(photos.assign(n_photos=1, weight=weight), names).merge(n_operators, how="left")
    one_sided = places.iloc[:0]
    if design.layout == "split-scalp":
        places, one_sided = _of_both_sides(places, design.baseline)
    matched, lost = _match_places(places, unit, design.baseline)
    lost = pd.concat([lost, one_sided.assign(reason="the other side has no baseline of this place")])
    lost = lost[[*names, "reason"]]
    dropped = of_design(lost, design).drop(columns="endpoint").drop_duplicates(ignore_index=True)
    rows = _pool(matched.assign(weight=1.0), [*unit, "visit", "endpoint"])
    rows = rows.merge(_variances(matched, [*unit, "visit", "endpoint"]), how="left")
    rows = rows.merge(_place_names(matched, unit), how="left")
    return Averaged(_with_changes(rows, unit, design, endpoints), matched[names].reset_index(drop=True), dropped)


def _pool(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """One row per key: weighted mean of the value, mean of the area, photographs added up, flags united."""
    weighed = rows.assign(weighted=rows["value"] * rows["weight"])
    pooled = weighed.groupby(keys, as_index=False, sort=True).agg(
        weighted=("weighted", "sum"),
        weight=("weight", "sum"),
        n_photos=("n_photos", "sum"),
        area_cm2=("area_cm2", "mean"),
        flags=("flags", _unite),
    )
    return pooled.assign(value=pooled["weighted"] / pooled["weight"]).drop(columns=["weighted", "weight"])


def _variances(places: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Variance of the error of each mean of places, in multiples of that of one photograph, and of one operator."""
    shares = places.assign(of_photos=1 / places["n_photos"], of_operators=1 / places["operator"])
    means = shares.groupby(keys, as_index=False).agg(
        photo_variance=("of_photos", "mean"), operator_variance=("of_operators", "max"), n_places=("of_photos", "size")
    )
    return means.assign(photo_variance=means["photo_variance"] / means["n_places"]).drop(columns="n_places")


def _unite(flags: pd.Series) -> str:
    """All flags of several rows, each once."""
    return ";".join(dict.fromkeys(flag for cell in flags for flag in cell.split(";") if flag))


def _of_both_sides(places: pd.DataFrame, baseline: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of the places that both sides of a subject show at the baseline, and those of one side only.

    Where only one side has a baseline at all there is no pair, and its rows stay; so do places whose names are of one
    side throughout the trial, such as ``left temple``.
    """
    by = ["subject", "endpoint"]
    at_baseline = places[places["visit"] == baseline]
    n_sides = at_baseline.groupby(by, as_index=False)["side"].nunique().rename(columns={"side": "n_sides"})
    n_of_place = at_baseline.groupby([*by, "site"], as_index=False)["side"].nunique()
    told = places.merge(n_sides, how="left", on=by).merge(
        n_of_place.rename(columns={"side": "n_of_place"}), how="left", on=[*by, "site"]
    )
    sides_of_site = places.groupby("site")["side"].nunique()
    is_shared = told["site"].map(sides_of_site) > 1
    one_sided = ((told["n_sides"] > 1) & ~(told["n_of_place"] > 1) & is_shared).to_numpy()
    return places[~one_sided], places[one_sided]


def _match_places(places: pd.DataFrame, unit: list[str], baseline: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of the visits that show exactly the places of the unit's baseline, and a line for each row left out."""
    at_baseline = places.loc[places["visit"] == baseline, [*unit, *_extra(unit), "endpoint"]]
    n_base = at_baseline.groupby([*unit, "endpoint"], as_index=False).size().rename(columns={"size": "n_base"})
    rows = places.merge(n_base, how="left").merge(at_baseline.assign(in_base=True), how="left")
    in_base = rows["in_base"].eq(True) | rows["n_base"].isna()
    shown = rows[in_base].groupby([*unit, "visit", "endpoint"], as_index=False).size()
    rows = rows.assign(in_base=in_base).merge(shown, how="left")
    whole = rows["n_base"].isna() | (rows["size"] == rows["n_base"])
    kept = rows[rows["in_base"] & whole]
    lost = rows[~(rows["in_base"] & whole)]
    reason = np.where(lost["in_base"], "a place of the baseline is missing at this visit", "this place has no baseline")
    return kept[places.columns], lost.assign(reason=reason)


def _extra(unit: list[str]) -> list[str]:
    """Columns of a place that the unit does not hold already."""
    return [name for name in _PLACE if name not in unit]


def _place_names(rows: pd.DataFrame, unit: list[str]) -> pd.DataFrame:
    """Names of the places averaged in each visit of a subject, those of several joined by ``+``."""
    groups = rows.groupby(["subject", "visit", "endpoint"], as_index=False)
    return groups[_extra(unit)].agg(_join_names)


def _join_names(names: pd.Series) -> str:
    """Each name once, joined by ``+``."""
    return "+".join(sorted({name for name in names if name}))


def _with_changes(rows: pd.DataFrame, unit: list[str], design: Design, endpoints: tuple[str, ...]) -> pd.DataFrame:
    """The tidy table: rows in the order of the endpoints, with base, change and membership of the full analysis set."""
    is_baseline = rows["visit"] == design.baseline
    base = rows.loc[is_baseline, [*unit, "endpoint", "value", *_VARIANCES]].rename(columns={"value": "base"})
    rows = rows.assign(is_baseline=is_baseline, week=rows["visit"].map(design.visits))
    rows = rows.merge(base, how="left", on=[*unit, "endpoint"], suffixes=("", "_of_base"))
    change = (rows["value"] - rows["base"]).where(~rows["is_baseline"])
    later = rows[~rows["is_baseline"]].groupby([*unit, "endpoint"], as_index=False).size()
    n_later = rows.merge(later, how="left")["size"].fillna(0)
    rows = rows.assign(
        change=change,
        percent_change=(100 * change / rows["base"]).where(rows["base"] != 0),
        analysed=rows["base"].notna() & (n_later > 0),
        **{name: (rows[name] + rows[f"{name}_of_base"]).where(~rows["is_baseline"]) for name in _VARIANCES},
    )
    ranks = {"endpoint": list(endpoints), "arm": list(design.arms)}
    return rows.sort_values(
        ["endpoint", "arm", "subject", "side", "week"],
        key=lambda column: column.map(ranks[column.name].index) if column.name in ranks else column,
        ignore_index=True,
    )[list(COLUMNS)]
