import numpy as np
import pytest

from hairscan.visits.follicles import find_shift, length_frame
from hairscan.visits.plane import inverse, similarity, transform, zoom_and_turn
from hairscan.visits.registration import Registration

RNG = np.random.default_rng(4)
ROOTS = RNG.uniform(0, 3000, (25, 2))


def registration(matrix, skin_features=0):
    return Registration(matrix, 1.0, 0.001, 0.0, 5.0, 20, 20, skin_features, 0, 0, -9.0)


def test_the_shift_of_all_is_found_far_better_than_a_root_is_seen():
    misses = np.array([12.0, -7.0]) + RNG.normal(0, 5.0, ROOTS.shape)
    shift = find_shift(ROOTS, misses)
    assert np.sqrt(np.mean((shift.by_um - (12.0, -7.0)) ** 2)) < 3.5
    assert (shift.se_um < 5.0).all()


def test_standard_errors_are_those_of_the_errors():
    z = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        gap2 = ((ROOTS[:, None] - ROOTS[None]) ** 2).sum(axis=-1)
        field = rng.multivariate_normal(np.zeros(25), 8.0**2 * np.exp(-0.5 * gap2 / 1000.0**2), 2, method="svd").T
        shift = find_shift(ROOTS, field + rng.normal(0, 8.0, ROOTS.shape))
        z.append((shift.by_um - field) / shift.se_um[:, None])
    assert np.std(z) == pytest.approx(1.0, abs=0.15)


def test_a_wrong_partner_and_an_unseen_root_follow_their_neighbours():
    misses = np.full(ROOTS.shape, 5.0)
    misses[3], misses[8] = (250.0, -90.0), np.nan
    shift = find_shift(ROOTS, misses)
    np.testing.assert_allclose(shift.by_um[[3, 8]], 5.0, atol=3.0)
    assert np.isfinite(shift.se_um).all()


def test_no_root_at_all_is_said_by_a_large_error():
    shift = find_shift(ROOTS[:2], np.full((2, 2), np.nan))
    assert (shift.by_um == 0).all()
    assert (shift.se_um > 20).all()


def test_roots_alone_give_turn_and_zoom_but_no_tilt():
    true = similarity(1.04, 0.1, np.zeros(2), np.array([30.0, -10.0]))
    tilted = true.copy()
    tilted[2, :2] = 1.5e-5, -1e-5
    roots = ROOTS / 2.5
    later = transform(true, roots) + RNG.normal(0, 2.0, roots.shape)
    frame = length_frame(registration(tilted), roots, later, 60.0)
    for place in ((100.0, 100.0), (1100.0, 900.0)):
        assert zoom_and_turn(frame.to_baseline, np.array(place))[0] == pytest.approx(1 / 1.04, rel=0.004)
    assert 0.0002 < frame.scale_se < 0.004


def test_where_the_skin_speaks_its_tilt_is_kept():
    tilted = np.eye(3)
    tilted[2, 0] = 1e-5
    frame = length_frame(registration(tilted, skin_features=200), ROOTS, ROOTS, 60.0)
    np.testing.assert_array_equal(frame.to_baseline, inverse(tilted))


def test_too_few_roots_leave_the_scale_uncertain():
    frame = length_frame(registration(np.eye(3)), ROOTS[:2], ROOTS[:2], 60.0)
    assert frame.scale_se > 0.02
