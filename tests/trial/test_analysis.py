import numpy as np
import pandas as pd
import pytest

from hairscan.report.trial_summary import summary_sentences
from hairscan.trial.analysis import analyse_trial

TABLES = (
    *("flow", "exclusions", "describe", "effects", "adjusted_means", "effect_sizes", "responders", "sensitivity"),
    *("reliability", "bland_altman", "sample_size", "literature", "warnings", "flagged_photos"),
)
VISITS = ("0", "12", "24")


def trial_photos(rng, arms, n=10, *, effect=0.0, split=False, **more):
    """Photographs of n subjects per arm, or of n subjects with one side per arm; the last arm gains the effect."""
    photos = []
    for place, arm in enumerate(arms):
        for number in range(n):
            subject = f"S{number:02d}" if split else f"{arm}-{number:02d}"
            side = {"side": ("left", "right")[place]} if split else {}
            density, width = rng.normal(150, 20), rng.normal(50, 4)
            for step, visit in enumerate(VISITS):
                gain = effect * step if arm == arms[-1] else 0.0
                values = {
                    "density_per_cm2": round(density + gain + rng.normal(0, 5), 2),
                    "mean_width_um": round(width + rng.normal(0, 1), 2),
                }
                photos.append({"subject": subject, "arm": arm, "visit": visit, **side, **values, **more})
    return photos


def rows_of(table, **names):
    for name, value in names.items():
        table = table[table[name] == value]
    return table


def adjusted_difference(observations, visit):
    """Treated less control of the mean changes, both at the mean baseline: least squares by hand, with its SE."""
    rows = rows_of(observations, endpoint="density_per_cm2", visit=visit)
    treated = (rows["arm"] == "prp").to_numpy(float)
    columns = np.column_stack([np.ones(len(rows)), treated, rows["base"] - rows["base"].mean()])
    inverse = np.linalg.inv(columns.T @ columns)
    solution = inverse @ columns.T @ rows["change"].to_numpy()
    residual = rows["change"].to_numpy() - columns @ solution
    return solution[1], np.sqrt(residual @ residual / (len(rows) - 3) * inverse[1, 1])


def test_complete_balanced_trial_has_the_closed_form(write_run, parallel):
    """Without missing visits the MMRM with baseline by visit is the least squares of each visit."""
    run = write_run(trial_photos(np.random.default_rng(1), ("placebo", "prp"), effect=8))
    result = analyse_trial(run, parallel())
    for method in ("MMRM", "ANCOVA"):
        for visit in ("12", "24"):
            effect = rows_of(
                result.tables["effects"], set="full", endpoint="density_per_cm2", visit=visit, method=method
            ).iloc[0]
            estimate, se = adjusted_difference(result.data.observations, visit)
            assert effect["estimate"] == pytest.approx(estimate, rel=1e-6)
            assert effect["se"] == pytest.approx(se, rel=1e-4)
            assert effect["df"] == pytest.approx(17, rel=1e-3)
    assert tuple(result.tables) == TABLES


def test_multiplicity_is_over_endpoints_at_the_primary_visit(write_run, parallel):
    run = write_run(trial_photos(np.random.default_rng(20), ("placebo", "prp"), effect=15))
    effects = analyse_trial(run, parallel(multiplicity="holm")).tables["effects"]
    tested = effects[effects["significant"] != ""]
    assert tested["endpoint"].tolist() == ["density_per_cm2", "mean_width_um"]
    assert set(tested["method"]) == {"MMRM"}
    assert set(tested["visit"]) == {"24"}
    smaller, larger = sorted(tested["p"])
    assert sorted(tested["p_adjusted"]) == pytest.approx([min(2 * smaller, 1), max(larger, 2 * smaller)])
    assert tested["significant"].tolist() == ["yes", "no"]


