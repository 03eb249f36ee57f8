"""The changes that hairscan visits found hair by hair, as a tidy table beside that of the photographs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd

from hairscan.errors import TrialError
from hairscan.trial.data import TrialData
from hairscan.trial.design import Design
from hairscan.trial.observations import unit_columns

MATCHED_ENDPOINTS = {"density_per_cm2": "density_change_per_cm2", "mean_width_um": "width_change_um"}
"""Endpoints that matching hairs gives, each with the column of changes.csv that is its change."""
_PLACE = ["side", "site"]
_UNDECIDED = "undecided_share"


def read_changes(run: Path, design: Design) -> pd.DataFrame | None:
    """changes.csv of the run folder as text; None where there is none.

    Raises
    ------
    TrialError
        Where it was made from other photographs or measurements than images.csv, or against another baseline.
    """
    path = run / "changes.csv"
    if not path.is_file():
        return None
    try:
        record = json.loads((run / "visits.json").read_text(encoding="utf-8"))
        made_from, baseline = record["images_sha256"], record["baseline"]
        changes = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrialError(f"{path} cannot be used: run hairscan visits {run} again") from error
    if made_from != hashlib.sha256((run / "images.csv").read_bytes()).hexdigest():
        raise TrialError(
            f"{path} was made from other photographs or measurements than images.csv: run hairscan visits {run} again"
        )
    if baseline != design.baseline:
        raise TrialError(
            f"{path} compares with visit {baseline}, and the baseline of the design is {design.baseline}: run hairscan "
            f"visits {run} --baseline {design.baseline}"
        )
    return changes


def matched_observations(changes: pd.DataFrame, data: TrialData, design: Design) -> pd.DataFrame:
    """Rows of the tidy table whose hairs were matched, with the matched change.

    Returns
    -------
    DataFrame
        Columns of `hairscan.trial.observations.COLUMNS` of visits after the baseline; `change` is the matched change,
        and a column `unmatched_change` holds the one of the photographs. Percentages are those of the matched change.
        `undecided_share` is the share of the hairs of the common area of which nobody can tell what became of them.

    Notes
    -----
    A change counts where the design analyses both photographs, and only of the places whose mean the unmatched change
    is the difference of. Several places of a unit are averaged, each with the same weight, and only where every one of
    them was matched.
    """
    unit = unit_columns(design)
    used = data.photos.loc[data.photos["used"], "image"]
    kept = changes[(changes["refused"] == "") & changes["image"].isin(used) & changes["baseline_image"].isin(used)]
    of_places = kept.merge(data.places, on=["subject", "arm", *_PLACE, "visit"])
    at_baseline = data.places[data.places["visit"] == design.baseline]
    places = at_baseline.groupby([*unit, "endpoint"], as_index=False).size().rename(columns={"size": "n_places"})
    keys = [*unit, "visit", "endpoint"]
    pooled = [
        _pooled(of_places[of_places["endpoint"] == endpoint], column, keys)
        for endpoint, column in MATCHED_ENDPOINTS.items()
    ]
    matched = pd.concat(pooled, ignore_index=True).merge(places, on=[*unit, "endpoint"])
    matched = matched.loc[matched["n"] == matched["n_places"], [*keys, "matched", _UNDECIDED]]
    seen = data.observations
    later = seen[seen["analysed"].astype(bool) & ~seen["is_baseline"].astype(bool) & seen["change"].notna()]
    rows = later.merge(matched, on=keys)
    rows = rows.assign(
        unmatched_change=rows["change"],
        change=rows["matched"],
        value=rows["base"] + rows["matched"],
        percent_change=(100 * rows["matched"] / rows["base"]).where(rows["base"] != 0),
    )
    return rows.drop(columns="matched")


def _pooled(changes: pd.DataFrame, column: str, keys: list[str]) -> pd.DataFrame:
    """Mean change of the places of every unit and visit, and how many those are."""
    names = (column, "matched", "lost", "gained", "undecided")
    change, *hairs = (pd.to_numeric(changes[name], errors="coerce") for name in names)
    rows = changes[keys].assign(change=change, hairs=sum(hairs), undecided=hairs[-1])
    pooled = (
        rows[change.notna()]
        .groupby(keys, as_index=False)
        .agg(matched=("change", "mean"), n=("change", "size"), hairs=("hairs", "sum"), undecided=("undecided", "sum"))
    )
    return pooled.assign(**{_UNDECIDED: pooled["undecided"] / pooled["hairs"]})
