"""Every site of a run folder through its visits: changes.csv and hair_histories.csv."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hairscan.batch.executors import Crew, outcomes
from hairscan.batch.run_folder import Failure
from hairscan.batch.work import instrument
from hairscan.endpoints.rows import rows_csv
from hairscan.errors import VisitError
from hairscan.files import json_bytes, locked, write_files, writing_to
from hairscan.version import __version__
from hairscan.visits.change_rows import ChangeRow
from hairscan.visits.history_rows import HistoryRow
from hairscan.visits.order import baseline_of
from hairscan.visits.run_sites import RunSites
from hairscan.visits.series import Repeat, SiteChanges, refuse_site
from hairscan.visits.site_work import SiteWork

CHANGES, HISTORIES, REPEATABILITY, RECORD = "changes.csv", "hair_histories.csv", "repeatability.csv", "visits.json"


@dataclass(frozen=True, slots=True)
class RunVisits:
    """What became of the sites of a run, in the order of its manifest."""

    baseline: str
    sites: tuple[SiteChanges, ...]

    @property
    def changes(self) -> tuple[ChangeRow, ...]:
        """Rows of changes.csv."""
        return tuple(row for site in self.sites for row in site.changes)

    @property
    def histories(self) -> tuple[HistoryRow, ...]:
        """Rows of hair_histories.csv."""
        return tuple(row for site in self.sites for row in site.histories)

    @property
    def repeats(self) -> tuple[Repeat, ...]:
        """Figures of the photographs that repeat another of their visit."""
        return tuple(repeat for site in self.sites for repeat in site.repeats)


def follow_run(
    run: RunSites, crew: Crew, *, baseline: str | None = None, watch: Callable[[object], None] = lambda outcome: None
) -> RunVisits:
    """Take every site of a run through its visits.

    Parameters
    ----------
    baseline : str, optional
        Visit with which the others are compared; the one that comes first at most sites where nothing is said.
    watch : callable
        Is told of every site when it is done.

    Raises
    ------
    HairscanError
        When there is no such visit, no site has two, or no worker can score anything.
    """
    named = baseline_of(run.sites, baseline)
    if all(photo.visit == named for site in run.sites for photo in site.photos):
        raise VisitError(f"every photograph is of the visit {named}: nothing can have changed")
    work = SiteWork(run.settings, named, instrument(run.settings.model), crew.threads)
    done: dict[str, SiteChanges] = {}
    failed: dict[str, str] = {}
    for outcome in outcomes(run.sites, work, crew):
        if isinstance(outcome, Failure):
            failed[outcome.image] = outcome.message
        else:
            done[outcome.site.image] = outcome
        watch(outcome)
    sites = tuple(done.get(site.image) or refuse_site(site, named, failed[site.image]) for site in run.sites)
    return RunVisits(named, sites)


def write_visits(folder: Path, run: RunSites, found: RunVisits, repeatability: bytes | None) -> None:
    """Write changes.csv, hair_histories.csv, visits.json and, where given, repeatability.csv; all or none.

    Parameters
    ----------
    repeatability : bytes or None
        The file; None removes that of an earlier time.

    Raises
    ------
    OutputError
        When the folder cannot be written or is taken.
    """
    record = {
        "hairscan_version": __version__,
        "baseline": found.baseline,
        "images_sha256": run.images_sha256,
        "model_sha256": run.model_sha256,
    }
    files = {
        CHANGES: rows_csv(ChangeRow, found.changes),
        HISTORIES: rows_csv(HistoryRow, found.histories),
        RECORD: json_bytes(record),
        **({} if repeatability is None else {REPEATABILITY: repeatability}),
    }
    with locked(folder), writing_to(folder):
        write_files({folder / name: content for name, content in files.items()})
        if repeatability is None:
            (folder / REPEATABILITY).unlink(missing_ok=True)
