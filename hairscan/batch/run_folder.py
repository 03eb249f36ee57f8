"""The run folder: hairs.csv, images.csv, failures.csv, run.json, timings.csv and the overlays.

Its tables are written whole or not at all, one photograph after the other, and a reader never sees half of a file.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Protocol

from hairscan.batch.manifest import Manifest
from hairscan.endpoints.result import RunInfo
from hairscan.endpoints.rows import HairRow, PhotoRow, cell_text, column_names, csv_bytes, row_cells
from hairscan.errors import OutputError
from hairscan.files import json_bytes, replacing, write_files, writing_to
from hairscan.photo.codec import encode_png
from hairscan.segment import find_model
from hairscan.segment.model import spec_sha256
from hairscan.types import RgbImage
from hairscan.version import __version__

STAGES = ("load_model", "read", "segment", "trace", "measure", "endpoints", "overlay")
TIMING_COLUMNS = ("image", *(f"{stage}_s" for stage in STAGES))
TABLES = ("hairs.csv", "images.csv", "failures.csv", "timings.csv", "run.json")
MANIFEST = "manifest.csv"
"""What was asked to be measured: without it nobody can tell whose photographs failed."""
_LONGEST_NAME_BYTES = 200


class Result(Protocol):
    """What the tables need of one scored photograph."""

    @property
    def photo(self) -> PhotoRow:
        """Row of images.csv."""

    @property
    def hairs(self) -> tuple[HairRow, ...]:
        """Rows of hairs.csv."""

    @property
    def run(self) -> RunInfo:
        """What measured it."""

    @property
    def seconds(self) -> Mapping[str, float]:
        """Wall time of each stage, s."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A photograph from which nothing was measured: the class of the error and its line."""

    image: str
    error: str
    message: str


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What run.json says of a run besides its counts.

    Attributes
    ----------
    start_utc, end_utc : str
        ISO 8601.
    configuration
        The options of the run, by name.
    versions
        The libraries that did the work, by name.
    """

    start_utc: str
    end_utc: str
    configuration: Mapping[str, str | float | None]
    versions: Mapping[str, str]


@dataclass(slots=True)
class RunTotals:
    """What was written, added up photograph by photograph."""

    models: set[tuple[str, str]] = field(default_factory=set)
    devices: set[str] = field(default_factory=set)
    photos: int = 0
    photos_without_scale: int = 0
    hairs: int = 0
    hairs_counted: int = 0

    def add(self, result: Result) -> None:
        """Add one photograph."""
        self.models.add((result.run.model_name, result.run.model_sha256))
        self.devices.add(result.run.device)
        self.photos += 1
        self.photos_without_scale += result.photo.um_per_px is None
        self.hairs += len(result.hairs)
        self.hairs_counted += result.photo.hair_count


def now_utc() -> str:
    """Tell the time now, ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def check_writable(folder: Path) -> None:
    """Make sure that files can be written to the folder, existing or not yet, and leave nothing behind.

    Raises
    ------
    OutputError
        When they cannot.
    """
    place = folder
    with writing_to(folder):
        while not place.exists() and place != place.parent:
            place = place.parent
        if not place.is_dir():
            raise OutputError(f"cannot write to {folder}: {place} is a file; name another folder")
        with tempfile.TemporaryFile(dir=place):
            pass


def write_run(
    folder: Path,
    results: Iterable[Result],
    record: RunRecord,
    *,
    failures: Sequence[Failure] = (),
    overlays: Mapping[str, RgbImage],
    manifest: Manifest | None = None,
) -> RunTotals:
    """Write the run folder; files of an earlier run with the same names are replaced.

    Parameters
    ----------
    results
        In the order of the tables; one at a time is held in memory.
    overlays
        Picture by the name of its photograph, where it is not in the folder yet.
    manifest
        Kept as manifest.csv; its columns stand in front in images.csv.

    Raises
    ------
    OutputError
        When a file cannot be written.
    """
    names = overlay_names(list(overlays))
    pictures = {folder / "overlays" / names[image]: picture for image, picture in overlays.items()}
    listed = [] if manifest is None else [folder / MANIFEST]
    paths = [*pictures, *listed, *(folder / name for name in TABLES)]
    with writing_to(folder), replacing(paths) as files:
        for file, picture in zip(files, pictures.values(), strict=False):
            file.write(encode_png(picture))
        if manifest is not None:
            files[len(pictures)].write(manifest_bytes(manifest))
        hairs, images, failed, timings, run = files[-len(TABLES) :]
        totals = _write_tables(results, manifest, hairs, images, timings)
        failed.write(csv_bytes(["image", "error", "message"], *((f.image, f.error, f.message) for f in failures)))
        run.write(_run_json(totals, failures, record))
        for file in files:
            file.flush()
            os.fsync(file.fileno())
    return totals


