"""The run folder: hairs.csv, images.csv, failures.csv, run.json, timings.csv and the overlays.

A run is written whole or not at all, and a reader never sees half of a file.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from hairscan.batch.files import write_files
from hairscan.endpoints.result import PhotoResult
from hairscan.endpoints.rows import HairRow, PhotoRow, cell_text, column_names, row_cells
from hairscan.errors import OutputError
from hairscan.types import RgbImage
from hairscan.version import __version__

_STAGES = ("load_model", "read", "segment", "trace", "measure", "endpoints", "overlay")


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


def check_writable(folder: Path) -> None:
    """Make sure that files can be written to the folder, existing or not yet, and leave nothing behind.

    Raises
    ------
    OutputError
        When they cannot.
    """
    place = folder
    try:
        while not place.exists() and place != place.parent:
            place = place.parent
        if not place.is_dir():
            raise OutputError(f"cannot write to {folder}: {place} is a file; name another folder")
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror}; name another folder") from error


def write_run(
    folder: Path,
    results: Sequence[PhotoResult],
    record: RunRecord,
    *,
    failures: Sequence[Failure] = (),
    overlays: Mapping[str, RgbImage],
) -> None:
    """Write the run folder; files of an earlier run with the same names are replaced.

    Parameters
    ----------
    overlays
        Picture by the name of its photograph.

    Raises
    ------
    OutputError
        When a file cannot be written.
    """
    hair_rows = [row for result in results for row in result.hairs]
    files = {
        "hairs.csv": _csv_bytes(column_names(HairRow), map(row_cells, hair_rows)),
        "images.csv": _csv_bytes(column_names(PhotoRow), (row_cells(result.photo) for result in results)),
        "failures.csv": _csv_bytes(["image", "error", "message"], ((f.image, f.error, f.message) for f in failures)),
        "timings.csv": _csv_bytes(["image", *(f"{stage}_s" for stage in _STAGES)], map(_timing_cells, results)),
        "run.json": _run_json(results, failures, record),
    }
    names = overlay_names([result.photo.image for result in results])
    pictures = {f"overlays/{names[image]}": _png_bytes(picture) for image, picture in overlays.items()}
    try:
        write_files({folder / name: content for name, content in {**pictures, **files}.items()})
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror}; free some space or name another") from error


def write_picture(path: Path, picture: RgbImage) -> None:
    """Write a picture as a whole PNG file or nothing.

    Raises
    ------
    OutputError
        When it cannot be written.
    """
    try:
        write_files({path: _png_bytes(picture)})
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}; name another folder") from error


def overlay_names(images: Sequence[str]) -> dict[str, str]:
    """File name of each photograph's overlay: its own with the ending png, the whole name where two would collide."""
    flat = {image: PurePosixPath(image.replace("\\", "/").replace("/", "_")) for image in images}
    stems = [name.stem for name in flat.values()]
    return {image: f"{name.stem if stems.count(name.stem) == 1 else name}.png" for image, name in flat.items()}


def _csv_bytes(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Table as CSV: UTF-8, comma, lines ended by a line feed on every system."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _timing_cells(result: PhotoResult) -> list[str]:
    """Row of timings.csv."""
    return [result.photo.image, *(cell_text("_s", result.seconds.get(stage)) for stage in _STAGES)]


def _run_json(results: Sequence[PhotoResult], failures: Sequence[Failure], record: RunRecord) -> bytes:
    """Text of run.json."""
    models = sorted({(r.run.model_name, r.run.model_sha256) for r in results})
    content = {
        "hairscan_version": __version__,
        **asdict(record),
        "models": [{"name": name, "sha256": sha256} for name, sha256 in models],
        "devices": sorted({r.run.device for r in results}),
        "photos": len(results),
        "failures": len(failures),
        "hairs": sum(len(r.hairs) for r in results),
        "hairs_counted": sum(r.photo.hair_count for r in results),
    }
    return (json.dumps(content, indent=2) + "\n").encode()


def _png_bytes(picture: RgbImage) -> bytes:
    """Encode the picture as PNG."""
    import cv2

    return bytes(cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1])
