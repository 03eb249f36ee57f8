"""The kinds of hair that an overlay tells apart, and their colours.

The colours keep apart for the common forms of colour blindness (Okabe and Ito) and differ in brightness too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hairscan.endpoints.rows import HairRow
from hairscan.endpoints.summary import KIND_CUT_OFF_UM

HALO = (25, 25, 25)
"""Nearly black: lies under a coloured line so that it shows on pale skin."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A colour and what it means."""

    rgb: tuple[int, int, int]
    meaning: str


MARKS = {
    "terminal": Mark((0, 158, 255), f"terminal, {KIND_CUT_OFF_UM:.0f} um or more"),
    "vellus": Mark((255, 140, 0), f"vellus, under {KIND_CUT_OFF_UM:.0f} um"),
    "measured": Mark((0, 200, 160), "width in px only"),
    "unmeasured": Mark((250, 230, 60), "counted, no width"),
    "not-counted": Mark((225, 225, 225), "traced, not counted"),
}


def mark_of(row: HairRow) -> str:
    """Give the name of a hair's mark."""
    if not row.counted:
        return "not-counted"
    if row.kind is not None:
        return row.kind
    return "unmeasured" if row.width_px is None else "measured"


def marks_with_counts(rows: Sequence[HairRow]) -> dict[str, int]:
    """Count the hairs of each mark, in the order of `MARKS`; marks of no use without or with a scale are left out."""
    names = [mark_of(row) for row in rows]
    useless = {"terminal", "vellus"} if "measured" in names else {"measured"}
    return {name: names.count(name) for name in MARKS if name not in useless}
