"""Annotated photographs become samples: one photograph, its hairs as root-to-tip vectors, and its part of the split."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hairscan.endpoints.rows import read_rows
from hairscan.errors import DataError
from hairscan.files import cannot_read
from hairscan.photo.scale import checked_scale
from hairscan.types import FloatArray

SHARES = (("validation", 0.15), ("tune", 0.10))
"""Shares of the groups that are never trained on: the rest is trained on."""

PARTS = ("train", *(part for part, _ in SHARES))
ENDS = ("root_x_px", "root_y_px", "tip_x_px", "tip_y_px")
"""Columns of vectors.csv that hold both ends of a hair."""

FDU_TILE = re.compile(r"\d{6}_[A-Z]\d{3}_\d")
"""Names of the photographs of the FDU set, which tells neither scale nor persons: what is known of it stands here."""
FDU_UM_PER_PX = 2.78
FDU_MIXED_GROUPS = frozenset({"230219"})
"""Groups that hold many persons: split by field inside."""


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
    um_per_px : float
        Scale of the photograph.
    """

    image: Path
    name: str
    field: str
    group: str
    part: str
    vectors_px: FloatArray
    kinds: tuple[str, ...]
    um_per_px: float
    copy_of: str = ""


def part_of(key: str) -> str:
    """Part of the split in which a group of photographs lies; the same on every machine."""
    position = _position(key)
    for part, share in SHARES:
        if position < share:
            return part
        position -= share
    return "train"


def split_groups(groups: Iterable[str]) -> dict[str, str]:
    """Part of the split for each group of a folder: in shares of the groups, and at least one in every part.

    Raises
    ------
    DataError
        Where there are fewer groups than parts.
    """
    ordered = sorted(set(groups), key=_position)
    if len(ordered) < len(PARTS):
        raise DataError(
            f"photographs of {len(ordered)} subjects cannot be split into {', '.join(PARTS)}: annotate photographs of "
            f"{len(PARTS)} subjects or more"
        )
    split = dict.fromkeys(ordered, PARTS[0])
    first = 0
    for part, share in SHARES:
        count = max(1, round(share * len(ordered)))
        split.update(dict.fromkeys(ordered[first : first + count], part))
        first += count
    return split


def _position(key: str) -> float:
    """Place of a key between 0 and 1, as good as random, and the same on every machine."""
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) / 2**32


def read_samples(folder: Path, *, um_per_px: float | None = None) -> list[Sample]:
    """All annotated photographs of a folder laid out as `tiles/`, `vectors.csv` and `fields.csv`.

    `vectors.csv` needs `tile, root_x_px, root_y_px, tip_x_px, tip_y_px` and may have `field, kind`; `fields.csv` (may
    be absent) has `field, group` and may have `duplicate_of, part, um_per_px`. Without it every photograph is a group
    of its own; where it names no part, a hash of the group decides.

    Parameters
    ----------
    um_per_px : float, optional
        Scale of the photographs of which `fields.csv` tells none.

    Raises
    ------
    DataError
        Where a file or a column is missing, a part is unknown, a scale is not told, or a group lies in two parts.
    ScaleError
        Where a scale is impossible.
    """
    rows = _read_csv(folder / "vectors.csv", {"tile", *ENDS})
    fields_csv = folder / "fields.csv"
    fields = _read_fields(fields_csv)
    hairs: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        hairs[row["tile"]].append(row)
    samples = []
    for image in _photographs(folder / "tiles"):
        rows = hairs.get(image.stem, [])
        field = _field_of(image.stem, rows, fields)
        about = fields.get(field, {"group": field})
        try:
            samples.append(_sample(image, field, about, rows, um_per_px))
        except ValueError as error:
            raise DataError(f"{folder}: {image.name} is described by something that is no number: {error}") from error
    if missing := hairs.keys() - {sample.name for sample in samples}:
        raise DataError(f"{folder / 'vectors.csv'} names {min(missing)!r}, of which no photograph lies in tiles/")
    if missing := fields.keys() - {sample.field for sample in samples}:
        raise DataError(
            f"{fields_csv} names {min(missing)!r}, of which no photograph lies in tiles/: write its name without suffix"
        )
    _check_groups(samples, fields_csv)
    return samples


