import numpy as np
import pytest
from scipy.stats import binomtest, t

from hairscan.visits.growth_rates import anagen_share, mean_rate, median_rate


def test_the_share_has_wilsons_interval():
    share = anagen_share(34, 6, 0)
    expected = binomtest(34, 40).proportion_ci(method="wilson")
    assert (share.value, share.low, share.high) == (
        0.85,
        pytest.approx(expected.low),
        pytest.approx(expected.high),
    )
    assert (share.low_if_undecided_telogen, share.high_if_undecided_anagen) == (share.low, share.high)


def test_undecided_hairs_widen_the_interval_both_ways_and_do_not_move_the_share():
    share = anagen_share(34, 6, 10)
    assert share.value == 0.85
    assert share.low_if_undecided_telogen == pytest.approx(binomtest(34, 50).proportion_ci(method="wilson").low)
    assert share.high_if_undecided_anagen == pytest.approx(binomtest(44, 50).proportion_ci(method="wilson").high)


def test_without_a_decided_hair_there_is_no_share():
    share = anagen_share(0, 0, 3)
    assert (share.value, share.low, share.high) == (None, None, None)
    assert anagen_share(0, 0, 0).low_if_undecided_telogen is None


def test_the_mean_has_students_interval():
    rates = np.array([310.0, 350.0, 402.0, 371.0])
    expected = t.interval(0.95, 3, rates.mean(), rates.std(ddof=1) / 2)
    found = mean_rate(rates, 0.0, 0.0)
    assert (found.low_um_per_day, found.high_um_per_day) == pytest.approx(expected)
    assert mean_rate(rates[:1], 0.01, 1.0).low_um_per_day is None
    assert mean_rate(rates[:0], 0.01, 1.0).um_per_day is None


def test_the_median_holds_the_true_one_in_95_of_100_or_more():
    rng = np.random.default_rng(0)
    held = []
    for _ in range(2000):
        found = median_rate(rng.exponential(1.0, 14), 0.0, 0.0)
        held.append(found.low_um_per_day < np.log(2) < found.high_um_per_day)
    assert 0.95 < np.mean(held) < 0.995
    assert median_rate(np.arange(5.0), 0.01, 1.0).low_um_per_day is None


@pytest.mark.parametrize(
    ("sd_share", "enlargement_se"), [(0.0, 0.0), (0.01, 0.0), (0.05, 0.0), (0.0, 12.0), (0.02, 6.0)]
)
def test_the_intervals_of_the_rates_hold_the_errors_that_all_hairs_share(sd_share, enlargement_se):
    rng = np.random.default_rng(3)
    held = {mean_rate: 0, median_rate: 0}
    for _ in range(2000):
        # the scale and the registration are one for every hair
        rates = rng.normal(330.0, 40.0, 40) * (1.0 + rng.normal(0.0, sd_share)) + rng.normal(0.0, enlargement_se)
        for estimate in held:
            found = estimate(rates, sd_share, enlargement_se)
            held[estimate] += found.low_um_per_day < 330.0 < found.high_um_per_day
    assert 0.935 < held[mean_rate] / 2000 < 0.965
    assert 0.935 < held[median_rate] / 2000 < 0.975
