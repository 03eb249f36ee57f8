import numpy as np
import pytest

from hairscan.measure.neighbours import find_neighbours
from hairscan.measure.paths import place_stations, shift_curve, smooth_curve


def line(start, end, count=20):
    return np.linspace(np.array(start, float), np.array(end, float), count)


def test_smoothing_keeps_the_ends_and_a_straight_line():
    curve = smooth_curve(line((3, 4), (93, 34)), 8.0)
    assert curve.xy[[0, -1]] == pytest.approx(np.array([[3, 4], [93, 34]]))
    assert curve.length_px == pytest.approx(np.hypot(90, 30), rel=1e-6)


def test_smoothing_removes_wiggles():
    path = line((0, 0), (200, 0), 50)
    path[:, 1] += np.where(np.arange(50) % 2, 1.0, -1.0)
    assert np.abs(smooth_curve(path, 8.0).xy[20:-20, 1]).max() < 0.1


@pytest.mark.parametrize("path", [np.zeros((1, 2)), np.zeros((5, 2)), np.full((4, 2), np.nan)])
def test_a_path_without_length_gives_no_curve(path):
    assert smooth_curve(path, 8.0) is None


def test_a_shift_moves_along_the_normal():
    curve = smooth_curve(line((0, 0), (100, 0)), 4.0)
    moved = shift_curve(curve, np.array([0.0, 100.0]), np.array([2.0, 2.0]), 4.0)
    assert moved.xy - curve.xy == pytest.approx(2.0 * curve.normal_xy)


def test_neighbours_know_side_distance_and_angle():
    curves = [
        smooth_curve(line(*ends), 4.0) for ends in (((0, 0), (100, 0)), ((0, 12), (100, 12)), ((50, -60), (50, -3)))
    ]
    stations = place_stations(curves[:1], np.zeros(1), np.full(1, 100.0), 10, 2.0)
    found = find_neighbours(stations, curves, np.full(3, 4.0), 40.0, 3.0)
    side = int(stations.normal_xy[0, 1] > 0)
    assert np.abs(found.offset_px[:, side]) == pytest.approx(12.0, abs=0.01)
    assert (found.hair[:, side] == 1).all()
    assert found.cosine[:, side] == pytest.approx(1.0, abs=1e-6)
    assert found.crossed.any()
    assert not found.crossed[np.abs(stations.arc_px - 50) > 15].any()
