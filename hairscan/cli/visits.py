"""``hairscan visits``: every site of a run through its visits."""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from hairscan.visits.run_visits import RunVisits
    from hairscan.visits.series import Repeat

_INTERRUPTED = 130
_ALPHA = 0.05


def visits(
    run: Annotated[Path, typer.Argument(help="Run folder of hairscan batch, made with a manifest.")],
    baseline: Annotated[
        str | None, typer.Option(help="Visit that the others are compared with; the first one where nothing is said.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one per core where nothing is said.")] = None,
) -> None:
    """Follow every site of a run from visit to visit, hair by hair.

    Ends with exit code 1 when some visits could not be compared (changes.csv says why), and 2 when nothing could be
    done.
    """
    from hairscan.batch.executors import LocalCrew, n_workers
    from hairscan.batch.run_folder import check_writable
    from hairscan.cli.progress import watch_batch
    from hairscan.visits.run_sites import read_sites
    from hairscan.visits.run_visits import follow_run, write_visits

    sites = read_sites(run)
    check_writable(run)
    n_sites = len(sites.sites)
    start = perf_counter()
    try:
        with LocalCrew(workers or n_workers(n_sites)) as crew, watch_batch(n_sites, "sites") as watch:
            found = follow_run(sites, crew, baseline=baseline, watch=watch)
    except KeyboardInterrupt:
        typer.echo("stopped: nothing was written", err=True)
        sys.exit(_INTERRUPTED)
    repeatability = _repeatability(found.repeats)
    write_visits(run, sites, found, _as_csv(repeatability))
    _print_summary(found, repeatability, run, perf_counter() - start)
    if any(row.refused for row in found.changes):
        raise typer.Exit(1)


def _repeatability(repeats: Sequence[Repeat]) -> pd.DataFrame | None:
    """The table of repeatability.csv; None where nothing was repeated, or what is needed for it is not installed."""
    if not repeats:
        return None
    try:
        import pandas as pd

        from hairscan.trial.reliability import reliability
    except ModuleNotFoundError as error:
        typer.echo(f"repeatability.csv needs {error.name}: pip install 'hairscan[trial]'", err=True)
        return None
    return reliability(pd.DataFrame(repeats), alpha=_ALPHA)


def _as_csv(table: pd.DataFrame | None) -> bytes | None:
    if table is None:
        return None
    from hairscan.trial.tables import csv_bytes

    return csv_bytes(table, digits=6)


def _print_summary(found: RunVisits, repeatability: pd.DataFrame | None, folder: Path, seconds: float) -> None:
    """Print what became of the visits and where the files are."""
    refused = [row for row in found.changes if row.refused]
    for row in refused:
        where = " ".join(filter(None, (row.subject, row.side, row.site)))
        typer.echo(f"refused: {where}, visit {row.visit}: {row.refused}", err=True)
    compared = len(found.changes) - len(refused)
    files = ["changes.csv", "hair_histories.csv", *([] if repeatability is None else ["repeatability.csv"])]
    rows = [
        ("baseline", f"visit {found.baseline}"),
        ("sites", f"{len(found.sites)}, {compared} visits compared, {len(refused)} refused"),
        ("hairs", f"{len({(r.subject, r.side, r.site, r.hair) for r in found.histories})} followed"),
        *(
            ("repeats", _repeat_text(row))
            for row in ([] if repeatability is None else repeatability.to_dict("records"))
        ),
        ("time", f"{seconds:.1f} s"),
        ("written", f"{folder}/ {', '.join(files)}"),
    ]
    for name, text in rows:
        typer.echo(f"{name:10}{text}")


def _repeat_text(row: Mapping[Any, Any]) -> str:
    """One row of repeatability.csv for a person."""
    return (
        f"{row['endpoint']}, {row['kind']}: within-site SD {row['sem']:.2f}, minimal detectable change "
        f"{row['mdc95']:.2f}, {row['n_targets']:.0f} pairs of photographs"
    )
