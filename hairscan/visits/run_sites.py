"""The sites of a run folder and their photographs, each where it lies now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from hairscan.batch.manifest_row import place_of
from hairscan.batch.run_folder import MANIFEST
from hairscan.batch.work import Settings
from hairscan.endpoints.rows import read_rows
from hairscan.errors import VisitError
from hairscan.segment.model import find_model, read_spec, spec_sha256
from hairscan.types import Scale

_AGAIN = "run hairscan batch again"
_NEEDED = ("subject", "visit")
_MEASURED = ("sha256", "um_per_px", "um_per_px_sd", "scale_source", "hair_count")


@dataclass(frozen=True, slots=True)
class RunPhoto:
    """One photograph of a run.

    Attributes
    ----------
    place : str
        Absolute path or URL.
    day : date or None
        None where the manifest has no date.
    sha256 : str
        Of its file, when it was measured; empty where it failed.
    hair_count : int
        What the run counted in it; -1 where it failed.
    failure : str
        Why nothing was measured; empty where something was.
    """

    image: str
    place: str
    visit: str
    day: date | None
    sha256: str
    scale: Scale | None
    hair_count: int
    failure: str


@dataclass(frozen=True, slots=True)
class Site:
    """One place of a subject, with its photographs of all visits in the order of the manifest."""

    subject: str
    arm: str
    side: str
    site: str
    photos: tuple[RunPhoto, ...]

    @property
    def image(self) -> str:
        """What the site is called where a failure is named: one place of a subject is one site, whatever its arm."""
        return "|".join((self.subject, self.side, self.site))


@dataclass(frozen=True, slots=True)
class RunSites:
    """What a run folder says of its sites and of how they were measured.

    Attributes
    ----------
    images_sha256 : str
        Of images.csv.
    """

    sites: tuple[Site, ...]
    settings: Settings
    model_sha256: str
    images_sha256: str


def read_sites(run: Path) -> RunSites:
    """The sites of a run folder, in the order of its manifest.

    Raises
    ------
    VisitError
        Where a file is missing, the manifest does not tell subjects and visits, the photographs are not where they
        were, or the network is another one now.
    """
    record = _read_record(run / "run.json")
    manifest = _read_table(run / MANIFEST)
    _check_manifest(run / MANIFEST, manifest)
    # The second copy of a blinded photograph is no second photograph.
    images = {row["image"]: row for row in _read_table(run / "images.csv", *_MEASURED) if row.get("duplicate") != "1"}
    failures = {row["image"]: row["message"] for row in _read_table(run / "failures.csv", "message")}
    home = _home(run, str(record["configuration"].get("photos", "")))
    by_place: dict[tuple[str, str, str], list[RunPhoto]] = {}
    arms: dict[tuple[str, str, str], str] = {}
    for row in manifest:
        place = row["subject"], row.get("side", ""), row.get("site", "")
        arms[place] = arms.get(place) or row.get("arm", "")
        try:
            photo = _photo(row, images.get(row["image"]), failures, home)
        except ValueError as error:
            raise VisitError(f"{run} holds no row of {row['image']} as it was written: {_AGAIN}") from error
        by_place.setdefault(place, []).append(photo)
    settings, model_sha256 = _settings(run, record)
    return RunSites(
        sites=tuple(
            Site(subject, arms[subject, side, site], side, site, tuple(photos))
            for (subject, side, site), photos in by_place.items()
        ),
        settings=settings,
        model_sha256=model_sha256,
        images_sha256=hashlib.sha256((run / "images.csv").read_bytes()).hexdigest(),
    )


def _read_table(path: Path, *needed: str) -> list[dict[str, str]]:
    try:
        return read_rows(path, ("image", *needed))[1]
    except OSError as error:
        raise VisitError(f"{path} cannot be read: give the run folder of hairscan batch") from error
    except ValueError as error:
        raise VisitError(f"{path} {error}") from error


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise VisitError(f"{path} cannot be read: give the run folder of hairscan batch") from error
    if not (isinstance(record, Mapping) and isinstance(record.get("configuration"), Mapping)):
        raise VisitError(f"{path} does not say how the run was made: {_AGAIN}")
    return record


def _check_manifest(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    for name in _NEEDED:
        lacking = [row["image"] for row in rows if not row.get(name)]
        if lacking:
            raise VisitError(
                f"{path} names no {name} of {lacking[0]} ({len(lacking)} such): give hairscan batch a manifest with "
                f"the columns {' and '.join(_NEEDED)} filled in"
            )


def _settings(run: Path, record: Mapping[str, Any]) -> tuple[Settings, str]:
    """Settings of the run and the hash of its network, which is still the same."""
    configuration, models = record["configuration"], record.get("models", [])
    if len(models) != 1:
        raise VisitError(f"{run / 'run.json'} names {len(models) or 'no'} networks: measure all photographs with one")
    name, sha256 = str(configuration.get("model", "default")), str(models[0]["sha256"])
    folder = find_model(name)
    found = read_spec(folder).sha256
    if found != sha256:
        raise VisitError(
            f"the network {name} has the sha256 {found[:12]} now, and {sha256[:12]} measured {run}: bring that network "
            "back, or run hairscan batch again with this one"
        )
    # Runs of earlier versions do not tell it.
    if models[0].get("spec_sha256") not in (None, spec_sha256(folder)):
        raise VisitError(
            f"{folder / 'spec.json'} was changed since that network measured {run}: bring it back, or {_AGAIN}"
        )
    area = configuration.get("area")
    return Settings(area=None if area == "whole" else area, model=name, device=str(configuration["device"])), sha256


def _home(run: Path, source: str) -> Path:
    """Folder from which the names of the photographs start.

    A relative path is looked for from here and from the folders above the run, so that a run and its photographs can be
    moved together; the hash of each photograph tells whether it is the right one.
    """
    for folder in (Path.cwd(), *run.absolute().parents):
        path = folder / source
        if path.is_dir():
            return path
        if path.is_file():
            return path.parent
    raise VisitError(
        f"the photographs of {run} are not found: {source} is neither here nor in a folder above the run. Call "
        "hairscan visits where hairscan batch was called"
    )


def _photo(
    row: Mapping[str, str], result: Mapping[str, str] | None, failures: Mapping[str, str], home: Path
) -> RunPhoto:
    image, day = row["image"], row.get("date", "")
    if result is None:
        result = {}
        failure = f"{image} was not measured: {failures.get(image, _AGAIN)}"
    else:
        failure = ""
    return RunPhoto(
        image=image,
        place=place_of(result.get("copy") or image, home),
        visit=row["visit"],
        day=date.fromisoformat(day) if day else None,
        sha256=result.get("sha256", ""),
        scale=_scale(result),
        hair_count=int(result.get("hair_count", -1)),
        failure=failure,
    )


def _scale(result: Mapping[str, str]) -> Scale | None:
    """Scale with which the run measured a photograph."""
    if not result.get("um_per_px"):
        return None
    return Scale(float(result["um_per_px"]), float(result["um_per_px_sd"]), result["scale_source"])
