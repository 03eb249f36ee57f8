"""Photographs of the same thing, taken or read more than once: what reliability is estimated from."""

from __future__ import annotations

import pandas as pd

from hairscan.trial.design import Design

_PLACE = ["subject", "arm", "side", "site", "visit"]


def find_repeats(photos: pd.DataFrame, design: Design) -> pd.DataFrame:
    """Repeated values: columns endpoint, kind, target, repeat (from 1), value.

    Kinds: ``same visit`` (photographs of one place, visit and operator), ``operators`` (one value per operator of a
    place and visit) and ``duplicates`` (the same photograph read again).

    Parameters
    ----------
    photos : DataFrame
        The photographs that can be analysed, those marked as duplicates among them.
    """
    values = photos.melt(
        id_vars=[*_PLACE, "operator", "image", "duplicate_of"],
        value_vars=list(design.endpoints),
        var_name="endpoint",
    ).dropna(subset=["value"])
    first = values[values["duplicate_of"] == ""]
    by_operator = first.groupby([*_PLACE, "operator", "endpoint"], as_index=False)["value"].mean()
    read_again = values.assign(read=values["duplicate_of"].where(values["duplicate_of"] != "", values["image"]))
    found = [
        _numbered(first, "same visit", [*_PLACE, "operator"], "image"),
        _numbered(by_operator[by_operator["operator"] != ""], "operators", _PLACE, "operator"),
        _numbered(read_again, "duplicates", ["read"], "image"),
    ]
    together = pd.concat(found)
    order = list(design.endpoints).index
    return together.sort_values("endpoint", key=lambda names: names.map(order), kind="stable", ignore_index=True)


def _numbered(rows: pd.DataFrame, kind: str, target: list[str], order: str) -> pd.DataFrame:
    """Rows of the targets that have at least two, numbered in the order of a column."""
    keys = [*target, "endpoint"]
    rows = rows[rows.groupby(keys)["value"].transform("size") > 1].sort_values([*keys, order])
    return pd.DataFrame(
        {
            "endpoint": rows["endpoint"],
            "kind": kind,
            "target": rows[target].agg("|".join, axis=1) if len(rows) else pd.Series(dtype=str),
            "repeat": rows.groupby(keys).cumcount() + 1,
            "value": rows["value"],
        }
    )