def test_per_protocol_leaves_subjects_out(write_run, parallel):
    run = write_run(trial_photos(np.random.default_rng(3), ("placebo", "prp")))
    result = analyse_trial(run, parallel(exclude=[{"subject": "prp-03", "reason": "dyed"}]))
    for name in ("effects", "adjusted_means", "effect_sizes", "sensitivity"):
        assert list(result.tables[name]["set"].unique()) == ["full", "per protocol"]
    n = rows_of(result.tables["effects"], endpoint="density_per_cm2", visit="24", method="ANCOVA").set_index("set")
    assert n["n_arm"].to_dict() == {"full": 10, "per protocol": 9}


def test_three_arms_and_covariates(write_run, parallel):
    photos = trial_photos(np.random.default_rng(4), ("placebo", "exosome", "prp"), effect=10)
    photos = [{**photo, "site": "vertex" if photo["subject"][-1] in "02468" else "frontal"} for photo in photos]
    design = parallel(treatments=["prp", "exosome"], covariates=["site"])
    effects = analyse_trial(write_run(photos), design).tables["effects"]
    primary = rows_of(effects, method="MMRM", visit="24")
    assert primary["estimate"].notna().all()
    assert set(primary["arm"]) == {"prp", "exosome"}
    p = [rows_of(primary, endpoint=e, arm=a)["p"].item() for e in design.endpoints for a in design.treatments]
    adjusted = [
        rows_of(primary, endpoint=e, arm=a)["p_adjusted"].item() for e in design.endpoints for a in design.treatments
    ]
    assert adjusted == pytest.approx(np.maximum.accumulate(p))


def test_drop_outs_are_kept_and_their_visits_imputed(write_run, parallel):
    photos = trial_photos(np.random.default_rng(5), ("placebo", "prp"), effect=8)
    photos = [p for p in photos if not (p["visit"] == "24" and p["subject"] in ("prp-01", "prp-02", "placebo-01"))]
    tables = analyse_trial(write_run(photos), parallel()).tables
    effect = rows_of(tables["effects"], endpoint="density_per_cm2", visit="24", method="MMRM").iloc[0]
    assert (effect["n_arm"], effect["n_control"]) == (8, 9)
    sensitivity = rows_of(tables["sensitivity"], endpoint="density_per_cm2", visit="24")
    assert sensitivity["method"].tolist() == ["reference-based imputation", "delta adjustment"]
    assert sensitivity["estimate"].notna().all()
    assert sensitivity["estimate"].iloc[0] < effect["estimate"]


def test_split_scalp(write_run, split):
    photos = trial_photos(np.random.default_rng(6), ("placebo", "prp"), n=12, effect=8, split=True)
    result = analyse_trial(write_run(photos), split(responder={"endpoint": "density_per_cm2", "change": 10}))
    assert tuple(result.tables) == (*TABLES[:3], "pairs", *TABLES[3:])
    rows = rows_of(result.data.observations, endpoint="density_per_cm2", visit="24").pivot(
        index="subject", columns="arm"
    )
    difference = rows["change"]["prp"] - rows["change"]["placebo"]
    effects = rows_of(result.tables["effects"], endpoint="density_per_cm2", visit="24").set_index("method")
    assert effects.loc["paired t", "estimate"] == pytest.approx(difference.mean())
    assert effects.loc["paired t", "se"] == pytest.approx(difference.std() / np.sqrt(12))
    assert set(effects.index) == {"MMRM", "paired t", "Wilcoxon signed rank"}
    # complete pairs: the MMRM is the least squares of the difference on the baseline difference, at no difference
    base = (rows["base"]["prp"] - rows["base"]["placebo"]).to_numpy()
    columns = np.column_stack([np.ones(12), base])
    assert effects.loc["MMRM", "estimate"] == pytest.approx(
        np.linalg.lstsq(columns, difference.to_numpy(), rcond=None)[0][0], rel=1e-6
    )
    assert effects.loc["MMRM", "significant"] == "yes"
    assert result.tables["responders"]["n_arm"].tolist() == [12, 12]
    sizes = result.tables["effect_sizes"]
    assert sizes["dominance_of_pairs"].notna().all()
    assert sizes["cliffs_delta"].isna().all()
    assert "(g_av), and the dominance of pairs" in " ".join(result.methods)


