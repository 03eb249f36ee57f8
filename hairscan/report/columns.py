"""The data dictionary that lies beside a trial's tables: theirs, and those of the run folder that they rest on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hairscan.batch.out_folder import COPY
from hairscan.batch.run_folder import STAGES, TIMING_COLUMNS
from hairscan.batch.unblind import DUPLICATE
from hairscan.endpoints.columns import Column, column_of, columns_of
from hairscan.endpoints.rows import MANIFEST_COLUMNS, HairRow, PhotoRow, csv_bytes
from hairscan.trial.adam import LABELS, NAME
from hairscan.trial.columns import trial_column
from hairscan.trial.reliability import RELIABILITY_COLUMNS
from hairscan.trial.tables import tables_of
from hairscan.visits.change_rows import ChangeRow
from hairscan.visits.history_rows import HistoryRow

if TYPE_CHECKING:
    from hairscan.trial.analysis import TrialResult

HEADINGS = ("table", "column", "unit", "meaning")

RUN_TABLES = {
    "images": {
        **{name: column_of(name) for name in MANIFEST_COLUMNS},
        COPY: Column("Name of the blinded copy that was measured."),
        DUPLICATE: Column("1 where the copy was measured a second time, under another name."),
        **columns_of(PhotoRow),
    },
    "hairs": columns_of(HairRow),
    "failures": {
        "image": column_of("image"),
        "error": Column("Kind of the error."),
        "message": Column("What is wrong with the photograph, and what to do."),
    },
    "timings": {
        "image": column_of("image"),
        **{
            name: Column(f"Time that the photograph took in the stage {stage}.", "s")
            for name, stage in zip(TIMING_COLUMNS[1:], STAGES, strict=True)
        },
    },
    "changes": columns_of(ChangeRow),
    "hair_histories": columns_of(HistoryRow),
    "repeatability": {name: trial_column("repeatability", name) for name in RELIABILITY_COLUMNS},
}
"""Columns of the tables that a run folder can hold."""


def write_columns(result: TrialResult, folder: Path) -> None:
    """Write ``tables/columns.csv``: unit and meaning of every column; empty where a column has none."""
    rows = ((table, name, column.unit, column.meaning) for table, name, column in _columns(result))
    place = folder / "tables"
    place.mkdir(parents=True, exist_ok=True)
    (place / "columns.csv").write_bytes(csv_bytes(HEADINGS, *rows))


def _columns(result: TrialResult) -> Iterator[tuple[str, str, Column]]:
    """Every table, its headings, and what they mean."""
    headings = {**{name: map(str, table) for name, table in tables_of(result).items()}, NAME: iter(LABELS)}
    for table, names in headings.items():
        yield from ((table, name, trial_column(table, name)) for name in names)
    for table, columns in RUN_TABLES.items():
        yield from ((table, name, column) for name, column in columns.items())
