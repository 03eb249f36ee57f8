"""The list of photographs of a run: a manifest in CSV, or whatever lies in a folder."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hairscan.batch.manifest_checks import (
    Problem,
    arm_problems,
    cell_problems,
    header_problems,
    image_problems,
    scale_problems,
    visit_problems,
)
from hairscan.batch.manifest_row import ManifestRow, place_of
from hairscan.endpoints.rows import MANIFEST_COLUMNS
from hairscan.errors import ManifestError
from hairscan.files import cannot_read

PHOTO_ENDINGS = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff"})
_OTHER_PICTURES = frozenset(
    {".avif", ".bmp", ".dcm", ".dib", ".dicom", ".gif", ".heic", ".heif", ".hif", ".jp2", ".jxl", ".psd", ".webp"}
    # Raw files of cameras.
    | {".arw", ".cr2", ".cr3", ".dng", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".srw"}
)
_DRAWN = {"comparison.json": ("registered.png", "blink.png"), "growth.json": ("growth.png",)}
"""Pictures that lie beside the result of another command."""
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Manifest:
    """The photographs of a run, in the order of its tables.

    Attributes
    ----------
    source : str
        The file or folder, as it was given.
    columns : tuple of str
        Of the file, in its order; only ``image`` for a folder.
    left_out : tuple of str
        Pictures of a folder that are of a kind that is not read, by name.
    """

    source: str
    columns: tuple[str, ...]
    rows: tuple[ManifestRow, ...]
    left_out: tuple[str, ...] = ()


def read_manifest(path: str | Path) -> Manifest:
    """Photographs of a manifest: CSV in UTF-8 with a column ``image`` and any of `MANIFEST_COLUMNS`.

    An image is a path, relative to the manifest's folder or absolute, or a URL that fsspec reads. Spaces around a cell
    are dropped.

    Raises
    ------
    ManifestError
        With everything that is wrong in `problems`, each with its line number: another kind of file, unknown columns,
        rows of another length, impossible numbers and dates, missing files, images that occur twice, one place of a
        subject in two arms, dates that contradict the order of visits, scales that differ within a device.
    """
    path = Path(path)
    text = _text_of(path)
    records = _records(path, text)
    if not records:
        raise ManifestError(f"{path.name} is empty: its first line must name the columns, 'image' among them")
    columns = tuple(cell.strip() for cell in records[0][1])
    problems = header_problems(columns, MANIFEST_COLUMNS, text)
    if "image" not in columns:
        raise _refused(path, [problem for _, problem in problems])
    rows, ragged = _rows(records[1:], columns, path.parent)
    if not rows and not ragged:
        raise ManifestError(f"{path.name} names no photograph below its columns")
    checks = (image_problems, cell_problems, arm_problems, visit_problems, scale_problems)
    problems += ragged + [problem for check in checks for problem in check(rows)]
    if problems:
        raise _refused(path, [problem for _, problem in sorted(problems)])
    return Manifest(str(path), columns, tuple(rows))


def manifest_of_folder(folder: str | Path) -> Manifest:
    """Photographs in a folder and its sub-folders, sorted by their names, which are relative to the folder.

    Hidden files and folders, and the pictures that hairscan itself draws, are passed over.

    Raises
    ------
    ManifestError
        Where there is no photograph, a folder cannot be read, or a photograph has a name that cannot be written to a
        table.
    """
    folder = Path(folder)
    names = sorted(path.relative_to(folder).as_posix() for path in _files_below(folder))
    found = [name for name in names if _ending(name) in PHOTO_ENDINGS]
    left_out = tuple(name for name in names if _ending(name) in _OTHER_PICTURES)
    if not found:
        others = f": {left_out_text(left_out)}" if left_out else ""
        raise ManifestError(f"there is no photograph ({', '.join(sorted(PHOTO_ENDINGS))}) in {folder}{others}")
    problems = [f"{name!r}: rename it, its name is not UTF-8" for name in found if not _is_text(name)]
    if problems:
        raise _refused(folder, problems)
    rows = [ManifestRow(0, {"image": name}, place_of(name, folder)) for name in found]
    return Manifest(str(folder), ("image",), tuple(rows), left_out)


def left_out_text(names: Sequence[str]) -> str:
    """What a person is told of the pictures of a folder that are left out."""
    named = first_names(names)
    if len(names) == 1:
        return f"1 file was left out, as it is not JPEG, PNG or TIFF: {named} - convert it first"
    return f"{len(names)} files were left out, as they are not JPEG, PNG or TIFF: {named} - convert them first"


def first_names(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _files_below(folder: Path) -> list[Path]:
    """Files of the folder and its sub-folders, linked ones too, but hidden ones and pictures of hairscan's own."""
    found: list[Path] = []
    seen: set[str] = set()
    for place, folders, files in os.walk(folder, onerror=_refuse_unreadable, followlinks=True):
        here = Path(place)
        if (real := os.path.realpath(place)) in seen:  # a link leads back to where it lies
            folders.clear()
            continue
        seen.add(real)
        is_run = (here / "run.json").is_file() or (here / ".parts").is_dir()
        folders[:] = sorted(name for name in folders if not (name.startswith(".") or (is_run and name == "overlays")))
        drawn = {name for result, names in _DRAWN.items() if result in files for name in names}
        drawn |= {f"{PurePosixPath(name).stem}-calibration.png" for name in files}
        found += [here / name for name in files if name[0] != "." and name not in drawn]
    return found


def _refuse_unreadable(error: OSError) -> None:
    raise ManifestError(
        f"the folder {error.filename} cannot be read ({error.strerror}): allow it, or move it"
    ) from error


def _ending(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text_of(path: Path) -> str:
    how = "save it as comma-separated CSV in UTF-8 (in Excel: 'CSV UTF-8 (Comma delimited)')"
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ManifestError(f"{path} does not exist: give a folder of photographs or a manifest in CSV") from error
    except OSError as error:
        raise ManifestError(cannot_read(path, error)) from error
    if _ending(path.name) in PHOTO_ENDINGS | _OTHER_PICTURES:
        raise ManifestError(
            f"{path.name} is a photograph: measure it with 'hairscan score', or give its folder or a manifest in CSV"
        )
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise ManifestError(f"{path.name} is a spreadsheet, not CSV: {how}")
    try:
        # The mark that Excel puts in front of UTF-8 says nothing and is dropped.
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ManifestError(f"{path.name} is not UTF-8 (line {line}): {how}") from error


def _records(path: Path, text: str) -> list[tuple[int, list[str]]]:
    """Lines that hold something, as cells, each with the number of its first line."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    records, line = [], 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                records.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise ManifestError(f"{path.name}, line {line}, is not CSV: {error}") from error
    return records


def _rows(
    records: Sequence[tuple[int, list[str]]], columns: Sequence[str], folder: Path
) -> tuple[list[ManifestRow], list[Problem]]:
    """Rows of the right length, and a problem for each of the others."""
    rows, problems = [], []
    for line, record in records:
        if len(record) != len(columns):
            cells_text = "1 cell" if len(record) == 1 else f"{len(record)} cells"
            problems.append((line, f"line {line}: {cells_text} where the first line has {len(columns)} columns"))
            continue
        cells: Mapping[str, str] = {name: cell.strip() for name, cell in zip(columns, record, strict=True)}
        rows.append(ManifestRow(line, cells, place_of(cells["image"], folder)))
    return rows, problems


def _refused(path: Path, problems: Sequence[str]) -> ManifestError:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return ManifestError(f"{path.name} has {count}, and nothing was measured: {problems[0]}", tuple(problems))
