"""Every table of a trial as CSV."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from hairscan.trial.analysis import TrialResult

TABLE_NAMES = (
    *("flow", "exclusions", "describe", "pairs", "effects", "adjusted_means", "effect_sizes", "responders"),
    *("sensitivity", "reliability", "bland_altman", "sample_size", "literature", "warnings", "flagged_photos"),
    *("matched_change", "matched_effects", "observations", "facts", "columns"),
)
"""Every table that a trial can have."""


def tables_of(result: TrialResult) -> dict[str, pd.DataFrame]:
    """Every table of the result, the observations and the facts, by name."""
    facts = pd.DataFrame(list(result.facts.items()), columns=["fact", "value"])
    return {**result.tables, "observations": result.data.observations, "facts": facts}


def write_tables(result: TrialResult, folder: Path) -> None:
    """Write ``tables/NAME.csv`` for every one of `tables_of`."""
    place = folder / "tables"
    place.mkdir(parents=True, exist_ok=True)
    for name, table in tables_of(result).items():
        (place / f"{name}.csv").write_bytes(csv_bytes(table, digits=6))


def csv_bytes(table: pd.DataFrame, *, digits: int) -> bytes:
    """Table as CSV: UTF-8, comma, line feeds, significant digits, 1 and 0 for true and false, empty for NaN."""
    plain = {str(name): column.astype(int) for name, column in table.items() if column.dtype == bool}
    # adding 0 takes the sign of a zero away
    plain |= {str(name): column + 0.0 for name, column in table.items() if column.dtype.kind == "f"}
    text: str = table.assign(**plain).to_csv(index=False, float_format=f"%.{digits}g", lineterminator="\n")
    return text.encode()