def test_pairs_that_left_are_imputed_as_no_difference(write_run, split):
    """S00 and S01 lack one side or both at the last visit; both sides of S02 were only seen at baseline."""
    photos = trial_photos(np.random.default_rng(6), ("placebo", "prp"), n=20, effect=8, split=True)
    gone = {("S00", "24", "left"), ("S01", "24", "left"), ("S01", "24", "right")}
    gone |= {("S02", visit, side) for visit in ("12", "24") for side in ("left", "right")}
    photos = [p for p in photos if (p["subject"], p["visit"], p["side"]) not in gone]
    tables = analyse_trial(write_run(photos), split()).tables
    rows = rows_of(tables["sensitivity"], endpoint="density_per_cm2", visit="24").set_index("method")
    assert rows.index.tolist() == [
        *("reference-based imputation", "delta adjustment", "paired t", "Wilcoxon signed rank")
    ]
    imputed = rows.loc["reference-based imputation"]
    assert imputed["note"] == "jump to no difference; 3 of 20 pairs imputed"
    model = rows_of(tables["effects"], endpoint="density_per_cm2", visit="24", method="MMRM")["estimate"].item()
    assert imputed["estimate"] == pytest.approx(model * 17 / 20, abs=0.15 * model)
    assert rows.loc["paired t", "n_arm"] == 17


def test_threshold_of_responders_is_no_smaller_than_the_detectable_change(write_run, parallel):
    rng = np.random.default_rng(7)
    photos = trial_photos(rng, ("placebo", "prp"), effect=8)
    again = [{**p, "density_per_cm2": p["density_per_cm2"] + rng.normal(0, 15)} for p in photos if p["visit"] == "0"]
    rule = {"endpoint": "density_per_cm2", "change": 5}
    known = analyse_trial(write_run([*photos, *again]), parallel(responder=rule))
    repeated = rows_of(known.tables["reliability"], endpoint="density_per_cm2").iloc[0]
    # two photographs of the baseline and one of the later visit
    least = 1.96 * repeated["sem"] * np.sqrt(1 / 2 + 1)
    assert (repeated["df"], least > 5) == (20, True)
    observed = rows_of(known.data.observations, endpoint="density_per_cm2", visit="24", arm="prp")
    assert known.tables["responders"]["responders_arm"].iloc[0] == (observed["change"] >= least).sum()
    few = analyse_trial(write_run([*photos, *again[:9]], name="few"), parallel(responder=rule))
    assert few.tables["warnings"]["warning"].str.contains(r"fewer than 10 degrees of freedom \(same visit: 9\)").any()
    observed = rows_of(few.data.observations, endpoint="density_per_cm2", visit="24", arm="prp")
    repeated = rows_of(few.tables["reliability"], endpoint="density_per_cm2").iloc[0]
    least = 1.96 * repeated["sem"] * np.sqrt(observed["photo_variance"])
    assert few.tables["responders"]["responders_arm"].iloc[0] == (observed["change"] >= least).sum()
    assert any("fewer than 10 degrees of freedom" in sentence for sentence in few.methods)
    unknown = analyse_trial(write_run(photos, name="once"), parallel(responder=rule))
    assert unknown.tables["warnings"]["warning"].str.contains("minimal detectable change is unknown").any()
    assert any("is unknown" in sentence for sentence in unknown.methods)


