"""Shares, odds ratios and numbers needed to treat against published examples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hairscan.trial.proportions import contrast_of_groups, contrast_of_pairs, number_needed

pytestmark = pytest.mark.filterwarnings("error")

counts = st.integers(0, 12)


def test_the_difference_of_two_shares_is_that_of_newcombe():
    # Newcombe 1998, Statistics in Medicine 17:873, 56/70 and 48/80 by method 10: 0.2000, 0.0524 to 0.3339
    contrast = contrast_of_groups(56, 70, 48, 80, 0.05)
    assert contrast.difference == pytest.approx(0.2)
    assert (contrast.difference_low, contrast.difference_high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_the_odds_ratio_is_that_of_woolf():
    # Woolf 1955, closed form: log of 56 x 32 / (14 x 48) with the variance 1/56 + 1/14 + 1/48 + 1/32
    contrast = contrast_of_groups(56, 70, 48, 80, 0.05)
    log, half = np.log(56 * 32 / (14 * 48)), 1.959964 * np.sqrt(1 / 56 + 1 / 14 + 1 / 48 + 1 / 32)
    told = contrast.odds_ratio, contrast.odds_low, contrast.odds_high
    assert told == pytest.approx((np.exp(log), np.exp(log - half), np.exp(log + half)))


def test_the_p_value_is_that_of_the_tea_taster():
    # Fisher 1935, 3 of 4 and 1 of 4: two-sided p = 0.4857, as R's help of fisher.test prints it
    assert contrast_of_groups(3, 4, 1, 4, 0.05).p == pytest.approx(34 / 70)


def test_an_empty_cell_gets_a_half():
    # 5 of 5 and 2 of 5: 5.5 x 3.5 / (0.5 x 2.5)
    contrast = contrast_of_groups(5, 5, 2, 5, 0.05)
    assert contrast.odds_ratio == pytest.approx(5.5 * 3.5 / (0.5 * 2.5))
    assert contrast.note == "0.5 added to each cell for the odds ratio"


def test_pairs_are_those_of_fagerland():
    # Fagerland, Lydersen and Laake 2017, table 8.3 (Cavo 2012: 59, 6, 16, 80), as the tests of their R package
    # contingencytables print them: -0.0621, Newcombe -0.1186 to -0.0046, exact McNemar 0.052479, odds ratio 0.3750
    contrast = contrast_of_pairs(59, 6, 16, 80, 0.05)
    assert contrast.difference == pytest.approx(-0.0621, abs=5e-5)
    assert (contrast.difference_low, contrast.difference_high) == pytest.approx((-0.1186, -0.0046), abs=5e-5)
    assert contrast.p == pytest.approx(0.052479, abs=5e-7)
    assert contrast.odds_ratio == pytest.approx(0.3750)


def test_the_odds_ratio_of_pairs_has_the_limits_of_clopper_and_pearson():
    # Clopper and Pearson 1934: 6 of 22 discordant pairs; the binomial tails at the limits are 2.5 % each
    contrast = contrast_of_pairs(59, 6, 16, 80, 0.05)
    low, high = (odds / (1 + odds) for odds in (contrast.odds_low, contrast.odds_high))
    assert stats.binom.sf(5, 22, low) == pytest.approx(0.025)
    assert stats.binom.cdf(6, 22, high) == pytest.approx(0.025)


def test_pairs_of_one_kind_only():
    none = contrast_of_pairs(5, 0, 0, 5, 0.05)
    assert (none.difference, none.p, none.note) == (0.0, 1.0, "no discordant pair, no odds ratio")
    assert np.isnan(none.odds_ratio)
    one = contrast_of_pairs(5, 4, 0, 5, 0.05)
    assert (one.odds_ratio, one.p) == pytest.approx((9.0, 2 / 2**4))
    assert np.isnan(one.odds_high)
    assert one.odds_low > 0
    assert one.note.endswith("no upper bound of the odds ratio")
    other = contrast_of_pairs(5, 0, 4, 5, 0.05)
    assert other.odds_ratio == pytest.approx(1 / 9)
    assert other.odds_low == 0


def test_without_subjects_nothing_is_told():
    for contrast in (contrast_of_groups(0, 0, 1, 5, 0.05), contrast_of_pairs(0, 0, 0, 0, 0.05)):
        assert contrast.note
        assert np.isnan([contrast.difference, contrast.difference_low, contrast.odds_ratio, contrast.p]).all()
    assert np.isnan(number_needed(np.nan, np.nan, np.nan).nnt)


def test_the_number_needed_to_treat_is_that_of_altman():
    # Altman 1998, BMJ 317:1309: a reduction of 10 %, interval -5 % to 25 %: 10 to benefit, from 4 to benefit through
    # infinity to 20 to harm
    needed = number_needed(0.10, -0.05, 0.25)
    assert needed.nnt == pytest.approx(10)
    assert np.isnan([needed.nnt_low, needed.nnt_high]).all()
    assert needed.note == "number needed to treat not bounded: from 4.0 to benefit through infinity to 20.0 to harm"


def test_a_clear_difference_has_a_bounded_number():
    benefit = number_needed(0.25, 0.1, 0.5)
    assert (benefit.nnt, benefit.nnt_low, benefit.nnt_high, benefit.note) == (4, 2, 10, "")
    harm = number_needed(-0.25, -0.5, -0.1)
    assert (harm.nnt, harm.nnt_low, harm.nnt_high) == (-4, -10, -2)
    assert harm.note == "negative: number needed to harm"
    assert "infinity to benefit" in number_needed(-0.1, -0.2, 0.0).note
    assert np.isnan(number_needed(0.0, -0.2, 0.2).nnt)


@settings(deadline=None)
@given(counts, counts, counts, counts)
def test_swapping_the_groups_flips_the_difference(k, more, k_control, more_control):
    there = contrast_of_groups(k, k + more, k_control, k_control + more_control, 0.05)
    back = contrast_of_groups(k_control, k_control + more_control, k, k + more, 0.05)
    check_flipped(there, back)


@settings(deadline=None)
@given(counts, counts, counts, counts)
def test_swapping_the_sides_flips_the_difference(both, treated_only, control_only, neither):
    there = contrast_of_pairs(both, treated_only, control_only, neither, 0.05)
    check_flipped(there, contrast_of_pairs(both, control_only, treated_only, neither, 0.05))


def check_flipped(there, back):
    one = there.difference, there.difference_low, there.difference_high, there.p
    other = -back.difference, -back.difference_high, -back.difference_low, back.p
    assert one == pytest.approx(other, nan_ok=True, abs=1e-12)
    assert there.odds_ratio == pytest.approx(1 / back.odds_ratio, nan_ok=True)
    assert np.isnan(one).all() or -1 - 1e-12 <= one[1] <= one[0] <= one[2] <= 1 + 1e-12
