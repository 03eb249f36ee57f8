"""A whole trial of known truth: its photographs, its manifest, and what is true of every hair, subject and arm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from hairscan.files import write_files, writing_to
from hairscan.phantom.look import Look
from hairscan.phantom.render import Phantom, render_scene
from hairscan.phantom.scene import Scene, sample_scene
from hairscan.phantom.trial_plan import PlannedPhoto, PlannedSite, TrialSettings
from hairscan.phantom.visits import (
    Pose,
    frame_scene,
    growing_hairs,
    keep_skin,
    next_look,
    next_visit,
    sample_pose,
    to_frame_um,
)
from hairscan.photo.codec import encode_png
from hairscan.types import FloatArray

_MARGIN_UM = 500.0
_TURNOVER = 0.05
_WIDTH_CHANGE_SD_UM = 1.5
_UM_PER_DAY = 300.0
_READABLE_SHARE = 0.6
_BLUR_UM, _GLARE_PATCHES, _LENS_RADIUS = 45.0, 40, 0.2


@dataclass(frozen=True, slots=True)
class SiteHair:
    """One hair in one photograph: seen there, or known from another visit and absent.

    Attributes
    ----------
    uid : int
        The same at every visit of the site.
    root_xy : float array, shape (2,)
        Px; of an absent hair, where its root is at the other visits.
    width_um, length_um : float
        Of the stretch inside the picture; NaN where absent.
    """

    uid: int
    root_xy: FloatArray
    width_um: float
    length_um: float
    unit_id: int
    present: bool
    counted: bool


@dataclass(frozen=True, slots=True)
class SiteVisit:
    """What is true of a whole site at one visit."""

    density_per_cm2: float
    mean_width_um: float
    hairs: int
    area_cm2: float


@dataclass(frozen=True, slots=True)
class RenderedSite:
    """Truth of one site whose photographs were written.

    Attributes
    ----------
    visits : tuple of SiteVisit
        Missed visits included.
    hairs : tuple of tuple of SiteHair
        For each photograph of the plan.
    """

    plan: PlannedSite
    visits: tuple[SiteVisit, ...]
    hairs: tuple[tuple[SiteHair, ...], ...]


def render_trial(
    settings: TrialSettings, sites: Sequence[PlannedSite], folder: Path, *, workers: int = 1
) -> Iterator[RenderedSite]:
    """Write the photographs of a planned trial into a folder; yields the truth of each site as it is done.

    The files do not depend on the number of worker processes.

    Raises
    ------
    OutputError
        A photograph cannot be written.
    """
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
    task = partial(_render_site, settings=settings, folder=folder)
    if workers == 1:
        yield from map(task, sites)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), cv2.setNumThreads, (1,)) as pool:
        yield from pool.map(task, sites)


def site_visits(settings: TrialSettings, plan: PlannedSite) -> list[Scene]:
    """Draw the site at each of its visits: as dense as planned, up to the rounding to whole hairs, and as thick."""
    rng = np.random.default_rng([settings.seed, 1, plan.number])
    margin_px = int(np.ceil(_MARGIN_UM / settings.um_per_px))
    scene = sample_scene(
        "clipped",
        rng,
        width_px=settings.width_px + 2 * margin_px,
        height_px=settings.height_px + 2 * margin_px,
        um_per_px=settings.um_per_px,
        density_per_cm2=plan.density_per_cm2[0],
        person=np.random.default_rng([settings.seed, 2, plan.person]),
    )
    scenes = [replace(scene, look=_trial_look(scene.look))]
    for visit in range(1, len(settings.weeks)):
        before = scenes[-1]
        growing = len(growing_hairs(before))
        wanted = plan.density_per_cm2[visit] * before.area_cm2
        # Rounded up as often as its fraction says, so that the mean change stays the planned one.
        net = int(wanted) + int(rng.random() < wanted % 1) - growing
        lost = min(round(_TURNOVER * growing) + max(-net, 0), growing - 1)
        scenes.append(
            next_visit(
                before,
                rng,
                lost=lost,
                gained=lost + net,
                thickening_um=plan.width_change_um[visit] - plan.width_change_um[visit - 1],
                thickening_sd_um=_WIDTH_CHANGE_SD_UM,
            )
        )
    return scenes


def _render_site(plan: PlannedSite, *, settings: TrialSettings, folder: Path) -> RenderedSite:
    scenes = site_visits(settings, plan)
    skin = keep_skin(scenes[0], np.random.default_rng([settings.seed, 4, plan.number])).skin
    rng = np.random.default_rng([settings.seed, 3, plan.number])
    hairs = []
    for photo in plan.photos:
        site = next_visit(scenes[photo.visit], rng, length_um=_UM_PER_DAY * photo.days_since_clipping)
        look = _spoilt_look(next_look(scenes[0], rng), photo.poor, settings.um_per_px)
        pose = sample_pose(rng)
        shown = replace(site, look=look, skin=skin)
        framed = frame_scene(shown, pose, width_px=settings.width_px, height_px=settings.height_px)
        phantom = render_scene(framed, rng)
        _write_picture(folder / photo.image, phantom, photo)
        hairs.append(tuple(_present(phantom)) + tuple(_absent(scenes, photo.visit, pose, framed)))
    return RenderedSite(plan, tuple(map(_site_visit, scenes)), tuple(hairs))


def _trial_look(look: Look) -> Look:
    """Look of a protocol's photograph: nothing burnt in, no ink, the whole field in view."""
    return replace(look, graphics=(), ink=0, lens_radius=0.0)