def test_without_control_the_trial_is_only_described(write_run, parallel):
    run = write_run(trial_photos(np.random.default_rng(8), ("prp",), effect=8))
    result = analyse_trial(run, parallel(control=None))
    assert len(result.tables["describe"]) == 3 * 5
    for name in ("effects", "adjusted_means", "effect_sizes", "responders", "sensitivity"):
        assert result.tables[name].empty, name
    assert result.tables["warnings"]["warning"].str.contains("no control arm").sum() == 1
    methods = " ".join(result.methods)
    assert "no effect was estimated. Intervals are 95 %." in methods
    assert "were compared" not in methods
    asked = parallel(control=None, responder={"endpoint": "density_per_cm2", "change": 10})
    counted = analyse_trial(run, asked)
    assert counted.tables["responders"]["n_arm"].tolist() == [10, 10]
    assert "A responder had a gain in" in " ".join(counted.methods)


@pytest.mark.parametrize("is_split", [False, True])
def test_all_that_was_measured_is_described_and_only_the_design_is_tested(is_split, write_run, parallel, split):
    photos = trial_photos(np.random.default_rng(2), ("placebo", "prp"), n=6, split=is_split)
    photos = [{**photo, "hair_count": number % 7 + 10, "operator": "A"} for number, photo in enumerate(photos)]
    photos += [{**photo, "operator": "B"} for photo in photos[:6]]
    design = (split if is_split else parallel)(endpoints=["density_per_cm2"], differences={"hair_count": [5]})
    tables = analyse_trial(write_run(photos), design).tables
    measured = ["density_per_cm2", "hair_count", "terminal_40um_per_cm2", "vellus_40um_per_cm2", "mean_width_um"]
    for name in ("describe", "reliability", *(["pairs"] if is_split else [])):
        assert list(tables[name]["endpoint"].unique()) == measured, name
    assert set(tables["sample_size"]["endpoint"]) == {"hair_count"}
    for name in ("effects", "effect_sizes", "sensitivity", *([] if is_split else ["adjusted_means"])):
        assert set(tables[name]["endpoint"]) == {"density_per_cm2"}, name
    unit = tables["literature"].query("endpoint == 'mean_width_um'")["not_comparable"]
    assert unit.str.contains("not an endpoint of this trial").all()


def test_one_subject_per_arm_is_described_and_not_tested(write_run, parallel):
    run = write_run(trial_photos(np.random.default_rng(9), ("placebo", "prp"), n=1))
    tables = analyse_trial(run, parallel()).tables
    assert tables["effects"]["estimate"].isna().all()
    assert tables["effects"]["note"].str.contains("not estimable").all()
    assert tables["describe"]["n"].eq(1).all()


def test_warnings_for_changes_that_are_no_growth(write_run, parallel):
    photos = [
        {
            "subject": "S1",
            "arm": "placebo",
            "visit": "0",
            "density_per_cm2": 100,
            "device": "A",
            "days_since_clipping": 2,
        },
        {
            "subject": "S1",
            "arm": "placebo",
            "visit": "3",
            "density_per_cm2": 131,
            "device": "B",
            "days_since_clipping": 4,
        },
        {"subject": "S1", "arm": "placebo", "visit": "24", "density_per_cm2": 200, "um_per_px": 3.0},
        {"subject": "S2", "arm": "prp", "visit": "0", "hair_count": 20, "flags": "width-missing:5"},
        {"subject": "S2", "arm": "prp", "visit": "3", "density_per_cm2": 180},
    ]
    design = parallel(visits={"0": 0, "3": 3, "24": 24}, endpoints=["density_per_cm2"])
    warnings = analyse_trial(write_run(photos), design).tables["warnings"]
    assert warnings["warning"].tolist() == [
        "changed by +31 within 3 weeks (limit 30)",
        "the device changed: A, B",
        "the scale differs from 2.78 to 3 um per px: if it is wrong, the density is wrong by 16 %",
        "days since clipping differ from 2 to 4",
        "003.png: 5 of 20 hairs have no width",
    ]
    assert warnings["subject"].tolist() == ["S1"] * 4 + ["S2"]


