"""Photographs of the same thing, taken or read more than once: what reliability is estimated from."""

from __future__ import annotations

import pandas as pd

from hairscan.trial.design import Design
from hairscan.trial.observations import measured_endpoints

READ_AGAIN = "duplicates"
"""Kind of repeats that hold one photograph twice."""
_PLACE = ["subject", "arm", "side", "site", "visit"]


def find_repeats(photos: pd.DataFrame, design: Design) -> pd.DataFrame:
    """Repeated values of all measured endpoints: endpoint, kind, subject, target, repeat (from 1), value.

    Kinds: ``same visit`` (photographs of one place, visit and operator), ``operators`` (one value per operator of a
    place and visit) and ``duplicates`` (the same photograph read again). The number of an operator is the rank of the
    name among all operators of the trial, so that a difference of two numbers is one of the same two people everywhere.

    Parameters
    ----------
    photos : DataFrame
        The photographs that can be analysed, duplicates (`duplicate` is 1) among them.
    """
    endpoints = measured_endpoints(photos, design)
    values = photos.melt(
        id_vars=[*_PLACE, "operator", "image", "duplicate"],
        value_vars=list(endpoints),
        var_name="endpoint",
    ).dropna(subset=["value"])
    first = values[values["duplicate"] != "1"]
    by_operator = first.groupby([*_PLACE, "operator", "endpoint"], as_index=False)["value"].mean()
    found = [
        _numbered(first, "same visit", [*_PLACE, "operator"], "image"),
        _of_operators(by_operator[by_operator["operator"] != ""]),
        _numbered(values, READ_AGAIN, ["image"], "duplicate"),
    ]
    together = pd.concat(found)
    return together.sort_values(
        "endpoint", key=lambda names: names.map(endpoints.index), kind="stable", ignore_index=True
    )


def _numbered(rows: pd.DataFrame, kind: str, target: list[str], order: str) -> pd.DataFrame:
    """Rows of the targets that have at least two, numbered within each in the order of a column."""
    rows = _repeated(rows, target, order)
    return _table(rows, kind, target, rows.groupby([*target, "endpoint"]).cumcount() + 1)


def _of_operators(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the places and visits that have at least two operators, each operator with one number throughout."""
    numbers = rows["operator"].rank(method="dense").astype(int)
    rows = _repeated(rows.assign(number=numbers), _PLACE, "operator")
    return _table(rows, "operators", _PLACE, rows["number"])


def _repeated(rows: pd.DataFrame, target: list[str], order: str) -> pd.DataFrame:
    """Rows of the targets that have at least two, by target and then by a column."""
    keys = [*target, "endpoint"]
    return rows[rows.groupby(keys)["value"].transform("size") > 1].sort_values([*keys, order])


def _table(rows: pd.DataFrame, kind: str, target: list[str], numbers: pd.Series) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "endpoint": rows["endpoint"],
            "kind": kind,
            "subject": rows["subject"],
            "target": rows[target].agg("|".join, axis=1) if len(rows) else pd.Series(dtype=str),
            "repeat": numbers,
            "value": rows["value"],
        }
    )
