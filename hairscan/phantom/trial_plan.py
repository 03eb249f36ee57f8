"""Who is photographed when in a rendered trial, what changes on whose scalp, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from hairscan.types import FloatArray

LAYOUTS = ("parallel", "split-scalp")
SIDES = ("left", "right")

_FIRST_DAY = date(2024, 1, 8)
_OPERATORS = ("AK", "MB")
_SITES = ("frontal", "vertex")
_DROPOUT_SHARE = 0.08
_DENSITY_PER_CM2, _DENSITY_SD_PER_CM2, _DENSITY_RANGE_PER_CM2 = 170.0, 40.0, (70.0, 290.0)
_CHANGE_SD_PER_CM2, _CHANGE_SD_UM, _CHANGE_CORRELATION = 10.0, 1.0, 0.6
_SIDE_SD_PER_CM2 = 12.0
_POOR_SHARES = {"blurred": 0.03, "glare": 0.03, "unreadable": 0.0, "no field": 0.0}


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm and its true mean change from the first visit to the last."""

    name: str
    density_change_per_cm2: float
    width_change_um: float


USUAL_ARMS = (Arm("placebo", 5.0, 0.0), Arm("prp", 15.0, 1.0), Arm("exosome", 25.0, 3.0))
"""Changes of the size that trials reported; a placebo arm gains hairs too."""


@dataclass(frozen=True, slots=True)
class TrialSettings:
    """What a rendered trial is made of.

    Attributes
    ----------
    arms : tuple of Arm
        The first one is the control.
    subjects : int
        Per arm of a parallel trial; of a split-scalp trial in all, each of whom has both of its two arms.
    layout : str
        One of `LAYOUTS`.
    weeks : tuple of int
        Of the visits, in time; the first is the baseline.
    """

    arms: tuple[Arm, ...]
    subjects: int
    weeks: tuple[int, ...]
    layout: str = "parallel"
    seed: int = 0
    width_px: int = 960
    height_px: int = 768
    um_per_px: float = 5.0

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise ValueError(f"{self.layout!r} is no layout: choose one of {', '.join(LAYOUTS)}.")
        if len({arm.name for arm in self.arms}) < max(len(self.arms), 2):
            raise ValueError("a trial needs two arms or more, each with its own name.")
        if self.layout == "split-scalp" and len(self.arms) != 2:
            raise ValueError(f"a split-scalp trial has an arm for either side: name two arms, not {len(self.arms)}.")
        if len(self.weeks) < 2 or list(self.weeks) != sorted(set(self.weeks)):
            raise ValueError("a trial needs two visits or more: name their weeks in time, for example 0,12,24.")
        if self.subjects < 2:
            raise ValueError("a trial needs two subjects per arm or more.")


@dataclass(frozen=True, slots=True)
class PlannedPhoto:
    """One photograph of a site.

    Attributes
    ----------
    visit : int
        Index of the visit.
    days_since_clipping : int
    poor : str
        What is wrong with it: blurred, glare, unreadable, no field; empty where nothing is.
    repeat : int
        0, or 1 for the second photograph of a visit.
    """

    image: str
    visit: int
    day: date
    operator: str
    days_since_clipping: int
    poor: str = ""
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class PlannedSite:
    """One subject's site, or one of its two in a split-scalp trial.

    Attributes
    ----------
    number, person : int
        From 0; the random numbers of the site, and those of its subject's skin and hair, come from them.
    density_per_cm2, width_change_um : tuple of float
        Of the site at each visit; the width against the first visit. Visits that were missed are included.
    photos : tuple of PlannedPhoto
    """

    number: int
    person: int
    subject: str
    arm: Arm
    side: str
    site: str
    density_per_cm2: tuple[float, ...]
    width_change_um: tuple[float, ...]
    photos: tuple[PlannedPhoto, ...]


def arms_with_changes(
    names: Sequence[str],
    density_changes_per_cm2: Sequence[float] | None = None,
    width_changes_um: Sequence[float] | None = None,
) -> tuple[Arm, ...]:
    """Arms with the changes given, one per arm, or else with those of `USUAL_ARMS`.

    Raises
    ------
    ValueError
        Another number of changes than of arms, or none for an arm that is not a usual one.
    """
    usual = {arm.name: arm for arm in USUAL_ARMS}
    for changes in (density_changes_per_cm2, width_changes_um):
        if changes is not None and len(changes) != len(names):
            raise ValueError(f"{len(names)} arms need as many changes, not {len(changes)}.")
        unknown = [name for name in names if name not in usual]
        if changes is None and unknown:
            raise ValueError(f"no usual change is known of {', '.join(unknown)}: give density and width changes.")
    density = density_changes_per_cm2 or [usual[name].density_change_per_cm2 for name in names]
    width = width_changes_um or [usual[name].width_change_um for name in names]
    return tuple(Arm(*arm) for arm in zip(names, density, width, strict=True))


def mean_change(arm: Arm, weeks: Sequence[int], visit: int) -> tuple[float, float]:
    """True mean change of an arm at a visit, hairs/cm2 and um: it grows evenly in time from the first visit."""
    share = (weeks[visit] - weeks[0]) / (weeks[-1] - weeks[0])
    return share * arm.density_change_per_cm2, share * arm.width_change_um


