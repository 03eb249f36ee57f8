"""One site at several visits: hairs lost and gained, thickened and clipped anew, the camera held a little otherwise.

A *site* is a scene larger than its photographs, so that a camera that moves never looks past its edge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from hairscan.lines import rotation, unit
from hairscan.phantom.growth import PhantomHair, touches_picture
from hairscan.phantom.look import Look, sample_look
from hairscan.phantom.scene import Scene
from hairscan.phantom.skin import paint_skin
from hairscan.types import FloatArray, MapArray

LAY_SD_DEG = 4.0
_LENGTH_SPREAD = 0.12
_THINNEST_UM = 4.0
_JOIN_SHARE = 0.5
_PLACES_TRIED = 16


@dataclass(frozen=True, slots=True)
class Pose:
    """How the camera is held over a site.

    Attributes
    ----------
    shift_um : (float, float)
        From the site's middle to the picture's middle, along the site's axes.
    turn_deg : float
        By how much the picture is turned against the site; positive turns the hairs clockwise.
    zoom : float
        Above 1, a pixel of the photograph is that much smaller on the scalp than one of the site.
    """

    shift_um: tuple[float, float] = (0.0, 0.0)
    turn_deg: float = 0.0
    zoom: float = 1.0


def sample_pose(rng: np.random.Generator, *, shift_um: float = 150.0, turn_deg: float = 4.0, zoom: float = 0.0) -> Pose:
    """Pose drawn evenly from within `shift_um` along each axis, `turn_deg` and ``1 ± zoom``."""
    shift_x, shift_y = rng.uniform(-shift_um, shift_um, 2)
    turn = rng.uniform(-turn_deg, turn_deg)
    return Pose((float(shift_x), float(shift_y)), float(turn), 1.0 + float(rng.uniform(-zoom, zoom)))


def keep_skin(site: Scene, rng: np.random.Generator) -> Scene:
    """The site with skin that is the same in all its photographs, but for its shine."""
    matt = replace(site.look, speckle=0.0)
    return replace(site, skin=paint_skin((site.height_px, site.width_px), site.um_per_px, matt, rng))


def frame_scene(site: Scene, pose: Pose, *, width_px: int, height_px: int) -> Scene:
    """Part of a site that one photograph shows, every hair with the identity it has in the site.

    The photograph's true scale is ``site.um_per_px / pose.zoom``.
    """
    um_per_px = site.um_per_px / pose.zoom
    framed = replace(site, width_px=width_px, height_px=height_px, um_per_px=um_per_px)
    if site.skin is not None:
        framed = replace(framed, skin=_framed_skin(site.skin, site, pose, framed))
    size = np.array(framed.size_um)
    moved = (replace(hair, path_um=to_frame_um(hair.path_um, site, pose, framed)) for hair in site.hairs)
    return replace(framed, hairs=tuple(hair for hair in moved if touches_picture(hair, size)))


def to_frame_um(points_um: FloatArray, site: Scene, pose: Pose, framed: Scene) -> FloatArray:
    """Points of a site in the micrometres of a photograph of it, shape (P, 2) both."""
    middle = np.array(site.size_um) / 2 + pose.shift_um
    turned: FloatArray = (points_um - middle) @ rotation(np.radians(pose.turn_deg)).T + np.array(framed.size_um) / 2
    return turned


def next_visit(
    scene: Scene,
    rng: np.random.Generator,
    *,
    lost: int = 0,
    gained: int = 0,
    thickening_um: float = 0.0,
    thickening_sd_um: float = 0.0,
    length_um: float | None = None,
) -> Scene:
    """Draw the same scene at a later visit, with exactly the changes asked for.

    Parameters
    ----------
    scene : Scene
        A site, or any scene; it is not changed.
    lost, gained : int
        Hairs with their root in the scene that fall out, and new ones. A new hair stands in a unit that was there
        before, or by itself in a gap; it is as thick and as coloured as a hair drawn from those that stayed.
    thickening_um, thickening_sd_um : float
        Mean and standard deviation over hairs of the change in width. No shaft gets thinner than 4 um.
    length_um : float, optional
        Median length to which the hairs have grown after they were clipped anew; without it they keep their lengths.
        Roots stay; shafts lie down anew by some degrees.

    Returns
    -------
    Scene
        A hair that stayed has its old identity, a new one an identity that no hair of this scene had before.

    Raises
    ------
    ValueError
        More hairs lost than grow in the scene, or new ones where no hair stays to be like.

    Notes
    -----
    Without `keep_skin` the skin is painted anew with every photograph: only roots and units stay in place.
    """
    growing = growing_hairs(scene)
    if lost > len(growing) or (gained and lost == len(growing)):
        raise ValueError(f"{lost} of {len(growing)} hairs cannot be lost and {gained} new ones be like the others.")
    fallen = {growing[i].uid for i in rng.choice(len(growing), lost, replace=False)}
    grown = [hair for hair in scene.hairs if not hair.loose and hair.uid not in fallen]
    changes_um = rng.normal(thickening_um, thickening_sd_um, len(grown))
    stayed = [_thicken(hair, float(change)) for hair, change in zip(grown, changes_um, strict=True)]
    hairs = stayed + _new_hairs(stayed, scene, gained, rng)
    if length_um is not None:
        factor = length_um / float(np.median([hair.length_um for hair in hairs]))
        hairs = [_clip_anew(hair, factor, rng) for hair in hairs]
    hairs += scatter_again([hair for hair in scene.hairs if hair.loose], np.array(scene.size_um), rng)
    order = rng.permutation(len(hairs))
    return replace(scene, hairs=tuple(hairs[i] for i in order), uids=scene.uids + gained)


def next_look(scene: Scene, rng: np.random.Generator) -> Look:
    """Look of the same skin under the same device on another day: other light, noise, dirt and compression."""
    other, look = sample_look(scene.kind, scene.um_per_px, rng), scene.look
    return replace(
        look,
        glare=other.glare,
        bubbles=other.bubbles,
        flakes=other.flakes,
        noise_sd=other.noise_sd,
        vignette=other.vignette,
        light_xy=other.light_xy,
        gain_rgb=other.gain_rgb,
        jpeg_quality=other.jpeg_quality,
        psf_sigma_px=look.psf_sigma_px * float(rng.uniform(0.9, 1.15)),
    )


def growing_hairs(scene: Scene) -> list[PhantomHair]:
    """Hairs of this scalp whose root lies in the scene."""
    return [hair for hair in scene.hairs if _grows_inside(hair, scene)]


def scatter_again(fragments: list[PhantomHair], size: FloatArray, rng: np.random.Generator) -> list[PhantomHair]:
    """As many fragments as before, give or take chance, thrown on the skin anew."""
    if not fragments:
        return []
    scattered = []
    for index in rng.integers(len(fragments), size=rng.poisson(len(fragments))):
        path = fragments[index].path_um
        place = rng.uniform(0, 1, 2) * size
        turned = (path - path.mean(axis=0)) @ rotation(rng.uniform(0, 2 * np.pi)).T
        scattered.append(replace(fragments[index], path_um=place + turned))
    return scattered


def _framed_skin(skin: MapArray, site: Scene, pose: Pose, framed: Scene) -> MapArray:
    """The part of the site's skin that a photograph shows, shape (H, W, 3)."""
    corners_px = np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]) * site.height_px
    seen_px = to_frame_um((corners_px + 0.5) * site.um_per_px, site, pose, framed) / framed.um_per_px - 0.5
    matrix = cv2.getAffineTransform(corners_px.astype(np.float32), seen_px.astype(np.float32))
    size = framed.width_px, framed.height_px
    shown: MapArray = cv2.warpAffine(skin, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return shown


def _new_hairs(stayed: list[PhantomHair], scene: Scene, count: int, rng: np.random.Generator) -> list[PhantomHair]:
    size = np.array(scene.size_um)
    models = [hair for hair in stayed if _grows_inside(hair, scene)]
    roots = [hair.path_um[0] for hair in models]
    next_unit = max((hair.unit_id for hair in stayed), default=-1) + 1
    new: list[PhantomHair] = []
    while len(new) < count:
        model = models[int(rng.integers(len(models)))]
        joins = rng.random() < _JOIN_SHARE
        root = _beside(model, rng) if joins else _gap(roots, size, rng)
        if not ((root >= 0) & (root < size)).all():
            continue
        turn = rotation(np.radians(rng.normal(0, 2 * LAY_SD_DEG)))
        path = root + (model.path_um - model.path_um[0]) @ turn.T
        unit_id = model.unit_id if joins else next_unit + len(new)
        new.append(replace(model, path_um=path, unit_id=unit_id, uid=scene.uids + len(new)))
        roots.append(root)
    return new


def _beside(hair: PhantomHair, rng: np.random.Generator) -> FloatArray:
    """A root in the same follicular unit, beside the hair."""
    forward = unit(hair.path_um[1] - hair.path_um[0])
    gap_um = float(np.clip(rng.lognormal(np.log(80), 0.3), 50, 160)) * rng.choice([-1, 1])
    root: FloatArray = hair.path_um[0] + gap_um * np.array([-forward[1], forward[0]]) + rng.normal(0, 30) * forward
    return root


def _gap(roots: list[FloatArray], size: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The place farthest from every root, of several drawn at random."""
    places = rng.uniform(0, 1, (_PLACES_TRIED, 2)) * size
    distances = np.linalg.norm(places[:, None] - np.array(roots)[None], axis=2).min(axis=1)
    widest: FloatArray = places[int(np.argmax(distances))]
    return widest


def _thicken(hair: PhantomHair, change_um: float) -> PhantomHair:
    return replace(hair, width_um=np.maximum(hair.width_um + change_um, _THINNEST_UM))


def _clip_anew(hair: PhantomHair, factor: float, rng: np.random.Generator) -> PhantomHair:
    scale = factor * float(rng.lognormal(0, _LENGTH_SPREAD))
    turn = rotation(np.radians(rng.normal(0, LAY_SD_DEG)))
    root = hair.path_um[0]
    return replace(hair, path_um=root + scale * (hair.path_um - root) @ turn.T, tip_slant=float(rng.normal(0, 0.45)))


def _grows_inside(hair: PhantomHair, scene: Scene) -> bool:
    root = hair.path_um[0]
    return not hair.loose and bool(((root >= 0) & (root < np.array(scene.size_um))).all())
