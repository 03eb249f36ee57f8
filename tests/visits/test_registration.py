"""How one photograph lies on another, where what speaks for it is uneven."""

from copy import copy

import cv2
import numpy as np

from hairscan.visits.plane import transform
from hairscan.visits.registration import register

from .conftest import SIZE_PX, UM_PER_PX, moved


def test_skin_that_stayed_in_one_place_alone_does_not_turn_the_hairs_away(site, look):
    """Features that lie close together agree on a transformation that misses everything far from them."""
    matrix = moved(tilt=(0.0, 0.0))
    repainted = copy(site)
    repainted.seed += 50
    after, other = site.photograph(matrix=matrix), repainted.photograph(matrix=matrix)
    place = transform(matrix, np.array([[200.0, 180.0]]))[0]
    stayed = cv2.circle(np.zeros(SIZE_PX[::-1], np.float32), tuple(int(value) for value in place), 40, 1.0, -1)
    stayed = cv2.GaussianBlur(stayed, (0, 0), 4.0)[..., None]
    followup = (after * stayed + other * (1.0 - stayed)).astype(np.uint8)

    found = register(look(site.photograph()), look(followup))

    corners = np.array([(x, y) for x in (0, SIZE_PX[0]) for y in (0, SIZE_PX[1])], np.float64)
    off = transform(found.matrix, corners) - transform(matrix, corners)
    assert np.hypot(*off.T).max() * UM_PER_PX < 60.0
    assert found.roots_agreeing > found.roots_shown / 2
