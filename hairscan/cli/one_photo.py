"""Scoring one photograph for a command that also writes its run folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from hairscan.batch.out_folder import check_out, check_photos_apart
from hairscan.batch.run_folder import TABLES, RunRecord, now_utc, overlay_names, write_run
from hairscan.cli.versions import library_versions
from hairscan.endpoints.result import PhotoResult
from hairscan.endpoints.rows import read_rows
from hairscan.errors import OutputError
from hairscan.files import writing_to
from hairscan.photo import read_photo
from hairscan.photo.read import read_bytes
from hairscan.score import score_read_photo
from hairscan.segment import load_model
from hairscan.types import Photo


@dataclass(frozen=True, slots=True)
class Scored:
    """A photograph, its result, and how it was asked for."""

    photo: Photo
    result: PhotoResult
    configuration: Mapping[str, str | float | None]
    start_utc: str


def score_one(
    path: Path,
    *,
    um_per_px: float | None = None,
    um_per_px_sd: float | None = None,
    area: str | None = None,
    model: str = "default",
    device: str = "auto",
) -> Scored:
    """Score the photograph of a file, and keep it for its overlay.

    Raises
    ------
    HairscanError
        When nothing can be measured; the message says what to do.
    """
    start_utc, start = now_utc(), perf_counter()
    photo = read_photo(path, um_per_px=um_per_px, um_per_px_sd=um_per_px_sd)
    read = perf_counter()
    segmenter = load_model(model, device)
    seconds = {"load_model": perf_counter() - read, "read": read - start}
    result = score_read_photo(photo, segmenter, area=area)
    configuration = {
        "photo": str(path),
        "um_per_px": um_per_px,
        "um_per_px_sd": um_per_px_sd,
        "area": area or "whole",
        "model": model,
        "device": device,
    }
    return Scored(photo, replace(result, seconds={**seconds, **result.seconds}), configuration, start_utc)


def check_place(folder: Path, photo: Path, sha256: str | None = None) -> list[str]:
    """Make sure that the result of a photograph replaces at most an earlier one of its own.

    Parameters
    ----------
    sha256 : str, optional
        Of the photograph's file, which is read where it is not given. Names do not tell photographs apart: many
        cameras give those of every visit the same.

    Returns
    -------
    list of str
        The photograph's name in the earlier result, since when it may have been renamed; empty where there is none.

    Raises
    ------
    OutputError
        When the folder holds anything else that would be replaced, or cannot be written.
    PhotoError
        When the photograph's file has to be read and cannot be.
    """
    check_photos_apart(folder, [photo])
    check_out(folder, "score", (*TABLES, f"overlays/{overlay_names([photo.name])[photo.name]}"))
    earlier = folder / "images.csv"
    if not earlier.is_file():
        return []
    try:
        measured = {row["sha256"]: row["image"] for row in read_rows(earlier, ("image", "sha256"))[1]}
    except (OSError, ValueError) as error:
        raise OutputError(f"{earlier} cannot be read and would be replaced: name another folder") from error
    if measured.keys() != {sha256 or hashlib.sha256(read_bytes(photo)).hexdigest()}:
        names = ", ".join(measured.values())
        raise OutputError(f"{folder} holds the result of another photograph ({names}): name another folder")
    return list(measured.values())


def write_one(folder: Path, scored: Scored) -> Path:
    """Write the run folder of one photograph, in place of an earlier one of its own, and give the path of its overlay.

    Raises
    ------
    OutputError
        When the folder cannot be written, or holds what is of no result of this photograph.
    """
    from hairscan.report.overlay import draw_overlay

    measured = check_place(folder, Path(str(scored.configuration["photo"])), scored.photo.sha256)
    earlier = [folder / "overlays" / name for name in overlay_names(measured).values()]
    start = perf_counter()
    picture = draw_overlay(scored.photo, scored.result)
    result = replace(scored.result, seconds={**scored.result.seconds, "overlay": perf_counter() - start})
    record = RunRecord(scored.start_utc, now_utc(), scored.configuration, library_versions())
    write_run(folder, [result], record, overlays={scored.photo.name: picture})
    overlay = folder / "overlays" / overlay_names([scored.photo.name])[scored.photo.name]
    with writing_to(folder):
        for path in earlier:
            if path.exists() and not path.samefile(overlay):
                path.unlink()
    return overlay
