import numpy as np
import pytest
from scipy.stats import chi2

from hairscan.endpoints.density import cumulative_width_mm_per_cm2, hair_density, terminal_share


@pytest.mark.parametrize("count", [1, 5, 40, 300])
def test_without_an_error_of_the_scale_the_interval_is_exact_poisson(count):
    density = hair_density(count, 0.5, 2.78, 0.0)
    assert density.per_cm2 == pytest.approx(2 * count)
    assert density.low_per_cm2 == pytest.approx(chi2.ppf(0.025, 2 * count))
    assert density.high_per_cm2 == pytest.approx(chi2.ppf(0.975, 2 * count + 2))


def test_no_hair_has_an_upper_limit_of_three_and_a_half_hairs():
    density = hair_density(0, 1.0, 2.78, 0.0)
    assert (density.per_cm2, density.low_per_cm2) == (0, 0)
    assert density.high_per_cm2 == pytest.approx(3.69, abs=0.005)


def test_an_error_of_the_scale_counts_twice():
    # so many hairs that chance is negligible: 1 % of the scale is 2 % of the density, 1.96 sd on each side
    density = hair_density(10**9, 1e6, 2.0, 0.02)
    assert np.log(density.high_per_cm2 / density.per_cm2) == pytest.approx(1.96 * 0.02, rel=1e-3)
    assert np.log(density.per_cm2 / density.low_per_cm2) == pytest.approx(1.96 * 0.02, rel=1e-3)


def test_the_interval_covers_the_true_density_in_95_of_100_photographs():
    rng = np.random.default_rng(3)
    true_per_cm2, area_cm2, relative_sd, n = 150.0, 0.3, 0.03, 4000
    counts = rng.poisson(true_per_cm2 * area_cm2, n)
    # the scale is believed to be 1; the photograph's real area differs by twice its error
    stretched_cm2 = area_cm2 * np.exp(2 * relative_sd * rng.standard_normal(n))
    intervals = [hair_density(int(c), a, 1.0, relative_sd) for c, a in zip(counts, stretched_cm2, strict=True)]
    covered = np.mean([d.low_per_cm2 <= true_per_cm2 <= d.high_per_cm2 for d in intervals])
    # the exact Poisson interval is a little wider than 95 %
    assert 0.945 <= covered <= 0.975


def test_a_hair_of_exactly_the_cut_off_is_terminal():
    assert terminal_share(np.array([39.99, 40.0, 55.0, np.nan]), 40.0) == pytest.approx(2 / 3)


def test_widths_that_are_missing_enter_the_sum_with_the_mean_of_the_others():
    assert cumulative_width_mm_per_cm2(np.array([50.0, 70.0, np.nan]), 0.5) == pytest.approx(3 * 60 / 1000 / 0.5)


def test_nothing_measured_is_not_zero():
    assert np.isnan(terminal_share(np.array([np.nan]), 40.0))
    assert np.isnan(cumulative_width_mm_per_cm2(np.array([np.nan]), 0.5))
    assert cumulative_width_mm_per_cm2(np.array([]), 0.5) == 0
