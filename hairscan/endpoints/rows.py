"""The rows of the tables: names, order, and how each number is written."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Sequence
from math import isfinite
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

MANIFEST_COLUMNS = (
    "image",
    "subject",
    "arm",
    "visit",
    "side",
    "site",
    "date",
    "um_per_px",
    "device",
    "days_since_clipping",
    "operator",
)
"""What a manifest may say of a photograph."""


class HairRow(BaseModel):
    """One traced hair; None where it cannot be measured."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: str
    hair_id: int
    root_x_px: float
    root_y_px: float
    tip_x_px: float
    tip_y_px: float
    width_px: float | None
    width_um: float | None
    width_se_um: float | None
    length_um: float | None
    kind: Literal["terminal", "vellus"] | None
    unit_id: int | None
    counted: bool
    confidence: float
    flags: tuple[str, ...]


class PhotoRow(BaseModel):
    """The endpoints of one photograph; None where they cannot be measured."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: str
    sha256: str
    width_px: int
    height_px: int
    um_per_px: float | None
    um_per_px_sd: float | None
    scale_source: str | None
    area_cm2: float | None
    hair_count: int
    density_per_cm2: float | None
    density_low_per_cm2: float | None
    density_high_per_cm2: float | None
    terminal_30um_per_cm2: float | None
    vellus_30um_per_cm2: float | None
    terminal_40um_per_cm2: float | None
    vellus_40um_per_cm2: float | None
    terminal_fraction: float | None
    mean_width_um: float | None
    median_width_um: float | None
    sd_width_um: float | None
    cumulative_width_mm_per_cm2: float | None
    unit_density_per_cm2: float | None
    hairs_per_unit: float | None
    single_hair_unit_fraction: float | None
    nearest_unit_mm: float | None
    mean_length_um: float | None
    focus_um: float | None
    flags: tuple[str, ...]


_EXACT = ("um_per_px", "um_per_px_sd")
"""Columns from which a photograph is measured again: at some scales the fifth decimal decides about a row of pixels."""
_DECIMALS = (
    ("cumulative_width_mm_per_cm2", 3),
    ("_per_cm2", 2),
    ("_cm2", 5),
    ("_mm", 3),
    ("_um", 2),
    ("_px", 2),
    ("_per_unit", 3),
    ("_fraction", 4),
    ("confidence", 3),
)
"""Decimals of a column in the files, by the end of its name; the first that fits counts."""


def cell_text(name: str, value: object) -> str:
    """Text of one table cell: decimals by its unit, 1 or 0, flags joined by ``;``, empty for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and name in _EXACT:
        return f"{value:.9g}"
    if isinstance(value, float):
        text = f"{value:.{_decimals(name)}f}"
        return text[1:] if float(text) == 0 and text.startswith("-") else text
    return ";".join(value) if isinstance(value, tuple) else str(value)


def row_cells(row: BaseModel) -> list[str]:
    """Texts of a row's cells in the order of the columns."""
    return [cell_text(name, getattr(row, name)) for name in type(row).model_fields]


def column_names(row_type: type[BaseModel]) -> list[str]:
    """Columns of the file that holds such rows."""
    return list(row_type.model_fields)


def csv_bytes(*rows: Sequence[object]) -> bytes:
    """Rows as CSV: UTF-8, comma, lines ended by a line feed on every system."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def read_rows(path: Path, needed: Collection[str] = ()) -> tuple[list[str], list[dict[str, str]]]:
    """Columns and rows of a CSV table in UTF-8, as any spreadsheet saves it; a cell that is cut off is empty.

    Raises
    ------
    OSError
        Where the file cannot be read.
    ValueError
        Where it is no such table, or lacks a column that is needed; the message goes on after the file's name.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            columns, rows = list(reader.fieldnames or ()), []
            for row in reader:
                if None in row:
                    raise ValueError(f"line {reader.line_num}: more cells than columns; write decimals with a point")
                rows.append(row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError("is no CSV in UTF-8: save it as one") from error
    if missing := sorted(set(needed) - set(columns)):
        raise ValueError(f"lacks the columns {', '.join(missing)}")
    return columns, rows


def finite_or_none(value: float) -> float | None:
    """Value, or None for NaN: what was not measured is an empty cell."""
    return float(value) if isfinite(value) else None


def _decimals(name: str) -> int:
    """Decimals of a column's numbers."""
    return next((n for end, n in _DECIMALS if name.endswith(end)), 4)
