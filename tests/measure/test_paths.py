import numpy as np
import pytest

from hairscan.measure.neighbours import find_neighbours
from hairscan.measure.paths import place_stations, shift_curves, smooth_curves


def line(start, end, count=20):
    return np.linspace(np.array(start, float), np.array(end, float), count)


def test_smoothing_keeps_the_ends_and_a_straight_line():
    curves = smooth_curves([line((3, 4), (93, 34))], 8.0)
    assert curves.xy[[0, -1]] == pytest.approx(np.array([[3, 4], [93, 34]]))
    assert curves.length_px == pytest.approx(np.hypot(90, 30), rel=1e-6)


def test_smoothing_removes_wiggles():
    path = line((0, 0), (200, 0), 50)
    path[:, 1] += np.where(np.arange(50) % 2, 1.0, -1.0)
    assert np.abs(smooth_curves([path], 8.0).xy[20:-20, 1]).max() < 0.1


@pytest.mark.parametrize("path", [np.zeros((1, 2)), np.zeros((5, 2)), np.full((4, 2), np.nan)])
def test_a_path_without_length_gives_no_curve(path):
    curves = smooth_curves([path], 8.0)
    assert len(curves) == 1
    assert not len(curves.known)
    assert curves.length_px == pytest.approx(0.0)


def test_a_curve_does_not_depend_on_those_beside_it():
    bent = np.column_stack([np.arange(60.0), 20.0 + 5.0 * np.sin(np.arange(60.0) / 9.0)])
    paths = [line((500, 500), (900, 20)), np.zeros((5, 2)), bent, line((0, 3), (7, 3), 3)]
    together = smooth_curves(paths, 6.0)
    assert together.known.tolist() == [0, 2, 3]
    for hair in together.known:
        alone, own = smooth_curves([paths[hair]], 6.0), slice(*together.first[hair : hair + 2])
        for name in ("xy", "normal_xy", "arc_px"):
            assert getattr(together, name)[own] == pytest.approx(getattr(alone, name), abs=1e-8)
    stations = place_stations(together, np.zeros(4), together.length_px, 6, 2.0)
    moved = shift_curves(together, stations, np.where(stations.hair == 2, 1.5, 0.0), np.full(4, 6.0))
    assert moved.xy[: moved.first[1]] == pytest.approx(together.xy[: together.first[1]], abs=1e-6)
    assert np.abs(moved.xy[slice(*moved.first[2:4])].mean(axis=0) - bent.mean(axis=0)).max() == pytest.approx(
        1.5, abs=0.2
    )


def test_a_shift_moves_along_the_normal():
    curves = smooth_curves([line((0, 0), (100, 0))], 4.0)
    stations = place_stations(curves, np.zeros(1), np.full(1, 100.0), 10, 2.0)
    moved = shift_curves(curves, stations, np.full(10, 2.0), np.full(1, 4.0))
    assert moved.xy - curves.xy == pytest.approx(2.0 * curves.normal_xy)


def test_neighbours_know_side_distance_and_angle():
    ends = ((0, 0), (100, 0)), ((0, 12), (100, 12)), ((50, -60), (50, -3))
    curves = smooth_curves([line(*one) for one in ends], 4.0)
    every = place_stations(curves, np.zeros(3), np.full(3, 100.0), 10, 2.0)
    stations = every.take(np.flatnonzero(every.hair == 0))
    found = find_neighbours(stations, curves, np.full(3, 4.0), 40.0)
    side = int(stations.normal_xy[0, 1] > 0)
    assert np.abs(found.offset_px[:, side]) == pytest.approx(12.0, abs=0.01)
    assert (found.hair[:, side] == 1).all()
    assert found.cosine[:, side] == pytest.approx(1.0, abs=1e-6)
    assert (found.clear_px < 3.0).any()
    assert not (found.clear_px < 3.0)[np.abs(stations.arc_px - 50) > 15].any()


def test_every_fourth_station_begins_anew_at_each_hair():
    curves = smooth_curves([line((0, 0), (100, 0)), line((0, 9), (10, 9))], 4.0)
    stations = place_stations(curves, np.zeros(2), curves.length_px, 10, 2.0)
    some = stations.every(4)
    assert some.tolist() == [0, 4, 8, 10, 14]
    assert stations.hair[some].tolist() == [0, 0, 0, 1, 1]
