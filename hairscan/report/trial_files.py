"""Which files of a folder are the tables and figures of an earlier report, and may go when a new one is written."""

from __future__ import annotations

import re
from pathlib import Path

from hairscan.trial.parameters import PARAMETERS
from hairscan.trial.tables import TABLE_NAMES

_MARKS = ("tables/facts.csv", "tables/observations.csv")
"""Tables that come with every report: a folder without them holds none."""
_FIGURE = re.compile(
    rf"flow|effects|responders|(means|adjusted-means|changes|published-[a-z-]+|bland-altman-[a-z-]+)-({'|'.join(PARAMETERS)})"
)


def earlier_files(folder: Path) -> set[Path]:
    """Tables and figures of the report that the folder holds, by the names a report can give; none without a report."""
    if not all((folder / mark).is_file() for mark in _MARKS):
        return set()
    tables = {folder / "tables" / f"{name}.csv" for name in TABLE_NAMES}
    figures = {path for kind in ("svg", "png") for path in (folder / "figures").glob(f"*.{kind}")}
    return {path for path in tables if path.is_file()} | {path for path in figures if _FIGURE.fullmatch(path.stem)}
