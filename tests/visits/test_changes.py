import numpy as np
import pytest
from scipy.stats import binom

from hairscan.visits.chance import log10_false_alarms
from hairscan.visits.changes import count_change, density_change, is_sure_change, transitions, width_change

NAN = float("nan")


def test_false_alarms_are_tests_times_the_binomial_tail():
    assert log10_false_alarms(500, 12, 4, 0.02) == pytest.approx(np.log10(500 * binom.sf(3, 12, 0.02)))
    assert log10_false_alarms(500, 12, 0, 0.02) == pytest.approx(np.log10(500))


def test_no_change_has_the_exact_poisson_limit_on_both_sides():
    change = count_change(0, 0, 0)
    assert (change.value, change.low, change.high) == (
        0.0,
        pytest.approx(-3.689, abs=1e-3),
        pytest.approx(3.689, abs=1e-3),
    )


def test_lost_hairs_weigh_downwards_and_undecided_ones_widen_the_interval():
    sure, unsure = count_change(6, 1, 0), count_change(6, 1, 8)
    assert sure.value == unsure.value == -5.0
    assert sure.low < -5.0 < sure.high
    assert unsure.high - unsure.low > sure.high - sure.low
    mirrored = count_change(1, 6, 0)
    assert (mirrored.low, mirrored.high) == (pytest.approx(-sure.high), pytest.approx(-sure.low))


def test_density_follows_the_area_and_is_empty_without_one():
    density = density_change(count_change(0, 4, 0), 0.1, 0.0)
    assert density.value == pytest.approx(40.0)
    assert density_change(count_change(0, 4, 0), None, 0.0).value is None


def test_equal_errors_give_nearly_the_plain_mean_and_its_standard_error():
    d = np.array([2.0, 3.5, 1.0, 4.5, 2.5])
    found = width_change(d, np.full(5, 0.2))
    assert found.mean_um == pytest.approx(d.mean(), abs=0.02)
    plain = d.std(ddof=1) / np.sqrt(5)
    # Five hairs hardly tell their own spread: the mean is as unsure as Student's t has it.
    assert plain < found.se_um < 1.6 * plain
    assert found.low_um < 2.0 < 3.4 < found.high_um


def test_what_all_hairs_share_no_number_of_hairs_makes_smaller():
    d = np.random.default_rng(0).normal(3.0, np.hypot(0.5, 1.0), 400)
    alone, shared = width_change(d, np.full(400, 0.5)), width_change(d, np.full(400, np.hypot(0.5, 0.7)), 0.7)
    assert alone.se_um < 0.1
    assert shared.se_um == pytest.approx(0.7, abs=0.02)
    assert shared.mean_um == pytest.approx(alone.mean_um, abs=0.01)


def test_doubtful_and_unmeasured_hairs_hardly_move_the_mean():
    d = np.array([3.0, 3.1, 2.9, 3.0, 40.0, NAN])
    found = width_change(d, np.array([0.3, 0.3, 0.3, 0.3, 60.0, 1.0]))
    assert found.hairs == 5
    assert found.mean_um == pytest.approx(3.0, abs=0.2)


def test_a_mean_of_one_hair_has_no_interval():
    found = width_change(np.array([3.0]), np.array([0.5]))
    assert (found.mean_um, found.se_um, found.low_um) == (3.0, 0.5, None)


def test_passing_a_cut_off_within_the_noise_is_not_sure():
    before, after = np.array([41.0, 60.0, 25.0, NAN]), np.array([39.0, 28.0, 45.0, 50.0])
    at_30, at_40 = transitions(before, after, np.array([2.0, 2.0, 2.0, NAN]))
    assert (at_40.miniaturised, at_40.miniaturised_sure, at_40.recovered, at_40.recovered_sure) == (2, 1, 1, 1)
    assert (at_30.miniaturised, at_30.recovered) == (1, 1)


def test_a_change_that_was_not_measured_is_not_sure():
    assert is_sure_change(5.0, 1.0)
    assert not is_sure_change(1.0, 1.0)
    assert not is_sure_change(NAN, NAN)