def test_an_endpoint_lost_in_an_arm_keeps_its_hypothesis_and_is_warned_of(write_run, parallel):
    """No width under prp, and none at half of the baselines of placebo."""
    photos = trial_photos(np.random.default_rng(21), ("placebo", "exosome", "prp"), effect=15)
    lost = {"prp"} | {f"placebo-{number:02d}" for number in range(0, 10, 2)}
    photos = [
        {**p, "mean_width_um": ""} if p["arm"] in lost or (p["subject"] in lost and p["visit"] == "0") else p
        for p in photos
    ]
    endpoints = ["density_per_cm2", "mean_width_um", "terminal_40um_per_cm2"]
    photos = [{**p, "terminal_40um_per_cm2": p["density_per_cm2"] / 2} for p in photos]
    design = parallel(treatments=["prp", "exosome"], endpoints=endpoints)
    result = analyse_trial(write_run(photos), design)
    tested = rows_of(result.tables["effects"], set="full", method="MMRM", visit="24")
    assert list(zip(tested["endpoint"], tested["arm"], strict=True)) == [
        (endpoint, arm) for endpoint in endpoints for arm in ("prp", "exosome")
    ]
    assert tested["estimate"].isna().tolist() == [False, False, True, False, False, False]
    assert tested["p_adjusted"].isna().tolist() == [False, False, True, True, True, True]
    notes = tested["note"].tolist()
    assert notes[:2] == ["", ""]
    assert notes[2].startswith("not estimable: an arm has no value")
    assert all(n.endswith("not tested: one before it in the fixed sequence is not estimable") for n in notes[3:])
    assert tested["n_control"].tolist() == [10, 10, 5, 5, 10, 10]
    assert result.tables["warnings"]["warning"].tolist() == [
        "subjects of the full analysis set without a baseline or a later visit of this endpoint: "
        "5 of 10 in placebo, 10 of 10 in prp"
    ]
    assert result.tables["warnings"]["endpoint"].tolist() == ["mean_width_um"]
    by_holm = analyse_trial(write_run(photos, name="holm"), design.model_copy(update={"multiplicity": "holm"}))
    tested = rows_of(by_holm.tables["effects"], set="full", method="MMRM", visit="24")
    assert tested["p_adjusted"].isna().tolist() == [False, False, True, False, False, False]
    assert not tested["note"].str.contains("not tested").any()


def test_the_summary_says_that_a_hypothesis_was_not_tested(write_run, parallel):
    """The first treatment has no value at the primary visit, so the fixed sequence ends before the second."""
    photos = trial_photos(np.random.default_rng(25), ("placebo", "prp", "exosome"), effect=15)
    photos = [p for p in photos if not (p["arm"] == "prp" and p["visit"] == "24")]
    design = parallel(treatments=["prp", "exosome"], endpoints=["density_per_cm2"])
    prp, exosome, _ = summary_sentences(analyse_trial(write_run(photos), design))
    assert "cannot be estimated" in prp
    assert exosome.endswith(
        "Over all tests, in their fixed sequence, it was not tested: one before it is not estimable."
    )


@pytest.mark.parametrize("is_split", [False, True])
def test_hypotheses_stand_where_nobody_came_to_the_primary_visit(is_split, write_run, parallel, split):
    photos = trial_photos(np.random.default_rng(22), ("placebo", "prp"), split=is_split)
    photos = [{**p, "flags": "out-of-focus"} if p["visit"] == "24" else p for p in photos]
    design = (split if is_split else parallel)(exclude=[{"subject": photos[0]["subject"], "reason": "dyed"}])
    effects = analyse_trial(write_run(photos), design).tables["effects"]
    tested = rows_of(effects, visit="24")
    assert tested["set"].tolist() == ["full", "full", "per protocol", "per protocol"]
    assert tested["endpoint"].tolist() == ["density_per_cm2", "mean_width_um"] * 2
    assert tested[["n_arm", "n_control"]].eq(0).all(axis=None)
    assert tested["note"].str.startswith("not estimable: no value of this endpoint at this visit").all()
    assert rows_of(effects, visit="12", method="MMRM")["estimate"].notna().all()


