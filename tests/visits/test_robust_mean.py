import numpy as np
import pytest

from hairscan.visits.robust_mean import robust_mean


def test_hairs_that_were_misread_do_not_carry_the_mean():
    rng = np.random.default_rng(0)
    d = np.concatenate([rng.normal(3.0, 1.5, 20), [61.0, 22.0, -31.0]])
    found = robust_mean(d, np.full(23, 0.8))
    assert found.mean == pytest.approx(d[:20].mean(), abs=0.2)
    assert found.low < 3.0 < found.high
    assert found.high - found.low < 2.5


def test_limits_hold_the_truth_as_often_as_they_say_though_a_tenth_is_misread():
    held = 0
    for seed in range(120):
        rng = np.random.default_rng((1, seed))
        se = rng.uniform(0.4, 2.0, 11)
        d = rng.normal(3.0, np.hypot(se, 1.5)) + np.where(rng.random(11) < 0.1, rng.normal(0.0, 20.0, 11), 0.0)
        found = robust_mean(d, se)
        held += found.low < 3.0 < found.high
    assert 0.90 <= held / 120 <= 1.0


def test_the_spread_is_that_of_the_true_changes():
    rng = np.random.default_rng(2)
    assert robust_mean(rng.normal(3.0, np.hypot(0.5, 3.0), 200), np.full(200, 0.5)).spread == pytest.approx(
        3.0, abs=0.4
    )
    assert robust_mean(rng.normal(3.0, 0.5, 200), np.full(200, 0.5)).spread < 0.3
