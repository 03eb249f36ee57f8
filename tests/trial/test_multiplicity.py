"""Adjusted p values against hand calculation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hairscan.trial.multiplicity import adjust

pytestmark = pytest.mark.filterwarnings("error")

METHODS = ["fixed-sequence", "holm"]
some_p = st.lists(st.floats(0, 1) | st.just(float("nan")), max_size=8)


def test_holm_multiplies_by_the_hypotheses_that_are_left():
    # Holm 1979 by hand: 4 x 0.01, 3 x 0.02, 2 x 0.03 held at the one before, 0.9; in the order given
    adjusted, rejected = adjust([0.03, 0.9, 0.01, 0.02], method="holm", alpha=0.05)
    assert adjusted == pytest.approx([0.06, 0.9, 0.04, 0.06])
    assert rejected.tolist() == [False, False, True, False]


def test_a_fixed_sequence_stops_at_the_first_that_is_kept():
    # Maurer, Hothorn and Lehmacher 1995: the full level for each as long as all before were rejected
    adjusted, rejected = adjust([0.001, 0.04, 0.06, 0.002], method="fixed-sequence", alpha=0.05)
    assert adjusted == pytest.approx([0.001, 0.04, 0.06, 0.06])
    assert rejected.tolist() == [True, True, False, False]


def test_what_could_not_be_tested_ends_a_sequence_and_counts_for_holm():
    adjusted, rejected = adjust([0.01, np.nan, 0.001], method="fixed-sequence", alpha=0.05)
    assert adjusted == pytest.approx([0.01, np.nan, np.nan], nan_ok=True)
    assert rejected.tolist() == [True, False, False]
    adjusted, rejected = adjust([0.01, np.nan, 0.02], method="holm", alpha=0.05)
    assert adjusted == pytest.approx([0.03, np.nan, 0.04], nan_ok=True)
    assert rejected.tolist() == [True, False, True]


@pytest.mark.parametrize("method", METHODS)
def test_no_hypothesis_gives_nothing(method):
    adjusted, rejected = adjust([], method=method, alpha=0.05)
    assert adjusted.shape == rejected.shape == (0,)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=25, deadline=None)
@given(p=some_p)
def test_adjusting_never_helps_a_hypothesis(method, p):
    adjusted, rejected = adjust(p, method=method, alpha=0.05)
    known = ~np.isnan(adjusted)
    assert (adjusted[known] >= np.array(p)[known]).all()
    assert not rejected[~known].any()


@settings(deadline=None)
@given(p=some_p)
def test_a_fixed_sequence_rejects_an_unbroken_beginning(p):
    _, rejected = adjust(p, method="fixed-sequence", alpha=0.05)
    assert rejected.tolist() == sorted(rejected.tolist(), reverse=True)