def write_picture(path: Path, picture: RgbImage) -> None:
    """Write a picture as a whole PNG file or nothing.

    Raises
    ------
    OutputError
        When it cannot be written.
    """
    with writing_to(path):
        write_files({path: encode_png(picture)})


def overlay_names(images: Sequence[str]) -> dict[str, str]:
    """File name of each photograph's overlay: its own with the ending png.

    Where two would collide, or a name is too long or hidden, more of the name is kept, or a hash of it is added.
    """
    level = dict.fromkeys(images, 0)
    while True:
        names = {image: f"{_overlay_stems(image)[level[image]]}.png" for image in images}
        count = Counter(name.casefold() for name in names.values())
        clashing = [image for image, name in names.items() if count[name.casefold()] > 1 and level[image] < 2]
        if not clashing:
            return names
        level.update((image, level[image] + 1) for image in clashing)


def timing_cells(image: str, seconds: Mapping[str, float]) -> list[str]:
    """Row of timings.csv."""
    return [image, *(cell_text("_s", seconds.get(stage)) for stage in STAGES)]


def _write_tables(
    results: Iterable[Result], manifest: Manifest | None, hairs: IO[bytes], images: IO[bytes], timings: IO[bytes]
) -> RunTotals:
    """Write the rows of every photograph, one after the other."""
    rows = {} if manifest is None else {row.image: row.cells for row in manifest.rows}
    columns = list(dict.fromkeys([*(() if manifest is None else manifest.columns), *column_names(PhotoRow)]))
    hairs.write(csv_bytes(column_names(HairRow)))
    images.write(csv_bytes(columns))
    timings.write(csv_bytes(TIMING_COLUMNS))
    totals = RunTotals()
    for result in results:
        totals.add(result)
        given = {name: cell for name, cell in rows.get(result.photo.image, {}).items() if cell}
        cells = {**dict(zip(column_names(PhotoRow), row_cells(result.photo), strict=True)), **given}
        hairs.write(csv_bytes(*map(row_cells, result.hairs)))
        images.write(csv_bytes([cells.get(name, "") for name in columns]))
        timings.write(csv_bytes(timing_cells(result.photo.image, result.seconds)))
    return totals


def manifest_bytes(manifest: Manifest) -> bytes:
    """The manifest as CSV, in its own columns and order."""
    return csv_bytes(manifest.columns, *([row.cells[name] for name in manifest.columns] for row in manifest.rows))


def _run_json(totals: RunTotals, failures: Sequence[Failure], record: RunRecord) -> bytes:
    """Content of run.json."""
    model = str(record.configuration.get("model", "default"))
    content = {
        "hairscan_version": __version__,
        **asdict(record),
        "models": [
            {"name": name, "sha256": sha256, "spec_sha256": spec_sha256(find_model(model))}
            for name, sha256 in sorted(totals.models)
        ],
        "devices": sorted(totals.devices),
        "photos": totals.photos,
        "failures": len(failures),
        "hairs": totals.hairs,
        "hairs_counted": totals.hairs_counted,
    }
    return json_bytes(content)


def _overlay_stems(image: str) -> tuple[str, str, str]:
    """Names of an overlay without its ending, from the shortest to one that no other image has."""
    name = _flat_name(image)
    return name.rpartition(".")[0] or name, name, f"{name}_{_short_hash(image)}"


def _flat_name(image: str) -> str:
    """Name of an image without folders, as a file can have it anywhere."""
    name = image.replace("\\", "/").removeprefix("./").strip("/")
    for character in '/:*?"<>|':
        name = name.replace(character, "_")
    name = name.lstrip(".") or "photo"
    if len(name.encode()) <= _LONGEST_NAME_BYTES:
        return name
    return f"{_short_hash(image)}_{name[-_LONGEST_NAME_BYTES // 4 :]}"


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]
