import numpy as np
import pytest

from hairscan.visits.plane import fit_similarity, inverse, refine, similarity, transform, zoom_and_turn

TILTED = np.array([[1.02, -0.11, 40.0], [0.1, 1.03, -25.0], [6e-6, -4e-6, 1.0]])


def test_a_similarity_is_found_again_with_its_zoom_and_turn():
    points = np.random.default_rng(0).uniform(0, 3000, (6, 2))
    true = similarity(1.04, np.deg2rad(8.0), np.array([10.0, 20.0]), np.array([70.0, -30.0]))
    found = fit_similarity(points, transform(true, points))
    np.testing.assert_allclose(found, true, atol=1e-9)
    assert zoom_and_turn(found, points[0]) == pytest.approx((1.04, 8.0))


def test_the_way_back_undoes_a_homography():
    points = np.random.default_rng(1).uniform(0, 3000, (9, 2))
    np.testing.assert_allclose(transform(inverse(TILTED), transform(TILTED, points)), points, atol=1e-6)


def test_many_points_give_the_tilt_though_a_fifth_of_them_are_wrong():
    rng = np.random.default_rng(2)
    points = rng.uniform(0, 3500, (100, 2))
    partners = transform(TILTED, points) + rng.normal(0, 5, (100, 2))
    partners[:20] += rng.uniform(-100, 100, (20, 2))
    start = fit_similarity(points[20:], partners[20:])
    before = np.median(np.hypot(*(transform(start, points) - transform(TILTED, points)).T))
    found = refine(start, points, partners, np.full(100, 10.0))
    after = np.median(np.hypot(*(transform(found, points) - transform(TILTED, points)).T))
    assert after < 4.0 < before


def test_few_points_do_not_tilt_the_picture():
    points = np.array([[500.0, 500.0], [2500.0, 700.0], [1500.0, 2200.0]])
    partners = points + np.array([[30.0, 0.0], [-25.0, 10.0], [0.0, -28.0]])
    found = refine(np.eye(3), points, partners, np.full(3, 20.0))
    corners = np.array([[0.0, 0.0], [3500.0, 0.0], [0.0, 2800.0], [3500.0, 2800.0]])
    assert np.hypot(*(transform(found, corners) - corners).T).max() < 80.0
    zooms = [zoom_and_turn(found, corner)[0] for corner in corners]
    assert max(zooms) / min(zooms) < 1.02
