"""Two visits of one phantom site: the same skin and hairs, photographed again."""

from concurrent.futures import Future
from dataclasses import replace

import cv2
import numpy as np
import pytest

from hairscan.phantom import render_scene, sample_scene
from hairscan.photo import read_photo
from hairscan.visits.visit import read_visit

UM_PER_PX = 5.0
SIZE_PX = (800, 640)
"""Width and height."""


class SameProcess:
    """A crew of one that works at once."""

    deaths = ()
    refusals = ()
    threads = 1
    size = 1

    def submit(self, measure, job):
        future = Future()
        future.set_result(measure(job))
        return future


class Site:
    """A phantom's skin, larger than a photograph, with hairs on it that can be left out."""

    margin = 140

    def __init__(self, seed):
        self.seed = seed
        width, height = (side + 2 * self.margin for side in SIZE_PX)
        rng = np.random.default_rng((99, seed))
        scene = sample_scene("clipped", rng, width_px=width, height_px=height, um_per_px=UM_PER_PX, density_per_cm2=150)
        # Nothing on the skin that is gone at the next visit, and nothing of the camera that would move with the skin.
        look = replace(scene.look, graphics=(), bubbles=0, ink=0, glare=0, flakes=0, lens_radius=0.0, vignette=0.0)
        self.scene = replace(scene, hairs=tuple(hair for hair in scene.hairs if not hair.loose), look=look)
        self.ends = np.array([hair.path_um[[0, -1]] / UM_PER_PX - 0.5 for hair in self.scene.hairs])

    def photograph(self, absent=(), matrix=None, blur_px=0.0):
        """RGB of the window under a homography of the window's own px, without some of the hairs."""
        hairs = tuple(hair for index, hair in enumerate(self.scene.hairs) if index not in set(absent))
        scalp = render_scene(replace(self.scene, hairs=hairs), np.random.default_rng((98, self.seed))).rgb
        to_window = np.array([[1, 0, -self.margin], [0, 1, -self.margin], [0, 0, 1.0]])
        whole = (np.eye(3) if matrix is None else matrix) @ to_window
        seen = cv2.warpPerspective(scalp, whole, SIZE_PX, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        return cv2.GaussianBlur(seen, (0, 0), blur_px) if blur_px else seen

    def inner(self):
        """Indices of the hairs that lie far inside the window and stand alone."""
        local = self.ends - self.margin
        inside = ((local > 110) & (local < np.array(SIZE_PX) - 110)).all(axis=(1, 2))
        gap = np.hypot(*(self.ends[:, 0][:, None] - self.ends[:, 0][None]).transpose(2, 0, 1))
        alone = np.sort(gap, axis=1)[:, 1] > 30
        return np.flatnonzero(inside & alone)


def moved(turn_deg=6.0, zoom=1.03, shift=(30.0, -22.0), tilt=(2e-5, -1.5e-5)):
    """Homography about the middle of the window."""
    x, y = (side / 2 for side in SIZE_PX)
    c, s = zoom * np.cos(np.deg2rad(turn_deg)), zoom * np.sin(np.deg2rad(turn_deg))
    about = np.array([[c, -s, 0], [s, c, 0], [*tilt, 1.0]])
    to_middle, back = np.eye(3), np.eye(3)
    to_middle[:2, 2], back[:2, 2] = (-x, -y), (x + shift[0], y + shift[1])
    matrix = back @ about @ to_middle
    return matrix / matrix[2, 2]


@pytest.fixture(scope="session")
def site():
    return Site(2)


@pytest.fixture(scope="session")
def look(segmenter):
    """Score a picture as a visit."""

    def score(rgb, um_per_px=UM_PER_PX):
        return read_visit(read_photo(rgb, um_per_px=um_per_px), segmenter)

    return score


@pytest.fixture(scope="session")
def pair(site, look):
    """Baseline, follow-up, their homography, and the hairs lost and gained."""
    lost, gained = site.inner()[:2], site.inner()[2:3]
    baseline = look(site.photograph(absent=gained))
    followup = look(site.photograph(absent=lost, matrix=moved()))
    return baseline, followup, moved(), site.ends[lost] - site.margin, site.ends[gained] - site.margin
