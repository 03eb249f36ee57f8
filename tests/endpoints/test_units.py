import numpy as np
import pytest

from hairscan.endpoints.area import CountingArea
from hairscan.endpoints.count import count_hairs
from hairscan.endpoints.units import LINK_UM, LINK_WIDTHS, Unit, group_units, nearest_unit_px, units_inside
from hairscan.types import Ignored

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


def strewn(rng, per_px2):
    """Random places on a square of 1600 px whose middle 1000 x 800 px are the picture, px of the picture."""
    return rng.uniform(0, 1600, (rng.poisson(per_px2 * 1600**2), 2)) - (300, 400)


def shown(places_xy, area, ignored):
    """The places as units, as far as the area shows them."""
    inside_xy = places_xy[area.contains(*places_xy.T)]
    column, row = np.clip(np.rint(inside_xy).astype(int), 0, np.array(ignored.shape[::-1]) - 1).T
    return [Unit(k, *xy, 1) for k, xy in enumerate(inside_xy[ignored[row, column] != Ignored.LENS])]


def lens():
    """Ignored pixels of a picture that is dark outside of a circle."""
    y, x = np.mgrid[: FIELD.shape[0], : FIELD.shape[1]]
    outside = (x - 500) ** 2 + (y - 400) ** 2 > 390**2
    return np.where(outside, Ignored.LENS, Ignored.JUDGED).astype(np.uint8)


@pytest.mark.parametrize(
    ("area", "ignored"),
    [
        (WHOLE, FIELD),
        (CountingArea("rect", 499.5, 399.5, 500.0, 500.0), FIELD),
        (CountingArea("circle", 499.5, 399.5, 600.0, 600.0), FIELD),
        (WHOLE, lens()),
    ],
)
def test_the_distance_to_the_nearest_unit_does_not_depend_on_the_size_of_the_area(area, ignored):
    rng = np.random.default_rng(0)
    # 15 units in the smallest area; the mean distance of random places is half the root of the area of one
    found = [nearest_unit_px(shown(strewn(rng, 15 / 500**2), area, ignored), area, ignored) for _ in range(100)]
    assert np.mean(found) == pytest.approx(0.5 * 500 / 15**0.5, rel=0.05)


def test_a_neighbour_farther_than_the_border_is_only_known_to_be_far():
    units = [Unit(k, x, 400.0, 1) for k, x in enumerate((50.0, 200.0, 350.0, 550.0))]
    # at 50 the border is nearer than the neighbour at 150: what is known of it is more than 50 px
    assert nearest_unit_px(units, WHOLE, FIELD) == pytest.approx((150 + 150 + 200) / 3)


def test_without_a_neighbour_nearer_than_the_border_no_distance_is_known():
    units = [Unit(0, 50.0, 400.0, 1), Unit(1, 950.0, 400.0, 1)]
    assert np.isnan(nearest_unit_px(units, WHOLE, FIELD))
    assert np.isnan(nearest_unit_px(units[:1], WHOLE, FIELD))
