import numpy as np
import pytest

from hairscan.phantom.values import simulate_observations

TRIAL = {"arms": ("placebo", "prp"), "weeks": (0.0, 12.0, 24.0), "changes": (4.0, 16.0), "sd": 30.0}


def simulate(n_per_arm=4000, seed=0, correlation=0.9, **options):
    rng = np.random.default_rng(seed)
    return simulate_observations(rng, n_per_arm=n_per_arm, correlation=correlation, **{**TRIAL, **options})


def test_changes_have_the_mean_and_spread_that_were_asked_for():
    table = simulate()
    for arm, change in (("placebo", 4.0), ("prp", 16.0)):
        for visit, share in (("12", 0.5), ("24", 1.0)):
            rows = table["change"][(table["arm"] == arm) & (table["visit"] == visit)]
            sd = 30 * np.sqrt(2 * 0.1)
            assert len(rows) == 4000
            assert rows.mean() == pytest.approx(share * change, abs=4 * sd / np.sqrt(4000))
            assert rows.std() == pytest.approx(sd, rel=0.05)


def test_values_of_a_subject_correlate_as_asked_for():
    table = simulate(correlation=0.6)
    values = table["value"].reshape(-1, 3)
    placebo = values[:4000]
    np.testing.assert_allclose(np.corrcoef(placebo.T)[np.triu_indices(3, 1)], 0.6, atol=0.04)
    np.testing.assert_array_equal(table["base"], np.repeat(values[:, 0], 3))


def test_who_leaves_does_not_come_back():
    table = simulate(dropout=0.2)
    came = {visit: set(table["subject"][table["visit"] == visit]) for visit in ("0", "12", "24")}
    assert came["24"] < came["12"] < came["0"]
    assert len(came["12"]) == pytest.approx(0.8 * 8000, rel=0.03)
    assert len(came["24"]) == pytest.approx(0.64 * 8000, rel=0.04)
    assert set(table["subject"][table["analysed"]]) == came["12"]


def test_every_column_has_a_value_in_every_row():
    table = simulate(n_per_arm=5, dropout=0.3)
    lengths = {len(column) for column in table.values()}
    assert lengths == {len(table["subject"])}
    assert {"subject", "arm", "visit", "week", "endpoint", "value", "base", "change", "analysed"} < set(table)
    np.testing.assert_array_equal(table["change"][table["is_baseline"]], 0)
