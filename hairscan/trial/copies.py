"""Photographs that are one file under several names: which of them counts, and why the others do not."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from hairscan.trial.design import Design

SAME_BYTES = "the same bytes as"
"""How the reason of every copy begins."""
CANNOT_SHOW_BOTH = "one photograph cannot show both"
"""How the reason of a copy ends that the manifest gives to another visit, side, site or subject."""

_PLACE = ["subject", "arm", "side", "site"]


def copy_reasons(usable: pd.DataFrame, design: Design) -> dict[Hashable, str]:
    """Why a photograph with the bytes of another is not analysed, by its row; without those that are.

    Parameters
    ----------
    usable : DataFrame
        Photographs that could be analysed. Where images.csv has no sha256 nothing is known, and nobody is left out.

    Notes
    -----
    Of the copies at one place and visit the first by name counts. Of the copies at several, only that of the earliest
    visit; where those are already at several places, nobody can tell whose photograph it is, and none counts.
    """
    if "sha256" not in usable:
        return {}
    known = usable[usable["sha256"] != ""]
    copies = known[known["sha256"].duplicated(keep=False)]
    ordered = copies.assign(week=copies["visit"].map(design.visits)).sort_values(["week", *_PLACE, "image"])
    return {row: reason for _, same in ordered.groupby("sha256") for row, reason in _of_file(same).items()}


def _of_file(same: pd.DataFrame) -> dict[Hashable, str]:
    """Reasons of the photographs of one file, the earliest visit first."""
    where = [tuple(names) for names in same[[*_PLACE, "visit"]].to_numpy()]
    images = same.to_dict("records")
    earliest = {place for place, week in zip(where, same["week"], strict=True) if week == same["week"].iloc[0]}
    reasons: dict[Hashable, str] = {}
    for at, row in enumerate(same.index):
        others = [image for image, place in zip(images, where, strict=True) if place != where[at]]
        if where[at] != where[0] or len(earliest) > 1:
            reasons[row] = f"{SAME_BYTES} {_named(others[0])}: {CANNOT_SHOW_BOTH}"
        elif at > 0:
            reasons[row] = f"{SAME_BYTES} {images[0]['image']}, of the same place and visit"
    return reasons


def _named(photo: Mapping[Hashable, Any]) -> str:
    """A photograph and what the manifest says it shows."""
    place = ", ".join(photo[name] for name in ("side", "site") if photo[name])
    return f"{photo['image']} (subject {photo['subject']}, {place}{', ' * bool(place)}visit {photo['visit']})"
