"""The rows of the tables: names, order, and how each number is written."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Sequence
from math import isfinite
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from hairscan.files import Record

MANIFEST_COLUMNS = {
    "image": "Photograph: a path as it was given, or a URL; its name in every table.",
    "subject": "Who was photographed.",
    "arm": "Treatment that the subject or, in a split-scalp trial, the side has.",
    "visit": "When in the plan, by name.",
    "side": "Side of the scalp.",
    "site": "Place on the scalp.",
    "date": "Day of the photograph, year-month-day.",
    "um_per_px": "Scale: what one pixel shows of the scalp.",
    "device": "What took the photograph; one name for each magnification.",
    "days_since_clipping": "Days from the clipping of the hair to the photograph.",
    "operator": "Who took the photograph.",
}
"""What a manifest may say of a photograph, by column."""


class HairRow(Record):
    """One traced hair; None where it cannot be measured."""

    image: str = Field(description=MANIFEST_COLUMNS["image"])
    hair_id: int = Field(description="Number of the hair within its photograph.")
    root_x_px: float = Field(
        description="Where the hair leaves the skin, or its outermost visible point: from the left."
    )
    root_y_px: float = Field(description="As root_x_px, from the top.")
    tip_x_px: float = Field(description="Where the hair ends, or its outermost visible point: from the left.")
    tip_y_px: float = Field(description="As tip_x_px, from the top.")
    width_px: float | None = Field(description="Width of the shaft, a robust value over its length.")
    width_um: float | None = Field(description="Width of the shaft, a robust value over its length.")
    width_se_um: float | None = Field(description="Standard error of the width among the others of the photograph.")
    length_um: float | None = Field(description="Length along the shaft as seen; none where root or tip is hidden.")
    kind: Literal["terminal", "vellus"] | None = Field(description="terminal from a width of 40 um on, vellus below.")
    unit_id: int | None = Field(description="Number of the hair's follicular unit within its photograph.")
    counted: bool = Field(description="Whether the root lies in the counting area and can be judged.")
    confidence: float = Field(description="Evidence that this is one hair, 0 to 1.")
    flags: tuple[str, ...] = Field(description="What makes the figures doubtful.")


class PhotoRow(Record):
    """The endpoints of one photograph; None where they cannot be measured."""

    image: str = Field(description=MANIFEST_COLUMNS["image"])
    sha256: str = Field(description="SHA-256 of the photograph's file.")
    width_px: int = Field(description="Width of the photograph.")
    height_px: int = Field(description="Height of the photograph.")
    um_per_px: float | None = Field(description=MANIFEST_COLUMNS["um_per_px"])
    um_per_px_sd: float | None = Field(description="Standard deviation of the scale.")
    scale_source: str | None = Field(
        description="Where the scale came from: user, sidecar, manifest, points, scale-bar or ruler."
    )
    area_cm2: float | None = Field(description="Part of the counting area that could be judged.")
    hair_count: int = Field(description="Hairs whose root lies in the counting area and can be judged.")
    density_per_cm2: float | None = Field(description="Counted hairs over the judged area.")
    density_low_per_cm2: float | None = Field(
        description="Lower end of the 95 % interval of the density, for chance and the error of the scale."
    )
    density_high_per_cm2: float | None = Field(description="Upper end of the 95 % interval of the density.")
    terminal_30um_per_cm2: float | None = Field(description="Density of the hairs that are 30 um wide or more.")
    vellus_30um_per_cm2: float | None = Field(description="Density of the hairs that are thinner than 30 um.")
    terminal_40um_per_cm2: float | None = Field(description="Density of the hairs that are 40 um wide or more.")
    vellus_40um_per_cm2: float | None = Field(description="Density of the hairs that are thinner than 40 um.")
    terminal_fraction: float | None = Field(description="Share of the measured hairs that are 40 um wide or more.")
    mean_width_um: float | None = Field(description="Mean width of the counted hairs that were measured.")
    median_width_um: float | None = Field(description="Median width of the counted hairs that were measured.")
    sd_width_um: float | None = Field(description="Standard deviation of the widths that were measured.")
    cumulative_width_mm_per_cm2: float | None = Field(
        description="Sum of the widths of all counted hairs over the judged area; who has no width has the mean."
    )
    unit_density_per_cm2: float | None = Field(
        description="Follicular units of the counting area over the judged area."
    )
    hairs_per_unit: float | None = Field(description="Mean number of hairs of a follicular unit.")
    single_hair_unit_fraction: float | None = Field(description="Share of the follicular units that have one hair.")
    nearest_unit_mm: float | None = Field(
        description="Mean distance of a follicular unit to its nearest neighbour, free of the border's effect."
    )
    mean_length_um: float | None = Field(description="Mean length of the counted hairs seen from root to tip.")
    focus_um: float | None = Field(description="Blur of the sharpest edges: standard deviation of a Gaussian.")
    flags: tuple[str, ...] = Field(description="What makes the figures doubtful.")


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


def rows_csv(row_type: type[BaseModel], rows: Iterable[BaseModel]) -> bytes:
    """Rows as the CSV table of their type."""
    return csv_bytes(column_names(row_type), *map(row_cells, rows))


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
