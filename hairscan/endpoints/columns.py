"""The data dictionary: what a column of a table means, and its unit.

The words stand where the rows do: `HairRow` and `PhotoRow` here, those of the visits and of a trial beside them.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from hairscan.endpoints.rows import MANIFEST_COLUMNS, HairRow, PhotoRow

_UNITS = (
    ("um_per_day", "um/day"),
    ("um_per_px", "um/px"),
    ("um_per_px_sd", "um/px"),
    ("_mm_per_cm2", "mm/cm2"),
    ("_per_cm2", "1/cm2"),
    ("_cm2", "cm2"),
    ("_mm", "mm"),
    ("_um", "um"),
    ("_px", "px"),
    ("_s", "s"),
    ("days", "days"),
    ("days_since_clipping", "days"),
)
"""Unit of a column, by the end of its name; the first that fits counts."""


@dataclass(frozen=True, slots=True)
class Column:
    """What a column means and its unit; the unit of a number or a text is empty, and both where nothing is known."""

    meaning: str = ""
    unit: str = ""


def columns_of(row_type: type[BaseModel]) -> dict[str, Column]:
    """Columns of the file that holds such rows; one without words of its own means what it means everywhere.

    Examples
    --------
    >>> columns_of(PhotoRow)["area_cm2"]
    Column(meaning='Part of the counting area that could be judged.', unit='cm2')
    """
    words = {name: field.description for name, field in row_type.model_fields.items()}
    return {name: Column(meaning or _EVERYWHERE.get(name, ""), unit_of(name)) for name, meaning in words.items()}


def column_of(name: str) -> Column:
    """What a column means in every table that does not say otherwise: as in a manifest, images.csv and hairs.csv."""
    return Column(_EVERYWHERE.get(name, ""), unit_of(name))


def unit_of(name: str) -> str:
    """Unit that the name of a column ends with; empty where it has none."""
    return next((unit for end, unit in _UNITS if name.endswith(end)), "")


_EVERYWHERE = {
    **{name: field.description or "" for row in (HairRow, PhotoRow) for name, field in row.model_fields.items()},
    **MANIFEST_COLUMNS,
}
