"""One site through all its visits: compared with the baseline, from visit to visit, and with its own repeats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hairscan.errors import HairscanError
from hairscan.visits.change_rows import ChangeRow, baseline_count, change_row, refused_row
from hairscan.visits.compare import Comparison, compare_visits, why_useless
from hairscan.visits.histories import hair_histories
from hairscan.visits.history_rows import HistoryRow, SiteVisits, history_rows
from hairscan.visits.matching import Status
from hairscan.visits.order import Visits, visits_of
from hairscan.visits.run_sites import RunPhoto, Site
from hairscan.visits.visit import Visit

ReadPhoto = Callable[[RunPhoto], Visit]
"""Scores a photograph; raises HairscanError where it cannot."""
UNMATCHED, MATCHED = "unmatched", "matched"


@dataclass(frozen=True, slots=True)
class Repeat:
    """A figure of one of two photographs that were taken of one site at one visit.

    Attributes
    ----------
    endpoint : str
        density_per_cm2 or mean_width_um.
    kind : str
        ``unmatched`` where the photograph was measured by itself, ``matched`` where the hairs of both were matched.
    target : str
        What was photographed twice, of the subject.
    repeat : int
        1 or 2.
    """

    endpoint: str
    kind: str
    subject: str
    target: str
    repeat: int
    value: float


@dataclass(frozen=True, slots=True)
class SiteChanges:
    """What became of one site."""

    site: Site
    changes: tuple[ChangeRow, ...]
    histories: tuple[HistoryRow, ...]
    repeats: tuple[Repeat, ...]


@dataclass(frozen=True, slots=True)
class _Shown:
    """A photograph and what was read of it."""

    photo: RunPhoto
    visit: Visit


def follow_site(site: Site, baseline: str, read: ReadPhoto) -> SiteChanges:
    """Changes, histories and repeats of a site; a photograph that cannot be read or compared stops no other.

    Of several photographs of a visit the first that can be compared stands for it, the others are its repeats.
    """
    visits = visits_of(site)
    shown, reasons = _read_all(site.photos, read)
    usable = [shown[photo.image] for photo in visits.get(baseline, ()) if photo.image in shown]
    base = next((one for one in usable if not why_useless(one.visit.photo)), None)
    if base is None:
        why = "; ".join([*(why_useless(one.visit.photo) for one in usable), *_reasons(visits, baseline, reasons)])
        return refuse_site(site, baseline, why or f"the manifest has no photograph of the baseline, visit {baseline}")
    compared: dict[str, tuple[_Shown, Comparison]] = {}
    rows = []
    for visit, photos in visits.items():
        if visit == baseline:
            continue
        candidates = [shown[photo.image] for photo in photos if photo.image in shown]
        found, refusals = _first_compared(base.visit, candidates)
        if found is None:
            why = "; ".join([*refusals, *_reasons(visits, visit, reasons)])
            rows.append(refused_row(site, visit, baseline, (base.photo, photos[0]), why))
        else:
            compared[visit] = found
            rows.append(change_row(site, visit, baseline, (base.photo, found[0].photo), found[1]))
    standing = {baseline: base, **{visit: one for visit, (one, _) in compared.items()}}
    return SiteChanges(
        site,
        tuple(rows),
        tuple(_histories(site, visits, baseline, standing, {visit: c for visit, (_, c) in compared.items()})),
        tuple(_repeats(site, visits, standing, shown)),
    )


def refuse_site(site: Site, baseline: str, why: str) -> SiteChanges:
    """A site of which nothing can be told: every visit is refused for one reason."""
    visits = visits_of(site)
    before = visits.get(baseline, (None,))[0]
    rows = [
        refused_row(site, visit, baseline, (before, photos[0]), why)
        for visit, photos in visits.items()
        if visit != baseline
    ]
    return SiteChanges(site, tuple(rows), (), ())


def _read_all(photos: Sequence[RunPhoto], read: ReadPhoto) -> tuple[dict[str, _Shown], dict[str, str]]:
    """Photographs that can be read, and why the others cannot, by image."""
    shown, reasons = {}, {}
    for photo in photos:
        try:
            shown[photo.image] = _Shown(photo, read(photo))
        except HairscanError as error:
            reasons[photo.image] = str(error)
    return shown, reasons


def _reasons(visits: Visits, visit: str, reasons: Mapping[str, str]) -> Iterator[str]:
    """Why photographs of a visit could not be read."""
    return (reasons[photo.image] for photo in visits.get(visit, ()) if photo.image in reasons)


def _first_compared(base: Visit, candidates: Sequence[_Shown]) -> tuple[tuple[_Shown, Comparison] | None, list[str]]:
    """The first photograph that can be compared with the baseline, and why those before it cannot."""
    refusals: list[str] = []
    for one in candidates:
        try:
            return (one, compare_visits(base, one.visit)), refusals
        except HairscanError as error:
            refusals.append(str(error))
    return None, refusals


def _compared(first: _Shown, second: _Shown) -> Comparison | None:
    """Comparison of two photographs; None where they cannot be compared."""
    try:
        return compare_visits(first.visit, second.visit)
    except HairscanError:
        return None


def _histories(
    site: Site,
    visits: Visits,
    baseline: str,
    standing: Mapping[str, _Shown],
    compared: Mapping[str, Comparison],
) -> list[HistoryRow]:
    """Rows of the hairs of a site; none where no visit could be compared with the baseline."""
    if not compared:
        return []
    place = {visit: index for index, visit in enumerate(visits)}
    with_baseline = {place[visit]: comparison for visit, comparison in compared.items()}
    between = {}
    for earlier, later in pairwise(visit for visit in visits if visit in standing):
        if baseline not in (earlier, later):
            comparison = _compared(standing[earlier], standing[later])
            if comparison is not None:
                between[place[earlier], place[later]] = comparison
    images = {visit: standing[visit].photo.image if visit in standing else "" for visit in visits}
    histories = hair_histories(place[baseline], with_baseline, between)
    return history_rows(SiteVisits(site, images, place[baseline], with_baseline), histories)


def _repeats(
    site: Site, visits: Visits, standing: Mapping[str, _Shown], shown: Mapping[str, _Shown]
) -> Iterator[Repeat]:
    """Figures of every photograph that repeats the one that stands for its visit and can be compared with it."""
    for visit, first in standing.items():
        for photo in visits[visit]:
            second = shown.get(photo.image)
            if second is None or second is first or (comparison := _compared(first, second)) is None:
                continue
            target = "|".join((site.subject, site.arm, site.side, site.site, visit, photo.image))
            for (endpoint, kind), values in _figures(comparison).items():
                known = [(number, value) for number, value in enumerate(values, start=1) if value is not None]
                yield from (Repeat(endpoint, kind, site.subject, target, number, value) for number, value in known)


def _figures(comparison: Comparison) -> dict[tuple[str, str], tuple[float | None, float | None]]:
    """Density and mean width of both photographs, each by itself and on what was matched; None where unknown.

    Of matched photographs the second has the figure of the first plus the change that was found.
    """
    before, after = comparison.baseline.result.photo, comparison.followup.result.photo
    area_cm2, count = comparison.overlap.area_cm2, baseline_count(comparison)
    change = comparison.density_change_per_cm2.value
    density = None if area_cm2 is None else count / area_cm2
    pairs = zip(comparison.hairs, comparison.widths, strict=True)
    widths = [w.baseline_um for hair, w in pairs if hair.status is Status.MATCHED and np.isfinite(w.change_um)]
    width, thicker = (float(np.mean(widths)) if widths else None), comparison.width_change.mean_um
    return {
        ("density_per_cm2", UNMATCHED): (before.density_per_cm2, after.density_per_cm2),
        ("density_per_cm2", MATCHED): (density, None if density is None or change is None else density + change),
        ("mean_width_um", UNMATCHED): (before.mean_width_um, after.mean_width_um),
        ("mean_width_um", MATCHED): (width, None if width is None or thicker is None else width + thicker),
    }
