import numpy as np
import pytest

from hairscan.measure.robust import robust_lines


def test_each_series_keeps_its_own_course_and_outliers_do_not_count():
    arc = np.linspace(0.0, 100.0, 20)
    straight, level = 0.1 * arc, np.full(20, -3.0)
    spoilt = straight.copy()
    spoilt[7] += 30.0
    series = np.repeat([2, 5], 20)
    course = robust_lines(series, np.tile(arc, 2), np.concatenate([spoilt, level]))
    assert course[:20] == pytest.approx(straight, abs=0.2)
    assert course[20:] == pytest.approx(level)


def test_a_few_readings_give_their_median_beside_a_longer_series():
    arc = np.linspace(0.0, 50.0, 12)
    series = np.concatenate([[0, 0, 0], np.ones(12, int)])
    course = robust_lines(series, np.concatenate([[0.0, 5.0, 9.0], arc]), np.concatenate([[1.0, 9.0, 2.0], arc]))
    assert course[:3] == pytest.approx([2.0, 2.0, 2.0])
    assert course[3:] == pytest.approx(arc, abs=0.2)


def test_no_series_has_no_course():
    none = np.zeros(0)
    assert len(robust_lines(none.astype(int), none, none)) == 0
