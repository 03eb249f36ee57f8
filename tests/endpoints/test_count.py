import numpy as np
import pytest

from hairscan.endpoints.area import CountingArea, place_area
from hairscan.endpoints.count import ROOT_HIDDEN, ROOT_NOT_JUDGED, ROOT_OUTSIDE, TIP_HIDDEN, count_hairs
from hairscan.types import Hair, Ignored

AREA = CountingArea("rect", 100.0, 100.0, 100.0, 100.0)
FIELD = np.zeros((200, 200), np.uint8)


def counted(hairs, area=AREA, ignored=FIELD):
    return [hair.counted for hair in count_hairs(hairs, area, ignored)]


def test_a_hair_is_counted_where_its_root_is_wherever_its_tip_is(make_hair):
    hairs = [make_hair(0, (100, 100), (180, 100)), make_hair(1, (180, 100), (100, 100))]
    first, second = count_hairs(hairs, AREA, FIELD)
    assert first.counted
    assert first.flags == ()
    assert not second.counted
    assert second.flags == (ROOT_OUTSIDE,)


def test_two_sides_of_a_rectangle_include_and_two_exclude(make_hair):
    roots = [(50, 100), (100, 50), (150, 100), (100, 150)]
    assert counted([make_hair(i, root, (100, 101)) for i, root in enumerate(roots)]) == [True, True, False, False]


def test_a_hair_that_comes_in_over_the_edge_of_the_picture_is_not_counted(make_hair):
    whole = place_whole()
    hair = make_hair(0, (3, 100), (60, 100), root_seen=False)
    [result] = count_hairs([hair], whole, FIELD)
    assert not result.counted
    assert result.flags == (ROOT_HIDDEN, ROOT_OUTSIDE)


def test_a_hair_along_the_edge_whose_root_is_hidden_inside_is_counted(make_hair):
    assert counted([make_hair(0, (100, 3), (160, 3), root_seen=False)], place_whole()) == [True]


@pytest.mark.parametrize(("widths", "is_counted"), [(2.5, False), (4.0, True)])
def test_the_trace_of_a_hair_that_comes_in_may_begin_a_few_widths_from_the_edge(make_hair, widths, is_counted):
    hair = make_hair(0, (8.0 * widths, 100), (150, 100), 8.0, root_seen=False)
    assert counted([hair], place_whole()) == [is_counted]


def test_a_hidden_root_inside_is_represented_by_the_first_visible_point(make_hair):
    [result] = count_hairs([make_hair(0, (100, 100), (160, 100), root_seen=False, tip_seen=False)], AREA, FIELD)
    assert result.counted
    assert result.flags == (ROOT_HIDDEN, TIP_HIDDEN)


def test_a_hair_that_passes_under_a_glare_is_counted_once(make_hair):
    ignored = FIELD.copy()
    ignored[80:120, 90:110] = Ignored.GLARE
    pieces = [
        make_hair(0, (60, 100), (88, 100), tip_seen=False),
        make_hair(1, (112, 100), (145, 100), root_seen=False),
    ]
    assert counted(pieces, ignored=ignored) == [True, False]


def test_a_root_in_an_ignored_zone_is_not_counted(make_hair):
    ignored = FIELD.copy()
    ignored[95:105, 95:105] = Ignored.INK
    [result] = count_hairs([make_hair(0, (100, 100), (140, 100))], AREA, ignored)
    assert result.flags == (ROOT_NOT_JUDGED,)


def test_a_hidden_root_of_a_hair_without_width_is_looked_for_with_the_usual_width(make_hair):
    ignored = FIELD.copy()
    ignored[:, 70:80] = Ignored.GLARE
    hairs = [make_hair(0, (90, 100), (140, 100), np.nan, root_seen=False), make_hair(1, (120, 60), (140, 60), 12.0)]
    assert counted(hairs, ignored=ignored) == [False, True]


def test_no_hair_is_no_count():
    assert count_hairs([], AREA, FIELD) == []


def place_whole():
    return CountingArea("whole", 99.5, 99.5, 200.0, 200.0)


@pytest.mark.parametrize("length_px", [5, 60, 150])
def test_the_count_per_area_is_the_density_of_roots_whatever_the_length_of_the_hairs(length_px, make_photo):
    rng = np.random.default_rng(5)
    photo = make_photo(600, 600)
    area = place_area("circle:0.08cm2", photo)
    area_px = np.pi * (area.width_px / 2) ** 2
    n, n_trials, total = 300, 60, 0
    for _ in range(n_trials):
        roots_xy = rng.uniform(0, 599, (n, 2))
        turns_rad = rng.uniform(0, 2 * np.pi, n)
        tips_xy = roots_xy + length_px * np.column_stack([np.cos(turns_rad), np.sin(turns_rad)])
        hairs = [
            Hair(i, np.array([r, t]), True, True, 1.0) for i, (r, t) in enumerate(zip(roots_xy, tips_xy, strict=True))
        ]
        total += sum(counted(hairs, area, photo.ignored))
    expected = n_trials * n * area_px / 599**2
    # four standard deviations of a Poisson count
    assert abs(total - expected) < 4 * np.sqrt(expected)


def test_counting_changes_no_hair_it_is_given(make_hair):
    hair = make_hair(0, (100, 100), (140, 100), root_seen=False)
    hair.path_xy.flags.writeable = False
    count_hairs([hair], AREA, FIELD)
    assert hair.flags == ()
    assert not hair.counted
