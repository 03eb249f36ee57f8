import numpy as np
import pytest

from hairscan.endpoints.area import CountingArea
from hairscan.endpoints.count import count_hairs
from hairscan.endpoints.units import LINK_UM, LINK_WIDTHS, group_units, units_inside

WHOLE = CountingArea("whole", 499.5, 399.5, 1000.0, 800.0)
FIELD = np.zeros((800, 1000), np.uint8)


def grouped(hairs, um_per_px=10.0):
    return group_units(count_hairs(hairs, WHOLE, FIELD), um_per_px)


def test_near_roots_of_the_same_direction_are_one_unit(make_hair):
    hairs = [make_hair(i, (100 + 15 * i, 100), (160 + 15 * i, 100)) for i in range(3)]
    hairs.append(make_hair(3, (500, 100), (560, 100)))
    with_units, units = grouped(hairs)
    assert [hair.unit_id for hair in with_units] == [0, 0, 0, 1]
    assert [(unit.x_px, unit.n_hairs) for unit in units] == [(115.0, 3), (500.0, 1)]


def test_near_roots_of_opposite_directions_are_two_units(make_hair):
    _, units = grouped([make_hair(0, (100, 100), (160, 100)), make_hair(1, (98, 100), (40, 100))])
    assert [unit.n_hairs for unit in units] == [1, 1]


def test_without_a_scale_the_median_width_tells_how_near_is_near(make_hair):
    near, far = LINK_WIDTHS * 8 * 0.9, LINK_WIDTHS * 8 * 1.1
    for gap_px, n_units in ((near, 1), (far, 2)):
        hairs = [make_hair(0, (100, 100), (160, 100)), make_hair(1, (100, 100 + gap_px), (160, 100 + gap_px))]
        assert len(grouped(hairs, None)[1]) == n_units


def test_without_scale_and_width_nothing_is_grouped(make_hair):
    hairs, units = grouped([make_hair(0, (100, 100), (160, 100), np.nan)], None)
    assert units == []
    assert hairs[0].unit_id == -1


def test_a_hair_whose_root_is_not_known_belongs_to_no_unit(make_hair):
    hairs, units = grouped([make_hair(0, (2, 100), (160, 100), root_seen=False), make_hair(1, (10, 100), (160, 100))])
    assert [hair.unit_id for hair in hairs] == [-1, 0]
    assert [unit.n_hairs for unit in units] == [1]


@pytest.mark.parametrize("um_per_px", [5.0, 10.0, 20.0])
def test_the_link_distance_is_physical(make_hair, um_per_px):
    inside, outside = 0.98 * LINK_UM / um_per_px, 1.02 * LINK_UM / um_per_px
    for gap_px, n_units in ((inside, 1), (outside, 2)):
        hairs = [make_hair(0, (100, 100), (160, 100)), make_hair(1, (100, 100 + gap_px), (160, 100 + gap_px))]
        assert len(grouped(hairs, um_per_px)[1]) == n_units


def test_a_unit_cut_by_the_border_of_the_area_is_counted_on_one_side_only(make_hair):
    left, right = (CountingArea("rect", x, 400.0, 500.0, 800.0) for x in (250.0, 750.0))
    hairs = [make_hair(0, (495, 100), (560, 100)), make_hair(1, (501, 105), (560, 105))]
    seen = []
    for area in (left, right):
        with_units, units = group_units(count_hairs(hairs, area, FIELD), 10.0)
        seen += units_inside(units, with_units, area)
    assert len(seen) == 1


def test_permuted_hairs_make_the_same_units(make_hair):
    rng = np.random.default_rng(1)
    roots_xy = rng.uniform(100, 700, (80, 2))
    hairs = [make_hair(i, root, root + np.array([60, 5])) for i, root in enumerate(roots_xy)]
    order = rng.permutation(80)
    sizes = sorted(unit.n_hairs for unit in grouped(hairs)[1])
    assert sizes == sorted(unit.n_hairs for unit in grouped([hairs[i] for i in order])[1])
