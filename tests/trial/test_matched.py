"""Matched change beside unmatched change, on invented run folders."""

import hashlib
import json

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("pandas")

import pandas as pd

from hairscan.errors import TrialError
from hairscan.trial.analysis import analyse_trial
from hairscan.trial.matched import BETWEEN_SIDES, WITHIN_ARMS, sd_ratio

N = 24


def people(rng, *, sides=("",)):
    """Photographs of subjects and the changes of their matched hairs, which scatter a quarter as much."""
    photos, changes = [], []
    for number in range(N):
        for place, side in enumerate(sides):
            arm = ("prp", "placebo")[(number if len(sides) == 1 else place) % 2]
            who = {"subject": f"S{number:02d}", "arm": arm, "side": side, "site": "vertex"}
            images = {visit: f"{number}{side}-{visit}.png" for visit in ("0", "12", "24")}
            base = rng.normal(150, 20)
            photos.append({**who, "visit": "0", "image": images["0"], "density_per_cm2": base})
            for visit in ("12", "24"):
                gain = 15.0 * (arm == "prp") + rng.normal(0, 2)
                seen = {"density_per_cm2": base + gain + rng.normal(0, 8), "mean_width_um": 50 + rng.normal(0, 3)}
                photos.append({**who, "visit": visit, "image": images[visit], **seen})
                row = {**who, "visit": visit, "baseline": "0", "image": images[visit], "baseline_image": images["0"]}
                row |= {"refused": "", "common_area_cm2": 0.1, "density_change_per_cm2": gain}
                row |= {"matched": 14, "lost": 1, "gained": 2, "undecided": 3}
                changes.append({**row, "width_change_um": 1.0 + rng.normal(0, 0.5)})
    return photos, changes


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def put(run, changes, *, baseline="0"):
    """Write what hairscan visits would."""
    pd.DataFrame(changes).to_csv(run / "changes.csv", index=False)
    images_sha256 = hashlib.sha256((run / "images.csv").read_bytes()).hexdigest()
    (run / "visits.json").write_text(json.dumps({"baseline": baseline, "images_sha256": images_sha256}))


def test_without_changes_there_are_no_such_tables(write_run, parallel, rng):
    result = analyse_trial(write_run(people(rng)[0]), parallel())
    assert not {"matched_change", "matched_effects"} & set(result.tables)
    assert not any("hairscan visits" in sentence for sentence in result.methods)


def test_a_smaller_spread_is_told_with_its_worth_and_a_narrower_effect(write_run, parallel, rng):
    photos, changes = people(rng)
    run = write_run(photos)
    alone = analyse_trial(run, parallel())
    put(run, changes)
    both = analyse_trial(run, parallel())
    pd.testing.assert_frame_equal(both.tables["effects"], alone.tables["effects"])
    assert "not the pre-specified one" in both.methods[-1]

    table = both.tables["matched_change"].set_index(["endpoint", "visit", "arm"])
    row = table.loc[("density_per_cm2", "24", "prp")]
    own = [c["density_change_per_cm2"] for c in changes if c["visit"] == "24" and c["arm"] == "prp"]
    assert (row["n"], row["n_unmatched"]) == (N / 2, N / 2)
    assert row["undecided_share"] == pytest.approx(3 / 20)
    assert (row["matched_mean"], row["matched_sd"]) == pytest.approx((np.mean(own), np.std(own, ddof=1)))
    pooled = table.loc[("density_per_cm2", "24", WITHIN_ARMS)]
    assert pooled["n"] == N
    assert np.isnan(pooled["matched_mean"])
    assert pooled["sd_ratio_high"] < 0.5
    shares = [name for name in table if name.startswith("subjects_share_if_same_effect")]
    assert table.xs("density_per_cm2")[shares].isna().all(axis=None)
    of_width = table.loc[("mean_width_um", "24", WITHIN_ARMS)]
    squares = [of_width[name] ** 2 for name in ("sd_ratio", "sd_ratio_low", "sd_ratio_high")]
    assert of_width[shares].tolist() == pytest.approx(squares)

    effects, matched = (
        both.tables[name].query("endpoint == 'density_per_cm2' and visit == '24' and method == 'MMRM'").iloc[0]
        for name in ("effects", "matched_effects")
    )
    assert matched["high"] - matched["low"] < 0.5 * (effects["high"] - effects["low"])
    assert matched["low"] < 15 < matched["high"]
    assert list(both.tables["matched_effects"]) == list(both.tables["effects"])
    assert set(both.tables["matched_effects"]["significant"]) == {""}


def test_the_spread_of_a_split_scalp_trial_is_that_between_the_sides(write_run, split, rng):
    photos, changes = people(rng, sides=("left", "right"))
    run = write_run(photos)
    put(run, changes)
    tables = analyse_trial(run, split()).tables
    table = tables["matched_change"].set_index(["endpoint", "visit", "arm"])
    row = table.loc[("density_per_cm2", "24", BETWEEN_SIDES)]
    sides = pd.DataFrame([c for c in changes if c["visit"] == "24"])
    wide = sides.pivot(index="subject", columns="arm", values="density_change_per_cm2")
    difference = wide["prp"] - wide["placebo"]
    assert (row["n"], row["matched_mean"], row["matched_sd"]) == pytest.approx((N, difference.mean(), difference.std()))
    assert row["sd_ratio"] < 0.5
    estimate = tables["matched_effects"].query("endpoint == 'density_per_cm2' and visit == '24'")["estimate"]
    assert estimate.item() == pytest.approx(15, abs=2)


