"""Effect sizes against published worked examples."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from hairscan.trial.effect_sizes import cliffs_delta, dominance_of_pairs, hedges_g, hedges_g_of_pairs

pytestmark = pytest.mark.filterwarnings("error")

groups = st.lists(st.integers(0, 40), min_size=3, max_size=12).map(lambda v: np.array(v, float))


def sample(n, mean, sd):
    """Values of exactly this mean and SD."""
    z = stats.norm.ppf((np.arange(n) + 0.5) / n)
    return mean + sd * (z - z.mean()) / z.std(ddof=1)


def correlated(n, first_sd, second_sd, r):
    """Two samples of these SDs and mean 0 that correlate exactly by `r`."""
    first = sample(n, 0, 1)
    other = np.arange(n) % 2 - 0.5
    rest = other - other.mean() - (other @ first) / (first @ first) * first
    rest /= rest.std(ddof=1)
    return first_sd * first, second_sd * (r * first + np.sqrt(1 - r**2) * rest)


def variance_of(interval):
    return ((interval[2] - interval[1]) / 2 / 1.959964) ** 2


def test_hedges_g_of_two_groups_is_that_of_borenstein():
    # Borenstein, Hedges, Higgins and Rothstein 2009, chapter 4: means 103 and 100, SDs 5.5 and 4.5, 50 in each group:
    # d = 0.5970, J = 0.9923, g = 0.5924, V_g = 0.0411
    g = hedges_g(sample(50, 103, 5.5), sample(50, 100, 4.5), 0.05)
    assert g[0] == pytest.approx(0.5924, abs=5e-5)
    assert variance_of(g) == pytest.approx(0.0411, abs=5e-5)


def test_hedges_g_of_pairs_is_that_of_borenstein():
    # the same chapter, pairs: mean difference 3, SD of the difference 5.5, r = 0.7, 50 pairs: g = 0.4160
    sd = 5.5 / np.sqrt(2 * (1 - 0.7))
    treated, untreated = correlated(50, sd, sd, 0.7)
    assert hedges_g_of_pairs(treated + 3, untreated, 0.05)[0] == pytest.approx(0.4160, abs=5e-5)


def test_the_interval_of_g_of_pairs_is_that_of_bonett():
    # Bonett 2008; ci.stdmean.ps(.05, 110.4, 102.1, 15.3, 14.6, .75, 25) of his R package statpsych, as its help prints
    # it: 0.2394905 to 0.8705732
    treated, untreated = correlated(25, 15.3, 14.6, 0.75)
    _, low, high = hedges_g_of_pairs(treated + 110.4, untreated + 102.1, 0.05)
    assert (low, high) == pytest.approx((0.2394905, 0.8705732), abs=5e-8)


def test_the_interval_of_g_of_pairs_holds_the_truth_when_the_sides_correlate():
    # 95 % of 1000 draws within three standard errors (3 sqrt(0.95 x 0.05 / 1000) = 0.02); Borenstein's variance: 82 %
    rng, held = np.random.default_rng(3), 0
    for _ in range(1000):
        untreated = rng.normal(size=12)
        treated = 0.8 + 0.9 * untreated + np.sqrt(1 - 0.9**2) * rng.normal(size=12)
        _, low, high = hedges_g_of_pairs(treated, untreated, 0.05)
        held += low <= 0.8 <= high
    assert held / 1000 == pytest.approx(0.95, abs=0.02)


def test_hedges_correction_is_exact():
    # Hedges 1981: J(m) = Gamma(m / 2) / (sqrt(m / 2) Gamma((m - 1) / 2)), which is 1 / sqrt(pi) for m = 2
    g = hedges_g(np.array([1.0, 3.0]), np.array([0.0, 2.0]), 0.05)
    assert g[0] == pytest.approx(1 / np.sqrt(2) / np.sqrt(np.pi))


def test_cliffs_delta_is_that_of_effsize():
    # cliff.delta of the R package effsize, example of its tests: -0.25, interval -0.7265846 to 0.3890062
    treatment = np.array([10, 10, 20, 20, 20, 30, 30, 30, 40, 50.0])
    control = np.array([10, 20, 30, 40, 40, 50.0])
    assert cliffs_delta(treatment, control, 0.05) == pytest.approx((-0.25, -0.7265846, 0.3890062), abs=5e-8)


def test_groups_that_do_not_overlap_still_have_an_interval():
    # Feng and Cliff 2004: the inner limit is (n - t^2) / (n + t^2), n the smaller group
    t2 = stats.t.ppf(0.975, 18) ** 2
    low, high = np.arange(8.0), np.arange(12.0) + 100
    assert cliffs_delta(high, low, 0.05) == pytest.approx((1, (8 - t2) / (8 + t2), 1))
    assert cliffs_delta(low, high, 0.05) == pytest.approx((-1, -1, -(8 - t2) / (8 + t2)))


def test_dominance_of_pairs_is_the_share_ahead_less_the_share_behind():
    # 6 ahead, 2 behind, 2 level: 0.4; the signs have the variance (8 - 10 * 0.4^2) / 9, their mean a tenth of it
    delta, low, high = dominance_of_pairs(np.array([1, 2, 3, 4, 5, 6, -1, -2, 0, 0.0]), 0.05)
    variance, t = (8 - 1.6) / 9 / 10, stats.t.ppf(0.975, 9)
    # Feng and Cliff's limits are those where (delta - x)^2 = t^2 variance (1 - x^2)^2 / (1 - delta^2)^2, to first order
    half = t * np.sqrt(variance * ((1 - 0.16) ** 2 + t**2 * variance))
    assert delta == pytest.approx(0.4)
    assert (low + high) / 2 == pytest.approx((0.4 - 0.4**3) / (1 - 0.16 + t**2 * variance))
    assert (high - low) / 2 == pytest.approx(half / (1 - 0.16 + t**2 * variance))


@settings(deadline=None)
@given(groups, groups, st.integers(-1000, 1000), st.sampled_from([0.5, 2.0, 8.0]))
def test_shifting_or_scaling_all_values_changes_nothing(treated, untreated, shift, scale):
    for effect in (hedges_g, cliffs_delta):
        moved = effect(scale * treated + shift, scale * untreated + shift, 0.05)
        assert moved == pytest.approx(effect(treated, untreated, 0.05), abs=1e-9, nan_ok=True)


@settings(deadline=None)
@given(groups, groups)
def test_swapping_the_arms_flips_the_signs(treated, untreated):
    for effect in (hedges_g, cliffs_delta):
        estimate, low, high = effect(treated, untreated, 0.05)
        assert effect(untreated, treated, 0.05) == pytest.approx((-estimate, -high, -low), nan_ok=True)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=3, max_size=12))
def test_swapping_the_sides_flips_the_signs(pairs):
    treated, untreated = np.array(pairs, float).T
    estimate, low, high = hedges_g_of_pairs(treated, untreated, 0.05)
    assert hedges_g_of_pairs(untreated, treated, 0.05) == pytest.approx((-estimate, -high, -low), nan_ok=True)
    estimate, low, high = dominance_of_pairs(treated - untreated, 0.05)
    assert dominance_of_pairs(untreated - treated, 0.05) == pytest.approx((-estimate, -high, -low), nan_ok=True)


@settings(deadline=None)
@given(groups, groups)
def test_the_interval_of_delta_holds_delta_and_stays_within_one(treated, untreated):
    assume(np.ptp(np.concatenate([treated, untreated])) > 0)
    delta, low, high = cliffs_delta(treated, untreated, 0.05)
    assert -1 <= low <= delta <= high <= 1


@pytest.mark.parametrize(
    ("treated", "untreated"), [([], [1, 2]), ([1], [1, 2]), ([2, 2], [2, 2]), ([0.1 + 0.2, 0.3], [0.3, 0.3])]
)
def test_without_values_or_spread_there_is_no_g(treated, untreated):
    assert np.isnan(hedges_g(np.array(treated, float), np.array(untreated, float), 0.05)).all()


def test_without_values_or_differences_there_is_no_delta():
    nothing, one = np.empty(0), np.ones(1)
    assert np.isnan(cliffs_delta(nothing, one, 0.05)).all()
    assert np.isnan(cliffs_delta(one, np.ones(3), 0.05)).all()
    assert np.isnan(dominance_of_pairs(one, 0.05)).all()
    assert dominance_of_pairs(np.zeros(4), 0.05) == pytest.approx((0, np.nan, np.nan), nan_ok=True)
    assert np.isnan(hedges_g_of_pairs(one, one, 0.05)).all()
    assert np.isnan(hedges_g_of_pairs(np.ones(4), np.zeros(4), 0.05)).all()
