"""``hairscan batch``: many photographs."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from hairscan.cli.number import number

if TYPE_CHECKING:
    from hairscan.batch.executors import DaskCrew, LocalCrew
    from hairscan.batch.manifest import Manifest
    from hairscan.batch.run import Run

_INTERRUPTED = 130
"""Exit code of a program that Ctrl-C ended."""


def batch(
    photos: Annotated[Path, typer.Argument(help="Folder of photographs, or a manifest in CSV with a column 'image'.")],
    out: Annotated[Path, typer.Option(help="Folder for the tables and the overlays; an unfinished one goes on.")],
    um_per_px: Annotated[
        float | None,
        typer.Option(parser=number, help="Micrometres of scalp per pixel, where the manifest has none."),
    ] = None,
    um_per_px_sd: Annotated[float | None, typer.Option(parser=number, help="Standard deviation of the scale.")] = None,
    area: Annotated[
        str | None, typer.Option(help="Counting area: whole, circle:1.0cm2, rect:10x8mm, circle:0.5cm2@x,y (px).")
    ] = None,
    model: Annotated[str, typer.Option(help="Name or folder of the network.")] = "default",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one per core where nothing is said.")] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, whose workers measure instead.")
    ] = None,
) -> None:
    """Count and measure the hairs of many photographs.

    Ends with exit code 1 when some photographs failed (they are in failures.csv), and 2 when nothing could be done.
    """
    from hairscan.batch.manifest import left_out_text
    from hairscan.batch.run import run_batch
    from hairscan.batch.work import Settings
    from hairscan.cli.progress import watch_batch
    from hairscan.cli.versions import library_versions
    from hairscan.report.overlay import draw_overlay
    from hairscan.segment import model_folders

    manifest = _manifest_of(photos)
    if manifest.left_out:
        typer.echo(left_out_text(manifest.left_out), err=True)
    # A worker may stand elsewhere. A shipped model comes before a folder of its name, as in every other command.
    network = model if model in model_folders() else str(Path(model).absolute())
    settings = Settings(um_per_px, um_per_px_sd, area, network, device)
    start = perf_counter()
    try:
        with _crew_of(workers, cluster, len(manifest.rows)) as crew, watch_batch(len(manifest.rows)) as watch:
            run = run_batch(manifest, out, settings, crew, draw=draw_overlay, versions=library_versions(), watch=watch)
    except KeyboardInterrupt:
        typer.echo(f"stopped: what was measured is kept in {out}, and the same command goes on from there", err=True)
        sys.exit(_INTERRUPTED)
    _print_summary(run, out, perf_counter() - start)
    if run.failures:
        raise typer.Exit(1)


def _manifest_of(photos: Path) -> Manifest:
    from hairscan.batch.manifest import manifest_of_folder, read_manifest

    return manifest_of_folder(photos) if photos.is_dir() else read_manifest(photos)


def _crew_of(
    workers: int | None, cluster: str | None, n_photos: int
) -> AbstractContextManager[LocalCrew] | AbstractContextManager[DaskCrew]:
    from hairscan.batch.executors import DaskCrew, LocalCrew, n_workers

    if cluster is None:
        return LocalCrew(workers or n_workers(n_photos))
    if workers is not None:
        raise typer.BadParameter("a cluster has its own workers: leave it out.", param_hint="--workers")
    return DaskCrew(cluster)


def _print_summary(run: Run, out: Path, seconds: float) -> None:
    """Print what became of the photographs and where the files are."""
    n_kept = run.totals.photos - run.n_measured
    kept = f", {n_kept} of them before" if n_kept else ""
    for name, text in (
        ("photos", f"{run.totals.photos} measured{kept}, {len(run.failures)} failed"),
        ("hairs", f"{run.totals.hairs_counted} counted, {run.totals.hairs} traced"),
        ("time", f"{seconds:.1f} s, {run.n_measured / seconds:.2f} photos/s"),
        ("written", f"{out}/ images.csv, hairs.csv, failures.csv, overlays/"),
    ):
        typer.echo(f"{name:9}{text}")
    if n_bare := run.totals.photos_without_scale:
        without = f"{n_bare} of {run.totals.photos} photographs without a scale: no densities, and no widths in µm"
        typer.echo(f"note: {without}; give --um-per-px, or um_per_px in a manifest", err=True)
