"""Sample sizes against the normal approximation and the power they promise."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hairscan.trial.sample_size import SAMPLE_SIZE_COLUMNS, sample_sizes, subjects_needed

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize(("sd", "normal"), [(15, 36), (20, 63), (25, 99), (30, 142), (40, 252)])
def test_ten_hairs_per_cm2_need_so_many_subjects(sd, normal):
    # the closed form of the normal approximation, 2 (1.960 + 0.842)^2 (sd / difference)^2, rounded up; the t test that
    # will be made needs one more
    exact = 2 * (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) ** 2 * (sd / 10) ** 2
    assert int(np.ceil(exact)) == normal
    assert subjects_needed(10 / sd, 0.05, 0.8, "parallel") == normal + 1


def test_a_medium_effect_needs_64_in_each_arm_or_34_pairs():
    # Cohen 1988: d = 0.5, two-sided 0.05, power 0.80: 64 per group; G*Power 3.1 for one mean of 0.5 SD: 34
    assert subjects_needed(0.5, 0.05, 0.8, "parallel") == 64
    assert subjects_needed(0.5, 0.05, 0.8, "split-scalp") == 34


@settings(deadline=None)
@given(st.floats(0.1, 3), st.sampled_from([0.8, 0.9]), st.sampled_from(["parallel", "split-scalp"]))
def test_one_subject_fewer_has_less_power(effect, power, layout):
    n = subjects_needed(effect, 0.05, power, layout)
    assert power_of(effect, n, layout) >= power
    assert n == 2 or power_of(effect, n - 1, layout) < power
    assert subjects_needed(-effect, 0.05, power, layout) == n


def power_of(effect, n, layout):
    """Power of the two-sided t test at 5 %, from the noncentral t distribution."""
    df, shift = (2 * n - 2, effect * np.sqrt(n / 2)) if layout == "parallel" else (n - 1, effect * np.sqrt(n))
    limit = stats.t.ppf(0.975, df)
    return stats.nct.sf(limit, df, shift) + stats.nct.cdf(-limit, df, shift)


def test_the_sd_of_the_change_is_pooled_over_the_arms():
    described = pd.DataFrame(
        {
            "endpoint": "density_per_cm2",
            "arm": ["placebo", "prp", "placebo", "prp"],
            "visit": ["0", "0", "24", "24"],
            "n_change": [0, 0, 11, 31],
            "change_sd": [np.nan, np.nan, 10.0, 20.0],
        }
    )
    table = sample_sizes(described, alpha=0.05, differences={"density_per_cm2": [10.0], "hair_count": [5.0]})
    assert list(table.columns) == list(SAMPLE_SIZE_COLUMNS)
    assert table["visit"].tolist() == ["24", "24"]
    assert table["sd"].tolist() == pytest.approx([np.sqrt((10 * 100 + 30 * 400) / 40)] * 2)
    assert table["power"].tolist() == [0.8, 0.9]
    assert table["layout"].tolist() == ["parallel"] * 2
    assert table["n_per_arm"].tolist() == [
        subjects_needed(10 / table["sd"][0], 0.05, p, "parallel") for p in (0.8, 0.9)
    ]


def test_pairs_use_the_sd_of_the_difference():
    described = pd.DataFrame(
        {"endpoint": ["mean_width_um"], "visit": ["24"], "arm": ["prp"], "n_pairs": [9], "difference_sd": [4.0]}
    )
    table = sample_sizes(described, alpha=0.05, power=(0.8,), differences={"mean_width_um": [2.0]})
    assert table.to_numpy().tolist() == [["mean_width_um", "24", "split-scalp", 4.0, 2.0, 0.8, 34]]


def test_given_sds_are_taken_and_no_spread_has_no_size():
    spreads = pd.DataFrame({"endpoint": "d", "visit": ["12", "24"], "layout": "parallel", "sd": [20.0, 0.0]})
    table = sample_sizes(spreads, alpha=0.05, power=(0.8,), differences={"d": [10.0, 0.0]})
    assert table["n_per_arm"].tolist() == pytest.approx([64, np.nan, np.nan, np.nan], nan_ok=True)
