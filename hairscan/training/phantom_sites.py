"""Phantom sites at two visits: hairs gone, come, thickened and clipped anew under the same skin."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hairscan.phantom.render import Phantom, render_scene
from hairscan.phantom.scene import Scene, sample_scene
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
from hairscan.types import FloatArray
from hairscan.visits.plane import fit_similarity

UM_PER_PX = 2.78
SIZE_PX = (1280, 1024)
"""Width and height."""
THICKENING_UM = 3.0
THICKENING_SD_UM = 1.5
_MARGIN_UM = 600.0
_LENGTH_UM = (450.0, 1050.0)
"""Median length of the hairs at a visit: one and a half to three and a half days after they were clipped."""
_CHANGED = (0.05, 0.15)
"""Share of the site's hairs that go, and that come."""
_ZOOM = 0.03


@dataclass(frozen=True, slots=True)
class PhantomPair:
    """A phantom site at two visits.

    Attributes
    ----------
    phantoms : (Phantom, Phantom)
        Its photographs, with their own true scales.
    matrix : float array, shape (3, 3)
        Homography from px of the first to px of the second.
    """

    phantoms: tuple[Phantom, Phantom]
    matrix: FloatArray


def draw_phantom_pair(rng: np.random.Generator) -> PhantomPair:
    """A clipped phantom site at two visits: hairs gone, come and thickened, clipped anew, held otherwise."""
    width, height = (side + 2 * round(_MARGIN_UM / UM_PER_PX) for side in SIZE_PX)
    site = sample_scene("clipped", rng, width_px=width, height_px=height, um_per_px=UM_PER_PX)
    site = keep_skin(replace(site, look=replace(site.look, graphics=(), ink=0, lens_radius=0.0)), rng)
    lengths_um = rng.uniform(*_LENGTH_UM, 2)
    lost, gained = (round(share * len(growing_hairs(site))) for share in rng.uniform(*_CHANGED, 2))
    first = next_visit(site, rng, length_um=float(lengths_um[0]))
    second = next_visit(
        first,
        rng,
        lost=lost,
        gained=gained,
        thickening_um=THICKENING_UM,
        thickening_sd_um=THICKENING_SD_UM,
        length_um=float(lengths_um[1]),
    )
    poses = sample_pose(rng, zoom=_ZOOM), sample_pose(rng, zoom=_ZOOM)
    framed = [
        frame_scene(replace(scene, look=next_look(site, rng)), pose, width_px=SIZE_PX[0], height_px=SIZE_PX[1])
        for scene, pose in zip((first, second), poses, strict=True)
    ]
    grid_um = np.array([(x, y) for x in (0.0, width / 2, width) for y in (0.0, height / 2, height)]) * UM_PER_PX
    before, after = (_shown_px(grid_um, site, pose, scene) for pose, scene in zip(poses, framed, strict=True))
    return PhantomPair((render_scene(framed[0], rng), render_scene(framed[1], rng)), fit_similarity(before, after))


def _shown_px(points_um: FloatArray, site: Scene, pose: Pose, framed: Scene) -> FloatArray:
    """Points of the site in px of a photograph of it."""
    return to_frame_um(points_um, site, pose, framed) / framed.um_per_px - 0.5
