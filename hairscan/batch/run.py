"""A run: many photographs into one run folder, able to go on where it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hairscan.batch.executors import Crew, outcomes
from hairscan.batch.manifest import Manifest
from hairscan.batch.out_folder import check_batch_folder
from hairscan.batch.parts import Parts
from hairscan.batch.run_folder import Failure, RunRecord, RunTotals, now_utc, overlay_names, write_run
from hairscan.batch.work import DrawOverlay, Job, Measured, Outcome, Settings, Work, instrument
from hairscan.endpoints.area import check_area
from hairscan.endpoints.result import ResultFile
from hairscan.files import locked
from hairscan.photo import resolve_scale


@dataclass(frozen=True, slots=True)
class Run:
    """What became of a run.

    Attributes
    ----------
    totals : RunTotals
        What the tables hold.
    n_measured : int
        Photographs that were measured now; the others were there already.
    failures : tuple of Failure
        In the order of the manifest.
    """

    totals: RunTotals
    n_measured: int
    failures: tuple[Failure, ...]


def run_batch(
    manifest: Manifest,
    folder: Path,
    settings: Settings,
    crew: Crew,
    *,
    draw: DrawOverlay,
    versions: Mapping[str, str],
    watch: Callable[[Outcome], None] = lambda outcome: None,
) -> Run:
    """Measure every photograph of the manifest and write the run folder.

    What the folder holds already is kept where the photograph, its scale, the settings, the network and the program
    are the same. A photograph that fails is a row of failures.csv and is tried again the next time.

    Parameters
    ----------
    draw : callable
        Draws the overlay of a photograph and its result; a function of a module, since it is sent to the workers.
    versions
        The libraries that do the work, by name.
    watch : callable
        Is told of every photograph when it is done.

    Raises
    ------
    HairscanError
        When the settings are impossible, the folder cannot be written, is taken or holds what is of no run, or no
        worker can measure anything.
    """
    start_utc = now_utc()
    check_settings(settings, manifest)
    check_batch_folder(folder, manifest)
    work = Work(settings, instrument(settings.model), crew.threads, draw)
    overlays = overlay_names([row.image for row in manifest.rows])
    failures: dict[str, Failure] = {}
    n_measured = 0
    with locked(folder):
        parts = Parts(folder)
        for outcome in outcomes(_jobs(manifest, parts, overlays), work, crew):
            if isinstance(outcome, Measured):
                parts.keep(outcome)
                n_measured += 1
            elif isinstance(outcome, Failure):
                failures[outcome.image] = outcome
            watch(outcome)
        failed = tuple(failures[row.image] for row in manifest.rows if row.image in failures)
        parts.remove_others({image: name for image, name in overlays.items() if image not in failures})
        results = _results(manifest, parts, failures)
        record = RunRecord(start_utc, now_utc(), _configuration(manifest, settings), versions)
        totals = write_run(folder, results, record, failures=failed, overlays={}, manifest=manifest)
    return Run(totals, n_measured, failed)


def check_settings(settings: Settings, manifest: Manifest) -> None:
    """Make sure that the settings are possible before a photograph is read.

    Raises
    ------
    HairscanError
        When the scale or the area is impossible.
    """
    check_area(settings.area)
    if settings.um_per_px is not None or "um_per_px" not in manifest.columns:
        resolve_scale(None, um_per_px=settings.um_per_px, um_per_px_sd=settings.um_per_px_sd)


def _jobs(manifest: Manifest, parts: Parts, overlays: Mapping[str, str]) -> Iterator[Job]:
    for row in manifest.rows:
        overlay = overlays[row.image]
        yield Job(row.image, row.place, row.um_per_px, overlay, parts.key_of(row.image, overlay))


def _results(manifest: Manifest, parts: Parts, failures: Mapping[str, Failure]) -> Iterator[ResultFile]:
    for row in manifest.rows:
        if row.image not in failures:
            yield parts.result(row.image)


def _configuration(manifest: Manifest, settings: Settings) -> dict[str, str | float | None]:
    return {
        "photos": manifest.source,
        "um_per_px": settings.um_per_px,
        "um_per_px_sd": settings.um_per_px_sd,
        "area": settings.area or "whole",
        "model": settings.model,
        "device": settings.device,
    }