def plan_trial(settings: TrialSettings) -> list[PlannedSite]:
    """Sites of a trial in the order of their subjects; the same settings give the same plan.

    Notes
    -----
    Baseline densities are normal, 170 ± 40 hairs/cm2; the sides of one scalp differ from that by 12. Changes are
    normal around their arm's mean with SD 10 hairs/cm2 and 1 um, correlated 0.6 between visits. About 8 % of the
    subjects, at least one, leave at a visit after the first, whatever their hair did. Every second subject is
    photographed twice at the first visit, by the same operator or by another one, in turn. Among the later
    photographs about 3 %, at least one, are blurred and as many full of glare; one file is cut off and one
    photograph shows hardly any scalp.
    """
    rng = np.random.default_rng([settings.seed, 0])
    subjects = list(_subjects(settings, rng))
    leaving = _leaving(len(subjects), len(settings.weeks), rng)
    sites: list[PlannedSite] = []
    for index, (subject, arms) in enumerate(subjects):
        baseline = float(np.clip(rng.normal(_DENSITY_PER_CM2, _DENSITY_SD_PER_CM2), *_DENSITY_RANGE_PER_CM2))
        enrolled = _FIRST_DAY + timedelta(days=int(rng.integers(0, 60)))
        where = _SITES[int(rng.integers(len(_SITES)))]
        weeks = settings.weeks[: leaving.get(index, len(settings.weeks))]
        for side, arm in zip(SIDES if settings.layout == "split-scalp" else ("",), arms, strict=True):
            aside = rng.normal(0, _SIDE_SD_PER_CM2) if side else 0.0
            density, width = _courses(arm, settings.weeks, rng)
            site = PlannedSite(
                number=len(sites),
                person=index,
                subject=subject,
                arm=arm,
                side=side,
                site=where,
                density_per_cm2=tuple(np.maximum(baseline + aside + density, 0.0).tolist()),
                width_change_um=tuple(width.tolist()),
                photos=_photos("_".join(filter(None, (subject, side))), weeks, enrolled, index, rng),
            )
            sites.append(site)
    return _spoil(sites, rng)


def _subjects(settings: TrialSettings, rng: np.random.Generator) -> Iterator[tuple[str, tuple[Arm, ...]]]:
    """Name of each subject and the arm of each of its sides, in random order."""
    if settings.layout == "parallel":
        allocation: list[tuple[Arm, ...]] = [(arm,) for arm in settings.arms for _ in range(settings.subjects)]
    else:
        allocation = [settings.arms[:: 1 if k % 2 else -1] for k in range(settings.subjects)]
    for rank, index in enumerate(rng.permutation(len(allocation))):
        yield f"S{rank + 1:02d}", allocation[index]


def _leaving(n_subjects: int, n_visits: int, rng: np.random.Generator) -> dict[int, int]:
    """Subjects that leave, and the visit at which they are missing first."""
    leaving = rng.choice(n_subjects, max(1, round(_DROPOUT_SHARE * n_subjects)), replace=False)
    return {int(index): int(rng.integers(1, n_visits)) for index in leaving}


def _courses(arm: Arm, weeks: Sequence[int], rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Change of one site since the first visit, hairs/cm2 and um at each visit."""
    sd = np.array([_CHANGE_SD_PER_CM2, _CHANGE_SD_UM])
    own = np.sqrt(_CHANGE_CORRELATION) * rng.standard_normal(2)
    drawn = own + np.sqrt(1 - _CHANGE_CORRELATION) * rng.standard_normal((len(weeks), 2))
    changes = np.array([mean_change(arm, weeks, visit) for visit in range(len(weeks))]) + sd * drawn
    changes[0] = 0.0
    return changes[:, 0], changes[:, 1]


def _photos(
    name: str, weeks: Sequence[int], enrolled: date, index: int, rng: np.random.Generator
) -> tuple[PlannedPhoto, ...]:
    """Photographs of one site at the visits that took place."""
    photos = []
    for visit, week in enumerate(weeks):
        late = 0 if visit == 0 else int(rng.integers(-3, 4))
        photo = PlannedPhoto(
            image=f"{name}_week{week:02d}.png",
            visit=visit,
            day=enrolled + timedelta(days=7 * (week - weeks[0]) + late),
            operator=_OPERATORS[int(rng.integers(len(_OPERATORS)))],
            days_since_clipping=1 if rng.random() < 0.15 else 2,
        )
        photos.append(photo)
        if visit == 0 and index % 2 == 0:
            again = photo.operator if index % 4 == 0 else next(one for one in _OPERATORS if one != photo.operator)
            photos.append(replace(photo, image=f"{name}_week{week:02d}_again.png", operator=again, repeat=1))
    return tuple(photos)


def _spoil(sites: list[PlannedSite], rng: np.random.Generator) -> list[PlannedSite]:
    """Make some of the photographs after the first visit poor ones, each in one way."""
    later = [photo.image for site in sites for photo in site.photos if photo.visit > 0]
    order = iter(rng.permutation(later).tolist())
    poor = {
        image: reason
        for reason, share in _POOR_SHARES.items()
        for _, image in zip(range(max(1, round(share * len(later)))), order, strict=False)
    }
    return [
        replace(site, photos=tuple(replace(photo, poor=poor.get(photo.image, "")) for photo in site.photos))
        for site in sites
    ]
