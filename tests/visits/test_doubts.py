import itertools

import numpy as np
import pytest

from hairscan.types import Hair
from hairscan.visits.doubts import BENT, SHARED, find_doubts

UM_PER_PX = 2.5


def hair(*corners_um, width_um=60.0):
    """A trace through corners, um."""
    corners = np.array(corners_um, float)
    share = np.linspace(0, 1, 60, endpoint=False)[:, None]
    parts = [a + share * (b - a) for a, b in itertools.pairwise(corners)]
    path = np.concatenate([*parts, corners[-1:]]) / UM_PER_PX
    return Hair(0, path, True, True, 0.9, width_px=width_um / UM_PER_PX)


def doubts(*hairs):
    return find_doubts(hairs, np.array([one.tip_xy for one in hairs]), UM_PER_PX)


def test_hairs_that_stand_apart_or_cross_steeply_are_beyond_doubt():
    found = doubts(hair((0, 0), (600, 0)), hair((0, 100), (600, 100)), hair((300, -300), (300, 300)))
    assert [one.reason for one in found] == ["", "", ""]
    assert all(np.isinf(one.sure_px) for one in found)


def test_a_trace_that_passes_over_to_another_shaft_is_sure_up_to_there():
    one, other = doubts(hair((0, 100), (300, 100), (360, 0), (900, 0)), hair((200, 0), (900, 0)))
    assert one.reason == SHARED
    assert 290 < one.sure_px * UM_PER_PX < 420
    assert other.reason == SHARED


def test_traces_of_one_root_are_sure_until_they_part():
    one, two = doubts(hair((0, 0), (300, 0), (600, 80)), hair((0, 0), (300, 0), (600, -80)))
    for found in (one, two):
        assert found.reason == SHARED
        assert 290 < found.sure_px * UM_PER_PX < 460


def test_a_shaft_traced_twice_is_no_doubt():
    assert [one.reason for one in doubts(hair((0, 0), (500, 0)), hair((5, 8), (495, 8)))] == ["", ""]


def test_a_tip_on_another_hair_is_doubted():
    found, _ = doubts(hair((0, 200), (0, 10)), hair((-300, 0), (300, 0)))
    assert found.reason == SHARED
    assert found.sure_px * UM_PER_PX == pytest.approx(170, abs=12)


def test_a_tip_that_touches_another_hair_at_a_narrow_angle_is_doubted_and_so_is_that_hair_from_there():
    found, passing = doubts(hair((0, 120), (400, 40)), hair((0, 0), (900, 0)))
    assert (found.reason, passing.reason) == (SHARED, SHARED)
    assert 300 < found.sure_px * UM_PER_PX < 390
    assert 300 < passing.sure_px * UM_PER_PX < 400
    # Hairs of one unit touch from the start, and a steep one meets the side of the other.
    for beside in (hair((0, 40), (400, 40)), hair((300, 300), (400, 45))):
        assert [one.reason for one in doubts(beside, hair((0, 0), (900, 0)))] == ["", ""]


def test_a_tip_that_another_trace_goes_on_from_in_line_is_doubted():
    found, rest = doubts(hair((0, 0), (400, 0)), hair((470, 10), (900, 10)))
    assert (found.reason, rest.reason) == (SHARED, "")
    assert found.sure_px * UM_PER_PX == pytest.approx(400, abs=6)
    for other in (hair((620, 10), (900, 10)), hair((470, 60), (900, 60)), hair((470, 10), (700, 200))):
        assert doubts(hair((0, 0), (400, 0)), other)[0].reason == ""


def test_traces_that_touch_and_part_again_may_have_each_others_ends():
    found = doubts(hair((0, 120), (300, 14), (600, 120)), hair((0, -120), (300, -14), (600, -120)))
    assert [one.reason for one in found] == [SHARED, SHARED]
    assert 200 < found[0].sure_px * UM_PER_PX < 330


def test_a_sharp_turn_is_doubted_and_a_curve_is_not():
    (found,) = doubts(hair((0, 0), (300, 0), (500, 150)))
    assert found.reason == BENT
    assert 270 < found.sure_px * UM_PER_PX < 310
    angles = np.linspace(0, 0.6, 12)
    assert doubts(hair(*np.column_stack([1000 * np.sin(angles), 1000 * np.cos(angles)])))[0].reason == ""