def test_only_what_was_matched_and_is_analysed_counts(write_run, parallel, rng):
    photos, changes = people(rng)
    photos[1]["flags"] = "out-of-focus"  # subject 0, prp, visit 12
    run = write_run(photos)
    refused = next(c for c in changes if (c["subject"], c["visit"]) == ("S02", "12"))
    refused |= {"refused": "other site", "density_change_per_cm2": "", "width_change_um": "", "common_area_cm2": ""}
    put(run, changes)
    table = analyse_trial(run, parallel()).tables["matched_change"].set_index(["endpoint", "visit", "arm"])
    row = table.loc[("density_per_cm2", "12", "prp")]
    assert (row["n"], row["n_unmatched"]) == (N / 2 - 2, N / 2 - 1)


def test_every_place_of_the_baseline_must_be_matched_and_all_weigh_alike(write_run, parallel, rng):
    photos, changes = people(rng)
    second = [{**p, "image": f"f{p['image']}", "site": "frontal"} for p in photos if p["subject"] in ("S00", "S02")]
    run = write_run([*photos, *second])
    of_second = [
        {**c, "image": f"f{c['image']}", "baseline_image": f"f{c['baseline_image']}", "site": "frontal"}
        | {"common_area_cm2": 0.3, "density_change_per_cm2": 100.0}
        for c in changes
        if c["subject"] == "S00"
    ]
    put(run, [*changes, *of_second])
    result = analyse_trial(run, parallel()).tables["matched_change"].set_index(["endpoint", "visit", "arm"])
    row = result.loc[("density_per_cm2", "24", "prp")]
    own = {c["subject"]: c["density_change_per_cm2"] for c in changes if c["visit"] == "24" and c["arm"] == "prp"}
    own["S00"] = 0.5 * own["S00"] + 0.5 * 100.0
    del own["S02"]
    assert (row["n"], row["matched_mean"]) == pytest.approx((len(own), np.mean(list(own.values()))))


def test_a_place_of_one_side_is_in_neither_change(write_run, split, rng):
    """The right frontal place has no fellow at the baseline: its many new hairs are in nobody's change."""
    photos, changes = people(rng, sides=("left", "right"))
    run = write_run(photos, name="alone")
    put(run, changes)
    alone = analyse_trial(run, split())

    def at_frontal(row):
        names = {key: f"f{row[key]}" for key in ("image", "baseline_image") if key in row}
        return {**row, **names, "site": "frontal", "density_per_cm2": 400}

    spare = [at_frontal(photo) for photo in photos if photo["side"] == "right" or photo["visit"] == "12"]
    run = write_run([*photos, *spare], name="spare")
    put(run, [*changes, *({**at_frontal(c), "density_change_per_cm2": 300.0} for c in changes if c["side"] == "right")])
    result = analyse_trial(run, split())
    for name in ("matched_change", "matched_effects"):
        pd.testing.assert_frame_equal(result.tables[name], alone.tables[name])
    assert set(result.data.places["site"]) == {"vertex"}


def test_changes_against_another_baseline_are_refused(write_run, parallel, rng):
    photos, changes = people(rng)
    run = write_run(photos)
    put(run, changes, baseline="12")
    with pytest.raises(TrialError, match=r"compares with visit 12, and the baseline of the design is 0"):
        analyse_trial(run, parallel())


def test_changes_of_other_measurements_are_refused(write_run, parallel, rng):
    photos, changes = people(rng)
    run = write_run(photos)
    put(run, changes)
    path = run / "images.csv"
    path.write_text(path.read_text().replace("0" * 64, "1" * 64, 1))
    with pytest.raises(TrialError, match=r"other photographs or measurements than images\.csv: run hairscan visits"):
        analyse_trial(run, parallel())
    (run / "visits.json").unlink()
    with pytest.raises(TrialError, match="cannot be used: run hairscan visits"):
        analyse_trial(run, parallel())


def test_the_interval_of_the_ratio_turns_the_test_of_pitman_and_morgan_round(rng):
    changes = rng.multivariate_normal((0, 0), ((4, 3), (3, 9)), 20)
    found = sd_ratio([changes], 0.05)
    for end in (found.low, found.high):
        # with the first column scaled to the end, sum and difference are correlated at just the level of the test
        scaled = changes / (end, 1.0)
        _, p = stats.pearsonr(scaled[:, 0] + scaled[:, 1], scaled[:, 0] - scaled[:, 1])
        assert p == pytest.approx(0.05)
    assert found.low < found.ratio < found.high


def test_the_interval_holds_the_true_ratio_as_often_as_it_says(rng):
    held = 0
    for _ in range(400):
        groups = [rng.multivariate_normal(mean, ((4, 3), (3, 9)), 6) for mean in ((0, 0), (5, 9))]
        found = sd_ratio(groups, 0.1)
        held += found.low < 2 / 3 < found.high
    assert held / 400 == pytest.approx(0.9, abs=0.04)


def test_too_few_subjects_give_no_interval():
    assert np.isnan(sd_ratio([np.array([[1.0, 2.0], [2.0, 5.0]])], 0.05).low)
    assert np.isnan(sd_ratio([np.array([[1.0, 2.0]])], 0.05).ratio)
