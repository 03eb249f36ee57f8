"""The tables of a rendered trial: its manifest, and its truth in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from hairscan.endpoints.area import UM2_PER_CM2
from hairscan.endpoints.rows import MANIFEST_COLUMNS, csv_bytes
from hairscan.files import write_files, writing_to
from hairscan.phantom.trial import RenderedSite
from hairscan.phantom.trial_plan import TrialSettings, mean_change

_DEVICE = "microscope"
_HAIRS = (
    "image",
    "hair_uid",
    "present",
    "counted",
    "root_x_px",
    "root_y_px",
    "width_um",
    "length_um",
    "unit_id",
)
_PHOTOS = ("image", "poor", "repeat", "hair_count", "density_per_cm2", "mean_width_um")
_SUBJECTS = (
    "subject",
    "arm",
    "side",
    "visit",
    "week",
    "attended",
    "density_per_cm2",
    "mean_width_um",
    "hairs",
    "area_cm2",
)
_EFFECTS = ("arm", "control", "visit", "week", "endpoint", "true_effect", "true_mean_change", "subjects_mean_change")
_ENDPOINTS = ("density_per_cm2", "mean_width_um")


def write_tables(settings: TrialSettings, sites: Sequence[RenderedSite], folder: Path) -> Path:
    """Write manifest.csv and the tables of truth/, and return the path of the manifest.

    Raises
    ------
    OutputError
        The folder cannot be written.

    Notes
    -----
    ``truth/hairs.csv``: one row per photograph and hair whose root lies in it; ``present`` 0 for a hair that grows
    there at another visit only, and then no width. ``truth/photos.csv``: what is counted in each photograph, what is
    wrong with it (``poor``), and whether it repeats another of its visit. ``truth/subjects.csv``: the whole site of
    each subject at each visit, missed ones (``attended`` 0) included. ``truth/effects.csv``: the effect against the
    control and the mean change that the subjects were drawn from, and the mean of those drawn, drop-outs included.
    """
    manifest = [name for name in MANIFEST_COLUMNS if name != "side" or settings.layout == "split-scalp"]
    tables = {
        "manifest.csv": (manifest, ([row[name] for name in manifest] for row in _manifest_rows(settings, sites))),
        "truth/hairs.csv": (_HAIRS, _hair_rows(sites)),
        "truth/photos.csv": (_PHOTOS, _photo_rows(settings, sites)),
        "truth/subjects.csv": (_SUBJECTS, _subject_rows(settings, sites)),
        "truth/effects.csv": (_EFFECTS, _effect_rows(settings, sites)),
    }
    with writing_to(folder):
        write_files({folder / name: csv_bytes(header, *rows) for name, (header, rows) in tables.items()})
    return folder / "manifest.csv"


def _manifest_rows(settings: TrialSettings, sites: Iterable[RenderedSite]) -> Iterator[dict[str, str]]:
    for plan in (site.plan for site in sites):
        for photo in plan.photos:
            yield {
                "image": photo.image,
                "subject": plan.subject,
                "arm": plan.arm.name,
                "visit": str(settings.weeks[photo.visit]),
                "side": plan.side,
                "site": plan.site,
                "date": photo.day.isoformat(),
                "um_per_px": f"{settings.um_per_px:g}",
                "device": _DEVICE,
                "days_since_clipping": str(photo.days_since_clipping),
                "operator": photo.operator,
            }


def _hair_rows(sites: Iterable[RenderedSite]) -> Iterator[list[str]]:
    for site in sites:
        owner = "-".join(filter(None, (site.plan.subject, site.plan.side)))
        for photo, hairs in zip(site.plan.photos, site.hairs, strict=True):
            for hair in hairs:
                yield [
                    photo.image,
                    f"{owner}-{hair.uid:04d}",
                    str(int(hair.present)),
                    str(int(hair.counted)),
                    *(f"{value:.3f}" for value in hair.root_xy),
                    f"{hair.width_um:.3f}" if hair.present else "",
                    f"{hair.length_um:.1f}" if hair.present else "",
                    str(hair.unit_id),
                ]


def _photo_rows(settings: TrialSettings, sites: Iterable[RenderedSite]) -> Iterator[list[str]]:
    area_cm2 = settings.width_px * settings.height_px * settings.um_per_px**2 / UM2_PER_CM2
    for site in sites:
        for photo, hairs in zip(site.plan.photos, site.hairs, strict=True):
            widths_um = [hair.width_um for hair in hairs if hair.counted]
            mean = f"{np.mean(widths_um):.3f}" if widths_um else ""
            count = len(widths_um)
            yield [photo.image, photo.poor, str(photo.repeat), str(count), f"{count / area_cm2:.3f}", mean]


def _subject_rows(settings: TrialSettings, sites: Iterable[RenderedSite]) -> Iterator[list[str]]:
    for site in sites:
        attended = {photo.visit for photo in site.plan.photos}
        for visit, (week, truth) in enumerate(zip(settings.weeks, site.visits, strict=True)):
            yield [
                site.plan.subject,
                site.plan.arm.name,
                site.plan.side,
                *(str(week), str(week), str(int(visit in attended))),
                f"{truth.density_per_cm2:.3f}",
                f"{truth.mean_width_um:.3f}",
                str(truth.hairs),
                f"{truth.area_cm2:.5f}",
            ]


def _effect_rows(settings: TrialSettings, sites: Sequence[RenderedSite]) -> Iterator[list[str]]:
    control = settings.arms[0]
    for arm in settings.arms:
        drawn = [site.visits for site in sites if site.plan.arm == arm]
        for visit, week in enumerate(settings.weeks[1:], start=1):
            changes = mean_change(arm, settings.weeks, visit)
            against = mean_change(control, settings.weeks, visit)
            for endpoint, change, usual in zip(_ENDPOINTS, changes, against, strict=True):
                seen = np.mean([getattr(v[visit], endpoint) - getattr(v[0], endpoint) for v in drawn])
                yield [
                    *(arm.name, control.name, str(week), str(week), endpoint),
                    *("" if arm == control else f"{change - usual:.3f}", f"{change:.3f}", f"{seen:.3f}"),
                ]
