"""Annotated photographs become samples: one photograph, its hairs as root-to-tip vectors, and its part of the split."""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hairscan.errors import DataError
from hairscan.types import FloatArray

SHARES = (("validation", 0.15), ("tune", 0.10))
"""Shares of the groups that are never trained on: the rest is trained on."""

MIXED_GROUPS = frozenset({"230219"})
"""Groups of the FDU set that hold many persons: split by field inside."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One annotated photograph.

    Attributes
    ----------
    vectors_px : float array, shape (N, 2, 2)
        Root and tip of every hair, px of the photograph.
    kinds : tuple of str
        Annotators' word for every hair: single, premium, undersize, abnormal.
    copy_of : str
        Name of the same photograph in the field that was labelled first; empty where it was labelled once.
    part : str
        train, tune or validation.
    """

    image: Path
    name: str
    field: str
    group: str
    part: str
    vectors_px: FloatArray
    kinds: tuple[str, ...]
    copy_of: str = ""


def part_of(key: str) -> str:
    """Part of the split in which a group of photographs lies; the same on every machine."""
    position = int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) / 2**32
    for part, share in SHARES:
        if position < share:
            return part
        position -= share
    return "train"


def read_samples(folder: Path) -> list[Sample]:
    """All annotated photographs of a folder laid out as `tiles/`, `vectors.csv` and `fields.csv`.

    `vectors.csv` needs `tile, root_x_px, root_y_px, tip_x_px, tip_y_px` and may have `field, kind`; `fields.csv` (may
    be absent) has `field, group, duplicate_of`. Without it every photograph is a group of its own.

    Raises
    ------
    DataError
        Where a file or a column is missing.
    """
    rows = _read_csv(folder / "vectors.csv", {"tile", "root_x_px", "root_y_px", "tip_x_px", "tip_y_px"})
    fields_csv = folder / "fields.csv"
    fields = {row["field"]: row for row in _read_csv(fields_csv, {"field", "group"})} if fields_csv.exists() else {}
    hairs: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        hairs[row["tile"]].append(row)
    samples = []
    for image in sorted((folder / "tiles").glob("*")):
        field = _field_of(image.stem, hairs[image.stem], fields)
        about = fields.get(field, {"group": field})
        samples.append(_sample(image, field, about, hairs[image.stem]))
    if not samples:
        raise DataError(f"no photographs in {folder / 'tiles'}: put the annotated photographs there")
    return samples


def _field_of(stem: str, rows: list[dict[str, str]], fields: dict[str, dict[str, str]]) -> str:
    """Field of a tile: as its rows say, else its name without the quadrant."""
    if rows and rows[0].get("field"):
        return rows[0]["field"]
    trimmed = stem.rsplit("_", 1)[0]
    return trimmed if trimmed in fields else stem


def _sample(image: Path, field: str, about: dict[str, str], rows: list[dict[str, str]]) -> Sample:
    group = about["group"]
    # Photographs that were labelled twice share a key, or one copy would teach what the other asks.
    key = (about.get("duplicate_of") or field) if group in MIXED_GROUPS else group
    columns = ("root_x_px", "root_y_px", "tip_x_px", "tip_y_px")
    vectors = np.array([[float(row[c]) for c in columns] for row in rows], dtype=np.float64).reshape(-1, 2, 2)
    kinds = tuple(row.get("kind") or "single" for row in rows)
    first = about.get("duplicate_of") or ""
    copy_of = first + image.stem.removeprefix(field) if first else ""
    return Sample(image, image.stem, field, group, part_of(key), vectors, kinds, copy_of)


def _read_csv(path: Path, columns: set[str]) -> list[dict[str, str]]:
    if not path.exists():
        raise DataError(f"{path} is missing: give a folder with tiles/ and vectors.csv")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    missing = columns - set(rows[0] if rows else ())
    if missing:
        raise DataError(f"{path} lacks the columns {', '.join(sorted(missing))}")
    return rows
