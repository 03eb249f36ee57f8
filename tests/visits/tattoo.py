"""A trial's tattoo on a phantom site: dots of ink in its skin, at the same place of the scalp at every visit."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from hairscan.phantom import sample_scene
from hairscan.phantom.visits import Pose, keep_skin

BLACK, BLUE, GREEN = (0.26, 0.27, 0.31), (0.26, 0.34, 0.58), (0.24, 0.48, 0.43)
MOLE, CRUST = (0.45, 0.27, 0.18), (0.38, 0.13, 0.11)
"""Share of the light that comes back from full skin, RGB."""
AS_IT_IS = Pose()


@dataclass(frozen=True)
class Dot:
    """A dot: its middle on the scalp, um from the site's corner, its diameter, its colour, and how full the skin is."""

    xy_um: tuple[float, float]
    diameter_um: float
    colour: tuple[float, float, float] = BLACK
    strength: float = 0.85


def bare_site(rng, *, size_um, um_per_px, hairs, **look):
    """A clipped site with so many hairs, without dirt, whose skin is the same in all its photographs."""
    width, height = (round(side / um_per_px) for side in size_um)
    density = hairs / (size_um[0] * size_um[1]) * 1e8
    site = sample_scene("clipped", rng, width_px=width, height_px=height, um_per_px=um_per_px, density_per_cm2=density)
    clean = {"graphics": (), "bubbles": 0, "ink": 0, "glare": 0, "flakes": 0, "lens_radius": 0.0, "vignette": 0.0}
    growing = tuple(hair for hair in site.hairs if not hair.loose)
    return keep_skin(replace(site, hairs=growing, look=replace(site.look, **{**clean, **look})), rng)


def tattooed(site, dots, rng):
    """The site with dots in its skin: round but ragged, their rims soft, their ink in clouds."""
    skin = site.skin.copy()
    height, width = skin.shape[:2]
    rows, columns = (site.um_per_px * (at + 0.5) for at in np.mgrid[:height, :width])
    for dot in dots:
        off_x, off_y = columns - dot.xy_um[0], rows - dot.xy_um[1]
        # Two waves or more along the rim leave the middle of the dot where it is.
        waves = [
            0.03 * rng.normal() * np.cos(wave * np.arctan2(off_y, off_x) + rng.uniform(0, 2 * np.pi))
            for wave in (2, 3, 4)
        ]
        rim_um = 0.5 * dot.diameter_um * (1.0 + np.sum(waves, axis=0))
        inside = 1.0 / (1.0 + np.exp(np.clip((np.hypot(off_x, off_y) / rim_um - 1.0) / 0.04, -30, 30)))
        clouds = cv2.GaussianBlur(rng.normal(0, 1, (height, width)), (0, 0), dot.diameter_um / 14 / site.um_per_px)
        full = np.clip(dot.strength * inside * (1.0 + 0.1 * clouds / clouds.std()), 0, 1)
        skin *= 1.0 - full[..., None] * (1.0 - np.array(dot.colour))
    return replace(site, skin=skin.astype(np.float32))
