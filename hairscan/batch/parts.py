"""What a run has finished, one small file per photograph: it is what lets a run go on.

A photograph is finished when its part and its overlay are whole and belong together. Everything here can be lost or
cut off at any moment; what is not whole is measured again.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Collection, Mapping
from pathlib import Path

from pydantic import ValidationError

from hairscan.batch.run_folder import STAGES, TIMING_COLUMNS, timing_cells
from hairscan.batch.work import Measured
from hairscan.endpoints.result import ResultFile
from hairscan.endpoints.rows import csv_bytes
from hairscan.errors import OutputError
from hairscan.files import Record, remove_neighbours, write_files, writing_to


class Part(Record):
    """One finished photograph.

    Attributes
    ----------
    key : str
        Hash of everything that the result depends on.
    overlay_sha256 : str
        Of the overlay's file.
    result : ResultFile
        Without the seconds, which are another in every run.
    """

    key: str
    overlay_sha256: str
    result: ResultFile


class Parts:
    """The finished photographs of a run folder; one process at a time may have it.

    Raises
    ------
    OutputError
        When the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts = folder / ".parts"
        self._overlays = folder / "overlays"
        self._timings = folder / "timings.csv"
        self._seconds = _read_timings(self._timings)
        with writing_to(folder):
            for place in (self._parts, self._overlays):
                place.mkdir(parents=True, exist_ok=True)
            for place in (folder, self._parts, self._overlays):
                remove_neighbours(place)
            # A line that was cut off is dropped before others are added below it.
            rows = [timing_cells(image, seconds) for image, seconds in self._seconds.items()]
            write_files({self._timings: csv_bytes(TIMING_COLUMNS, *rows)})

    def key_of(self, image: str, overlay: str) -> str | None:
        """Key of a finished photograph; None where it is not finished."""
        part = self._read(image)
        try:
            whole = part is not None and _sha256(self._overlays / overlay) == part.overlay_sha256
        except OSError:
            return None
        return part.key if part is not None and whole else None

    def keep(self, measured: Measured) -> None:
        """Write down a photograph that was measured.

        Raises
        ------
        OutputError
            When its files cannot be written.
        """
        part = Part(
            key=measured.key,
            overlay_sha256=hashlib.sha256(measured.overlay).hexdigest(),
            result=measured.result.model_copy(update={"seconds": {}}),
        )
        image = measured.result.photo.image
        self._seconds[image] = measured.result.seconds
        with writing_to(self._folder):
            write_files(
                {
                    self._overlays / measured.overlay_name: measured.overlay,
                    self._path(image): part.model_dump_json().encode(),
                }
            )
            with self._timings.open("ab") as file:
                file.write(csv_bytes(timing_cells(image, measured.result.seconds)))

    def result(self, image: str) -> ResultFile:
        """Result of a finished photograph, with the seconds it took.

        Raises
        ------
        OutputError
            When its part was taken away meanwhile.
        """
        part = self._read(image)
        if part is None:
            raise OutputError(f"the part of {image} was removed from {self._folder}: run the same command again")
        return part.result.model_copy(update={"seconds": self._seconds.get(image, {})})

    def remove_others(self, overlay_of: Mapping[str, str]) -> None:
        """Remove the parts and overlays of every photograph that is not named, by image, with its overlay.

        Raises
        ------
        OutputError
            When one cannot be removed.
        """
        with writing_to(self._folder):
            _remove_others(self._parts, {self._path(image).name for image in overlay_of})
            _remove_others(self._overlays, set(overlay_of.values()))

    def _read(self, image: str) -> Part | None:
        try:
            return Part.model_validate_json(self._path(image).read_bytes())
        except (OSError, ValidationError):
            return None

    def _path(self, image: str) -> Path:
        return self._parts / f"{hashlib.sha256(image.encode()).hexdigest()[:32]}.json"


def _remove_others(folder: Path, names: Collection[str]) -> None:
    for path in folder.iterdir():
        if path.name not in names and path.suffix in (".json", ".png"):
            path.unlink()


def _read_timings(path: Path) -> dict[str, Mapping[str, float]]:
    """Seconds by image, as far as they were written."""
    seconds: dict[str, Mapping[str, float]] = {}
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return seconds
    try:
        for row in csv.reader(io.StringIO(text, newline="")):
            if len(row) == len(TIMING_COLUMNS) and row[0] != TIMING_COLUMNS[0]:
                seconds[row[0]] = {stage: float(cell) for stage, cell in zip(STAGES, row[1:], strict=True) if cell}
    except (ValueError, csv.Error):
        return seconds
    return seconds


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
