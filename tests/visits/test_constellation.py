import numpy as np
import pytest

from hairscan.visits.constellation import match_constellations
from hairscan.visits.plane import similarity, transform, turn
from hairscan.visits.registration import MOST_FALSE_ALARMS
from hairscan.visits.visit import Roots

FRAME_UM = np.array([3500.0, 2800.0])


def strewn(rng, count):
    angles = rng.normal(0.8, 0.3, count)
    return Roots(rng.uniform(0, 1, (count, 2)) * FRAME_UM, np.stack([np.cos(angles), np.sin(angles)], 1))


def seen_again(roots, matrix, rng):
    """Three quarters of the roots, moved, each off by some um and degrees, and a few new ones."""
    kept = rng.permutation(len(roots))[: 3 * len(roots) // 4]
    heading = turn(matrix, roots.xy, roots.heading)[kept] + rng.normal(0, 0.1, (len(kept), 2))
    heading /= np.hypot(*heading.T)[:, None]
    new = strewn(rng, len(roots) // 6)
    xy = transform(matrix, roots.xy)[kept] + rng.normal(0, 12, (len(kept), 2))
    return Roots(np.concatenate([xy, new.xy]), np.concatenate([heading, new.heading]))


@pytest.mark.parametrize("turn_deg", [0.0, 9.0, -35.0, 170.0])
def test_the_roots_alone_tell_the_transformation(turn_deg):
    rng = np.random.default_rng(3)
    roots = strewn(rng, 18)
    true = similarity(1.04, np.deg2rad(turn_deg), FRAME_UM / 2, FRAME_UM / 2 + (150.0, -90.0))
    found = match_constellations(roots, seen_again(roots, true, rng), FRAME_UM)[0]
    off = transform(found.matrix, roots.xy) - transform(true, roots.xy)
    assert np.median(np.hypot(*off.T)) < 30.0
    assert found.log10_false_alarms < MOST_FALSE_ALARMS


def test_roots_of_two_sites_agree_by_chance_only():
    alarms = []
    for seed in range(12):
        rng = np.random.default_rng((4, seed))
        found = match_constellations(strewn(rng, 18), strewn(rng, 18), FRAME_UM)[0]
        alarms.append(found.log10_false_alarms)
    assert min(alarms) > MOST_FALSE_ALARMS


def test_mirrored_roots_are_not_the_same_site():
    rng = np.random.default_rng(5)
    roots = strewn(rng, 18)
    mirrored = Roots((FRAME_UM[0], 0) + roots.xy * (-1, 1), roots.heading * (-1, 1))
    assert match_constellations(roots, mirrored, FRAME_UM)[0].log10_false_alarms > MOST_FALSE_ALARMS


def test_too_few_roots_tell_nothing():
    rng = np.random.default_rng(6)
    assert match_constellations(strewn(rng, 1), strewn(rng, 12), FRAME_UM) == []