def _spoilt_look(look: Look, poor: str, um_per_px: float) -> Look:
    if poor == "blurred":
        return replace(look, psf_sigma_px=_BLUR_UM / um_per_px)
    if poor == "glare":
        # What is burnt out on a sensor is white, whatever the light; `expose` would shade it.
        return replace(look, glare=_GLARE_PATCHES, vignette=0.0, gain_rgb=(1.0, 1.0, 1.0))
    if poor == "no field":
        return replace(look, lens_radius=_LENS_RADIUS)
    return look


def _present(phantom: Phantom) -> Iterator[SiteHair]:
    for hair in sorted(phantom.hairs, key=lambda hair: hair.uid):
        if hair.root_seen and not hair.loose:
            yield SiteHair(hair.uid, hair.path_xy[0], hair.width_um, hair.length_um, hair.unit_id, True, hair.counted)


def _absent(scenes: Sequence[Scene], visit: int, pose: Pose, framed: Scene) -> Iterator[SiteHair]:
    """Hairs of other visits whose root would lie in this photograph."""
    here = {hair.uid for hair in scenes[visit].hairs}
    others = {hair.uid: hair for scene in scenes for hair in growing_hairs(scene) if hair.uid not in here}
    size = np.array([framed.width_px, framed.height_px])
    for uid, hair in sorted(others.items()):
        root_xy = to_frame_um(hair.path_um[:1], scenes[visit], pose, framed)[0] / framed.um_per_px - 0.5
        if ((root_xy >= -0.5) & (root_xy < size - 0.5)).all():
            yield SiteHair(uid, root_xy, np.nan, np.nan, hair.unit_id, False, False)


def _site_visit(scene: Scene) -> SiteVisit:
    widths_um = [float(np.median(hair.width_um)) for hair in growing_hairs(scene)]
    return SiteVisit(len(widths_um) / scene.area_cm2, float(np.mean(widths_um)), len(widths_um), scene.area_cm2)


def _write_picture(path: Path, phantom: Phantom, photo: PlannedPhoto) -> None:
    data = encode_png(phantom.rgb)
    kept = int(_READABLE_SHARE * len(data)) if photo.poor == "unreadable" else len(data)
    with writing_to(path):
        write_files({path: data[:kept]})
