"""Which visit of a site comes before which, and which one is the baseline."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from hairscan.errors import VisitError
from hairscan.visits.run_sites import RunPhoto, Site

_FIRST_VISIT = "baseline"
Visits = dict[str, tuple[RunPhoto, ...]]
"""Photographs of one site by visit, in time."""


def visits_of(site: Site) -> Visits:
    """Photographs of a site by visit: by date where every one has a date, else in the natural order of the names."""
    by_visit: dict[str, list[RunPhoto]] = {}
    for photo in site.photos:
        by_visit.setdefault(photo.visit, []).append(photo)
    days = {visit: [photo.day for photo in photos if photo.day is not None] for visit, photos in by_visit.items()}
    names = sorted(by_visit, key=natural_key)
    if all(len(days[visit]) == len(photos) for visit, photos in by_visit.items()):
        names.sort(key=lambda visit: min(days[visit]))
    return {visit: tuple(by_visit[visit]) for visit in names}


def natural_key(visit: str) -> tuple[bool, tuple[str | float, ...], str]:
    """Sort key of a visit's name: ``baseline`` first, numbers by their size (``V2`` before ``V10``)."""
    parts = re.split(r"(\d+(?:\.\d+)?)", visit.lower())
    return visit.lower() != _FIRST_VISIT, tuple(float(part) if i % 2 else part for i, part in enumerate(parts)), visit


def baseline_of(sites: Sequence[Site], named: str | None) -> str:
    """The visit with which all others are compared: the named one, else the one that comes first at most sites.

    It is one visit for the whole run: a site that lacks it has no baseline, and no other visit takes its place.

    Raises
    ------
    VisitError
        When there is no visit of the given name.
    """
    names = sorted({photo.visit for site in sites for photo in site.photos}, key=natural_key)
    if named is not None:
        if named not in names:
            raise VisitError(f"no photograph is of a visit {named}: choose one of {', '.join(names)}")
        return named
    first = Counter(next(iter(visits_of(site))) for site in sites)
    return max(names, key=lambda visit: first[visit])
