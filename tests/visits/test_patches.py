import cv2
import numpy as np
import pytest

from hairscan.visits.patches import match_patches
from hairscan.visits.plane import similarity, transform, zoom_and_turn
from hairscan.visits.registration import MOST_FALSE_ALARMS
from hairscan.visits.texture import Texture
from hairscan.visits.whole_skin import match_whole_skin

UM_PER_PX = 6.0
SIZE_PX = (560, 450)
"""Width and height."""
MIDDLE_UM = np.array(SIZE_PX) * UM_PER_PX / 2
TRUE = similarity(1.02, np.deg2rad(5.0), MIDDLE_UM, MIDDLE_UM + np.array([160.0, -110.0]))


def skin(seed, matrix=None, noise=0.0):
    """Texture of one piece of skin under a transformation, um to um, with so much that is not of the skin."""
    rng = np.random.default_rng(seed)
    grain = cv2.GaussianBlur(rng.normal(size=(1000, 1000)).astype(np.float32), (0, 0), 2.5)
    to_um = np.diag([UM_PER_PX, UM_PER_PX, 1.0])
    corner = np.array([[1.0, 0.0, -200.0], [0.0, 1.0, -200.0], [0.0, 0.0, 1.0]])
    moved = np.linalg.inv(to_um) @ (np.eye(3) if matrix is None else matrix) @ to_um @ corner
    seen = cv2.warpPerspective(grain / grain.std(), moved, SIZE_PX)
    other = cv2.GaussianBlur(np.random.default_rng(seed + 1).normal(size=seen.shape).astype(np.float32), (0, 0), 2.5)
    picture = 128 + 25 * (seen + noise * other / other.std())
    empty = np.zeros((0, 2)), np.zeros((0, 128), np.float32)
    return Texture(np.clip(picture, 0, 255).astype(np.uint8), np.ones(seen.shape, bool), to_um, *empty)


@pytest.mark.parametrize("noise", [0.0, 2.0])
def test_patches_mend_a_transformation_that_roots_told_roughly(noise):
    rough = TRUE @ similarity(0.992, np.deg2rad(0.5), MIDDLE_UM, MIDDLE_UM + np.array([20.0, -15.0]))
    found = match_patches(skin(3), skin(3, TRUE, noise), rough)
    off = transform(found.matrix, found.from_um) - transform(TRUE, found.from_um)
    assert np.hypot(*off.T).max() < 8.0
    assert zoom_and_turn(found.matrix, MIDDLE_UM)[0] == pytest.approx(1.02, abs=0.002)
    assert found.log10_false_alarms < MOST_FALSE_ALARMS


def test_patches_of_another_skin_agree_by_chance_only():
    alarms = [match_patches(skin(30 + 2 * k), skin(90 + 2 * k), TRUE).log10_false_alarms for k in range(6)]
    assert min(alarms) > MOST_FALSE_ALARMS / 2


def test_skin_without_a_hair_tells_where_it_lies():
    corners = MIDDLE_UM + np.array([[-1000.0, -800.0], [1000.0, 800.0], [-1000.0, 800.0]])
    guesses = match_whole_skin(skin(3), skin(3, TRUE, noise=1.0), 4)
    off = [np.hypot(*(transform(one, corners) - transform(TRUE, corners)).T).max() for one in guesses]
    assert len(guesses) == 4
    assert min(off) < 50.0