def test_a_count_over_another_area_is_warned_of_where_it_is_tested(write_run, parallel):
    """The judged area shrinks from 0.1 to 0.07 cm2 under prp: hairs go that nobody lost."""
    photos = trial_photos(np.random.default_rng(23), ("placebo", "prp"), n=5)
    photos = [
        {**p, "area_cm2": 0.07, "hair_count": 11} if p["arm"] == "prp" and p["visit"] == "24" else p for p in photos
    ]
    photos[0] |= {"area_cm2": 0.104}
    run = write_run(photos)
    warnings = analyse_trial(run, parallel(endpoints=["hair_count"])).tables["warnings"]
    assert warnings["subject"].tolist() == [f"prp-{number:02d}" for number in range(5)]
    assert set(warnings["endpoint"]) == {"hair_count"}
    assert set(warnings["warning"]) == {
        "the judged area differs from 0.07 to 0.1 cm2: that alone changes the count by 43 %"
    }
    assert analyse_trial(run, parallel()).tables["warnings"].empty


def test_copies_are_in_the_methods(write_run, parallel):
    photos = trial_photos(np.random.default_rng(24), ("placebo", "prp"), n=5)
    photos[2] = {**photos[0], "visit": "24", "sha256": f"{0:064x}"}
    copied = " ".join(analyse_trial(write_run(photos), parallel()).methods)
    assert "Of photographs that are the same file 1 copy had no part in the analysis." in copied


def test_facts_and_methods_name_what_measured(write_run, parallel):
    result = analyse_trial(write_run(trial_photos(np.random.default_rng(10), ("placebo", "prp"))), parallel())
    assert result.facts["sha256 of the model"] == "ab" * 32
    assert result.facts["photographs"] == "60"
    assert result.facts["human corrections"] == "none recorded"
    assert len(result.facts["sha256 of images.csv"]) == 64
    text = " ".join(result.methods)
    for word in ("Satterthwaite", "missing at random", "fixed sequence", "hairscan 0.1.0", "treatment policy"):
        assert word in text
    assert "same file" not in text
    assert "each endpoint was analysed in every subject with a baseline and a later visit of its own" in text


def test_methods_count_and_measure_as_people_write(write_run, parallel):
    photos = trial_photos(np.random.default_rng(12), ("placebo", "prp"), n=5)
    photos[3] = {**photos[3], "flags": "out-of-focus"}
    failure = {"image": "bad.png", "subject": "prp-00", "arm": "prp", "visit": "0", "error": "PhotoError"}
    design = parallel(exclude=[{"subject": "prp-03", "reason": "dyed"}])
    text = " ".join(analyse_trial(write_run(photos, [failure]), design).methods)
    assert "1 further photograph could not be measured, and 1 was not analysed." in text
    assert "leaves out 1 subject named" in text
    assert "(total area hair density (/cm²), mean hair diameter (µm))" in text
    none = " ".join(analyse_trial(write_run(photos[:3] + photos[4:], name="whole"), parallel()).methods)
    assert "0 further photographs could not be measured, and 0 were not analysed." in none


def test_order_of_the_photographs_does_not_matter(write_run, parallel):
    photos = trial_photos(np.random.default_rng(11), ("placebo", "prp"), effect=5)
    photos = [{**photo, "image": f"{number:03d}.png"} for number, photo in enumerate(photos)]
    first = analyse_trial(write_run(photos), parallel()).tables
    second = analyse_trial(write_run(photos[::-1], name="turned"), parallel()).tables
    for name, table in first.items():
        if name != "flagged_photos":
            pd.testing.assert_frame_equal(table, second[name], rtol=1e-9)