def check_parts(samples: list[Sample], folder: Path) -> None:
    """Make sure that every part of the split has photographs, and those that teach and set the threshold have hairs.

    Raises
    ------
    DataError
        Where one has none.
    """
    missing = [part for part in PARTS if not any(sample.part == part for sample in samples)]
    if missing:
        raise DataError(
            f"{folder} has no photographs of the part {' and '.join(missing)}: write {', '.join(PARTS)} into a column "
            "'part' of fields.csv (one person, one part), or annotate photographs of more persons"
        )
    for part in ("train", "tune"):
        if not any(len(sample.vectors_px) for sample in samples if sample.part == part):
            raise DataError(
                f"the photographs of the part {part} in {folder} have no hair in vectors.csv: annotate some"
            )


def _field_of(stem: str, rows: list[dict[str, str]], fields: dict[str, dict[str, str]]) -> str:
    """Field of a tile: as its rows say, else its name without the quadrant."""
    if rows and rows[0].get("field"):
        return rows[0]["field"]
    trimmed = stem.rsplit("_", 1)[0]
    return trimmed if trimmed in fields and stem not in fields else stem


def _photographs(tiles: Path) -> list[Path]:
    """The files of a folder, those left out that systems hide in it."""
    try:
        images = sorted(path for path in tiles.glob("*") if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        raise DataError(cannot_read(tiles, error)) from error
    if not images:
        raise DataError(f"no photographs in {tiles}: put the annotated photographs there")
    stem, count = Counter(image.stem for image in images).most_common(1)[0]
    if count > 1:
        raise DataError(f"{tiles} has {count} files named {stem}: keep the one that was annotated")
    return images


def _is_mixed(name: str, group: str) -> bool:
    """Whether the group of a photograph holds many persons."""
    return group in FDU_MIXED_GROUPS and bool(FDU_TILE.fullmatch(name))


def _check_groups(samples: list[Sample], fields_csv: Path) -> None:
    """Make sure that the parts which fields.csv names are parts, and keep every group together."""
    part_of_group: dict[str, str] = {}
    for sample in samples:
        if sample.part not in PARTS:
            raise DataError(
                f"{fields_csv} puts {sample.field} into {sample.part!r}: give {', '.join(PARTS)} or nothing"
            )
        if (
            not _is_mixed(sample.name, sample.group)
            and part_of_group.setdefault(sample.group, sample.part) != sample.part
        ):
            raise DataError(
                f"{fields_csv} puts {sample.group!r} into two parts: give all photographs of a group one part"
            )


def _sample(
    image: Path, field: str, about: dict[str, str], rows: list[dict[str, str]], um_per_px: float | None
) -> Sample:
    group, first = about["group"], about.get("duplicate_of", "")
    if not group:
        raise DataError(f"fields.csv names no group of {field}: write down whose photographs they are")
    told = about.get("um_per_px") or um_per_px or (FDU_UM_PER_PX if FDU_TILE.fullmatch(image.stem) else None)
    if told is None:
        raise DataError(f"nothing tells the scale of {image.name}: write it into a column um_per_px of fields.csv")
    scale = checked_scale(float(told), None, source=f"of {field}")
    vectors = np.array([[float(row[end]) for end in ENDS] for row in rows], dtype=np.float64).reshape(-1, 2, 2)
    if not np.isfinite(vectors).all():
        raise ValueError("nan or infinite")
    kinds = tuple((row.get("kind") or "single").strip().lower() for row in rows)
    # Photographs that were labelled twice share a key, or one copy would teach what the other asks.
    key = (first or field) if _is_mixed(image.stem, group) else group
    part = about.get("part") or part_of(key)
    copy_of = first + image.stem.removeprefix(field) if first else ""
    return Sample(image, image.stem, field, group, part, vectors, kinds, scale.um_per_px, copy_of)


def _read_fields(path: Path) -> dict[str, dict[str, str]]:
    """Rows of fields.csv by field; none where there is no such file."""
    rows = _read_csv(path, {"field", "group"}) if path.exists() else []
    field, count = Counter(row["field"] for row in rows).most_common(1)[0] if rows else ("", 0)
    if count > 1:
        raise DataError(f"{path} has {count} rows of {field!r}: keep one")
    return {row["field"]: row for row in rows}


def _read_csv(path: Path, columns: set[str]) -> list[dict[str, str]]:
    """Rows of a table that has these columns."""
    try:
        return read_rows(path, columns)[1]
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing: give a folder with tiles/ and vectors.csv") from error
    except OSError as error:
        raise DataError(cannot_read(path, error)) from error
    except ValueError as error:
        raise DataError(f"{path} {error}") from error
