import math

import pandas as pd
import pytest

from hairscan.errors import TrialError
from hairscan.trial.data import read_observations
from hairscan.trial.methods import facts_of, methods_of
from hairscan.trial.plausible import find_warnings
from hairscan.trial.reliability import bland_altman


def visits(subject, arm, densities, **more):
    """One photograph per visit with these densities."""
    return [
        {"subject": subject, "arm": arm, "visit": visit, "density_per_cm2": density, **more}
        for visit, density in zip(("0", "12", "24"), densities, strict=True)
        if density is not None
    ]


NO_ERRORS = pd.DataFrame(columns=["kind", "sem", "df"])
TWO = [*visits("S1", "placebo", (100, 104, 105)), *visits("S2", "prp", (200, 220, 250))]


def cell(table, **names):
    for name, value in names.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_change_from_baseline(write_run, parallel):
    observations = read_observations(write_run(TWO), parallel()).observations
    row = cell(observations, subject="S2", visit="24", endpoint="density_per_cm2")
    assert (row["base"], row["change"], row["percent_change"], row["week"]) == (200, 50, 25, 24)
    assert row["analysed"]
    assert not row["is_baseline"]
    # the design's endpoints first, then what else the photographs of `BASE` hold, in the order of the parameters
    assert list(observations["endpoint"].unique()) == [
        *("density_per_cm2", "mean_width_um"),
        *("hair_count", "terminal_40um_per_cm2", "vellus_40um_per_cm2"),
    ]


def test_percent_change_of_zero_base_is_nan(write_run, parallel):
    photos = [*TWO, *visits("S3", "prp", (0, 10, 20))]
    row = cell(
        read_observations(write_run(photos), parallel()).observations,
        subject="S3",
        visit="12",
        endpoint="density_per_cm2",
    )
    assert row["change"] == 10
    assert math.isnan(row["percent_change"])


def test_photographs_of_a_visit_are_averaged_by_area(write_run, parallel):
    again = {
        "subject": "S1",
        "arm": "placebo",
        "visit": "0",
        "density_per_cm2": 200,
        "mean_width_um": 60,
        "area_cm2": 0.3,
    }
    data = read_observations(write_run([*TWO, again]), parallel())
    density = cell(data.observations, subject="S1", visit="0", endpoint="density_per_cm2")
    assert density["value"] == pytest.approx((100 * 0.1 + 200 * 0.3) / 0.4)
    assert density["n_photos"] == 2
    assert cell(data.observations, subject="S1", visit="0", endpoint="mean_width_um")["value"] == 55
    repeats = data.repeats[data.repeats["endpoint"] == "density_per_cm2"]
    assert repeats[["kind", "repeat", "value"]].to_numpy().tolist() == [
        ["same visit", 1, 100.0],
        ["same visit", 2, 200.0],
    ]


def test_a_count_over_its_area_is_the_density(write_run, parallel):
    """Two photographs of one place: 10 + 50 hairs on 0.1 + 0.3 cm2."""
    photos = [*of_place("vertex", 10, 0.1), *of_place("vertex", 50, 0.3)]
    rows = read_observations(write_run([*TWO, *photos]), parallel()).observations
    count = cell(rows, subject="S5", visit="24", endpoint="hair_count")
    density = cell(rows, subject="S5", visit="24", endpoint="density_per_cm2")
    assert (count["value"], count["area_cm2"], count["n_photos"]) == (30, pytest.approx(0.2), 2)
    assert density["value"] == pytest.approx(30 / 0.2)


def of_place(site, count, area_cm2, visits=("0", "24")):
    """A photograph of a place at these visits."""
    of_all = {"subject": "S5", "arm": "placebo", "site": site, "hair_count": count, "area_cm2": area_cm2}
    return [{**of_all, "visit": visit, "density_per_cm2": count / area_cm2} for visit in visits]


def test_glare_on_the_denser_place_is_no_change(write_run, parallel):
    """Both places keep their densities of 300 and 100, and one is judged on half of its area at the second visit."""
    frontal = [*of_place("frontal", 30, 0.1, ["0"]), *of_place("frontal", 15, 0.05, ["24"])]
    photos = [*of_place("vertex", 10, 0.1), *frontal]
    rows = read_observations(write_run([*TWO, *photos]), parallel()).observations
    density = cell(rows, subject="S5", visit="24", site="frontal+vertex", endpoint="density_per_cm2")
    assert (density["value"], density["change"]) == (pytest.approx(200), pytest.approx(0))


def test_who_has_only_what_the_design_does_not_test_is_not_analysed(write_run, parallel):
    """Without a scale there is a count and no density: the count is described, the subject is in no analysis set."""
    unscaled = dict.fromkeys(["density_per_cm2", "mean_width_um", "area_cm2"], "")
    data = read_observations(
        write_run([*TWO, *({**p, **unscaled} for p in visits("S3", "prp", (1, 2, 3)))]), parallel()
    )
    assert set(data.observations.loc[data.observations["subject"] == "S3", "endpoint"]) >= {"hair_count"}
    flow = data.flow[data.flow["arm"] == "prp"].set_index("item")["n"]
    assert flow["subjects in the full analysis set"] == 1
    assert cell(data.exclusions, subject="S3")["reason"] == "no baseline"


def test_a_place_that_lacks_what_the_design_does_not_test_drops_no_visit(write_run, parallel):
    photos = [*visits("S3", "prp", (100, 110, 120), site="vertex"), *visits("S3", "prp", (90, 95, 99), site="frontal")]
    photos[1]["terminal_40um_per_cm2"] = ""
    data = read_observations(write_run([*TWO, *photos]), parallel())
    assert data.exclusions.empty
    seen = data.observations[data.observations["subject"] == "S3"].groupby("endpoint")["visit"].nunique()
    assert (seen["density_per_cm2"], seen["terminal_40um_per_cm2"]) == (3, 2)


def test_sites_are_averaged_and_a_visit_without_one_is_left_out(write_run, parallel):
    photos = [
        *TWO,
        *visits("S3", "prp", (100, 110, 120), site="vertex"),
        *visits("S3", "prp", (200, None, 240), site="frontal"),
    ]
    data = read_observations(write_run(photos), parallel())
    rows = data.observations[
        (data.observations["subject"] == "S3") & (data.observations["endpoint"] == "mean_width_um")
    ]
    assert rows["visit"].tolist() == ["0", "24"]
    row = cell(data.observations, subject="S3", visit="24", endpoint="density_per_cm2")
    assert (row["value"], row["base"], row["site"]) == (180, 150, "frontal+vertex")
    left_out = cell(data.exclusions, subject="S3")
    assert (left_out["level"], left_out["visit"], left_out["site"]) == ("visit", "12", "vertex")


def test_poor_photographs_are_left_out_with_the_reason(write_run, parallel):
    photos = [*TWO, *visits("S3", "prp", (100, 110, 120), flags="glare;out-of-focus")]
    data = read_observations(write_run(photos), parallel())
    assert "S3" not in set(data.observations["subject"])
    of_photos = data.exclusions[data.exclusions["level"] == "photograph"]
    assert of_photos["reason"].tolist() == ["out of focus: thin hairs may be missing"] * 3
    assert cell(data.exclusions, level="subject")["reason"] == "no photograph can be analysed"
    kept = read_observations(write_run(photos, name="kept"), parallel(unusable_flags=[]))
    assert "S3" in set(kept.observations["subject"])


def test_flow_counts_every_subject(write_run, parallel):
    photos = [*TWO, *visits("S3", "prp", (None, 110, 120)), *visits("S4", "prp", (100, None, None))]
    failures = [{"image": "bad.png", "subject": "S5", "arm": "prp", "visit": "0", "error": "PhotoError"}]
    data = read_observations(write_run(photos, failures), parallel(exclude=[{"subject": "S2", "reason": "dyed"}]))
    flow = data.flow[data.flow["arm"] == "prp"].set_index(["item", "visit"])["n"].to_dict()
    assert flow[("subjects in the manifest", "")] == 4
    assert flow[("photographs that failed", "")] == 1
    assert flow[("subjects without baseline", "")] == 2
    assert flow[("subjects without a later visit", "")] == 1
    assert flow[("subjects in the full analysis set", "")] == 1
    assert flow[("subjects in the per-protocol set", "")] == 0
    reasons = data.exclusions.set_index(["level", "subject"])["reason"].to_dict()
    assert reasons["subject", "S3"] == "no baseline"
    assert reasons["subject", "S4"] == "no later visit"
    assert reasons["subject", "S5"] == "no photograph can be analysed"
    assert reasons["per protocol", "S2"] == "dyed"


def test_who_is_listed_and_was_never_photographed_is_counted(write_run, parallel, tmp_path):
    """S5 was photographed once, in vain; the subjects file tells the arm of S6, and not that of S7."""
    listed = ["S1,placebo", "S2,prp", "S5,prp", "S6,prp", "S7,"]
    (tmp_path / "subjects.csv").write_text("\n".join(["subject,arm", *listed]) + "\n")
    failures = [{"image": "bad.png", "subject": "S5", "arm": "prp", "visit": "0", "error": "PhotoError"}]
    run = write_run(TWO, failures)
    data = read_observations(run, parallel(subjects=str(tmp_path / "subjects.csv")))
    flow = data.flow[data.flow["item"] == "subjects listed without a photograph"]
    assert dict(zip(flow["arm"], flow["n"], strict=True)) == {"placebo": 0, "prp": 1, "": 1}
    lines = data.exclusions[data.exclusions["reason"] == "listed without a photograph"]
    assert lines[["level", "subject", "arm"]].to_numpy().tolist() == [["subject", "S6", "prp"], ["subject", "S7", ""]]
    (tmp_path / "subjects.csv").write_text("subject\nS1\nS2\nS7\n")
    data = read_observations(run, parallel(subjects=str(tmp_path / "subjects.csv")))
    assert data.exclusions["subject"].tolist() == ["S5", "S7"]
    assert "subjects listed without a photograph" not in set(read_observations(run, parallel()).flow["item"])


def test_sides_of_a_split_scalp_are_units(write_run, split):
    photos = [
        *visits("S1", "placebo", (100, 101, 102), side="left", site="left temple"),
        *visits("S1", "prp", (110, 121, 132), side="right", site="right temple"),
        *visits("S2", "prp", (110, 121, 132), side="right"),
    ]
    data = read_observations(write_run(photos), split())
    rows = data.observations[data.observations["endpoint"] == "density_per_cm2"]
    assert cell(rows, subject="S1", side="right", visit="24")["change"] == 22
    assert rows[rows["subject"] == "S1"]["site"].nunique() == 1
    assert cell(data.exclusions, subject="S2")["reason"] == "only the prp side has a change: no pair"


def test_the_flow_of_a_split_scalp_reaches_the_pairs(write_run, split):
    """S2 lacks a baseline on the left, S3 the last visit on the right, and S4 shows both sides at no later visit."""
    seen = {
        "S1": ((100, 101, 102), (110, 121, 132)),
        "S2": ((None, 101, 102), (110, 121, 132)),
        "S3": ((100, 101, 102), (110, 121, None)),
        "S4": ((100, None, 102), (110, 121, None)),
    }
    photos = [
        photo
        for subject, (left, right) in seen.items()
        for photo in (
            *visits(subject, "placebo", left, side="left", mean_width_um=50),
            *visits(subject, "prp", right, side="right", mean_width_um="" if subject == "S3" else 50),
        )
    ]
    design = split(exclude=[{"subject": "S3", "reason": "dyed"}])
    data = read_observations(write_run(photos), design)
    for arm, lost in (("placebo", {"without baseline": 1, "without a pair": 1}), ("prp", {"without a pair": 2})):
        flow = data.flow[data.flow["arm"] == arm].set_index(["item", "visit"])["n"].to_dict()
        assert flow["subjects in the manifest", ""] == 4
        for why in ("without baseline", "without a later visit", "without a pair"):
            assert flow[f"subjects {why}", ""] == lost.get(why, 0)
        assert flow["pairs in the full analysis set", ""] == 2
        assert (flow["pairs analysed at the visit", "12"], flow["pairs analysed at the visit", "24"]) == (2, 1)
        assert (flow["pairs left out of the per-protocol set", ""], flow["pairs in the per-protocol set", ""]) == (1, 1)
        assert not any(item.startswith("subjects in the full") for item, _ in flow)
    reasons = data.exclusions[data.exclusions["side"] == ""].set_index(["level", "subject"])["reason"].to_dict()
    assert reasons["subject", "S2"] == "only the prp side has a change: no pair"
    assert reasons["subject", "S4"] == "no visit shows a change of both sides: no pair"
    (warning,) = find_warnings(data, NO_ERRORS, design)["warning"]
    assert warning == "pairs of the full analysis set without a difference of this endpoint: 1 of 2 in prp"


def test_both_sides_of_a_pair_are_of_the_same_places(write_run, split):
    """The frontal place, whose hair grows by itself, has no baseline on the right: it is in neither side."""
    photos = [
        *visits("S1", "placebo", (100, 100, 100), side="left", site="vertex"),
        *visits("S1", "placebo", (200, 220, 240), side="left", site="frontal"),
        *visits("S1", "prp", (100, 100, 100), side="right", site="vertex"),
        *visits("S1", "prp", (None, 220, 240), side="right", site="frontal"),
        *visits("S2", "placebo", (200, 220, 240), side="left", site="frontal"),
        *visits("S2", "prp", (200, 220, 240), side="right", site="frontal"),
    ]
    data = read_observations(write_run(photos), split())
    rows = data.observations[data.observations["endpoint"] == "density_per_cm2"]
    changes = rows[rows["visit"] == "24"].set_index(["subject", "side"])[["change", "site"]].T.to_dict("list")
    assert changes["S1", "left"] == changes["S1", "right"] == [0, "vertex"]
    assert changes["S2", "left"] == changes["S2", "right"] == [40, "frontal"]
    lost = data.exclusions[data.exclusions["reason"] == "the other side has no baseline of this place"]
    assert [tuple(row) for row in lost[["subject", "side", "site", "visit"]].to_numpy()] == [
        *(("S1", "left", "frontal", visit) for visit in ("0", "12", "24")),
        *(("S1", "right", "frontal", visit) for visit in ("12", "24")),
    ]


def test_photographs_and_operators_share_out_the_error(write_run, parallel):
    """S1 has two photographs of the vertex and one of the front at the baseline, then one of each."""
    photos = [
        *({"subject": "S1", "arm": "prp", "visit": "0", "site": "vertex", "operator": name} for name in "AB"),
        {"subject": "S1", "arm": "prp", "visit": "0", "site": "front", "operator": "A"},
        *(
            {"subject": "S1", "arm": "prp", "visit": "24", "site": site, "operator": "A"}
            for site in ("vertex", "front")
        ),
        *({"subject": "S2", "arm": "placebo", "visit": "0", "operator": name} for name in "AABB"),
        *({"subject": "S2", "arm": "placebo", "visit": "24", "operator": name} for name in "AB"),
    ]
    table = read_observations(write_run(photos), parallel(visits={"0": 0, "24": 24})).observations
    first = cell(table, subject="S1", visit="24", endpoint="density_per_cm2")
    assert first["photo_variance"] == pytest.approx((1 / 2 + 1) / 4 + (1 + 1) / 4)
    assert first["operator_variance"] == 2
    second = cell(table, subject="S2", visit="24", endpoint="density_per_cm2")
    assert (second["photo_variance"], second["operator_variance"]) == (1 / 4 + 1 / 2, 1)
    assert math.isnan(cell(table, subject="S1", visit="0", endpoint="density_per_cm2")["photo_variance"])


def test_visits_off_their_plan_are_named_and_days_tell_what_is_sudden(write_run, parallel):
    dates = {"0": "2026-01-01", "12": "2026-01-15", "24": "2026-06-18"}
    photos = [{**photo, "date": dates[photo["visit"]]} for photo in visits("S3", "prp", (100, 140, 150))]
    design = parallel(implausible={"density_per_cm2": 30})
    data = read_observations(write_run([*TWO, *photos]), design)
    lines = find_warnings(data, NO_ERRORS, design)[["subject", "visit", "warning"]]
    assert [tuple(line) for line in lines.to_numpy()] == [
        ("S3", "12", "photographed 14 days after the baseline, planned 84"),
        ("S3", "12", "changed by +40 within 2 weeks (limit 30)"),
    ]


@pytest.mark.parametrize(
    ("ages", "words"),
    [
        (
            ("45", "NA", "50"),
            "covariates: age is a number of most subjects, but not 'NA' of S2: give",
        ),
        (("45,3", "50,1", "50,2"), "covariates: age has commas in its numbers (45,3): write points"),
        (("c. 45", "c. 46", "c. 47"), "covariates: age has 3 different texts in 3 subjects: these are no groups"),
    ],
)
def test_a_covariate_is_numbers_or_groups(write_run, parallel, tmp_path, ages, words):
    rows = [f'S{number},"{age}"' for number, age in enumerate(ages, start=1)]
    (tmp_path / "subjects.csv").write_text("\n".join(["subject,age", *rows]) + "\n")
    design = parallel(covariates=["age"], subjects=str(tmp_path / "subjects.csv"))
    with pytest.raises(TrialError) as error:
        read_observations(write_run([*TWO, *visits("S3", "prp", (100, 110, 120))]), design)
    (problem,) = error.value.problems
    assert problem.startswith(words)


def test_how_a_covariate_enters_is_said(write_run, parallel, tmp_path):
    centres = {"S1": "1,a", "S2": "2,b", "S3": "3,a", "S4": "1,b"}
    lines = [f"{subject},{cells}" for subject, cells in centres.items()]
    (tmp_path / "subjects.csv").write_text("\n".join(["subject,centre,sex", *lines]) + "\n")
    design = parallel(covariates=["centre", "sex"], subjects=str(tmp_path / "subjects.csv"))
    photos = [*TWO, *visits("S3", "prp", (100, 110, 120)), *visits("S4", "placebo", (100, 101, 102))]
    data = read_observations(write_run(photos), design)
    methods = " ".join(methods_of(design, data, NO_ERRORS))
    assert "baseline by visit, centre (a number), sex (groups);" in methods
    (warning,) = find_warnings(data, NO_ERRORS, design)["warning"]
    told = "the covariate centre (1, 2, 3) enters as a number, with one slope"
    assert warning == f"{told}: if these are names of groups, write C1 for 1 and so on"


def test_failed_photographs_have_arms_of_the_design(write_run, parallel):
    failures = [{"image": "bad.png", "subject": "S5", "arm": "Prp", "visit": "0", "error": "PhotoError"}]
    with pytest.raises(TrialError) as error:
        read_observations(write_run(TWO, failures), parallel())
    assert error.value.problems == (
        "failures.csv line 2: arm Prp is neither the control nor a treatment of the design",
    )


def test_operators_and_duplicates_are_repeats(write_run, parallel):
    photos = [
        *visits("S1", "placebo", (100, 104, 105), operator="A", duplicate="0"),
        *visits("S2", "prp", (200, 220, 250), operator="A", duplicate="0"),
        {"subject": "S2", "arm": "prp", "visit": "24", "density_per_cm2": 254, "operator": "B", "duplicate": "0"},
        {
            "image": "002.png",
            "subject": "S1",
            "arm": "placebo",
            "visit": "24",
            "operator": "A",
            "density_per_cm2": 109,
            "duplicate": "1",
            "sha256": f"{2:064x}",
        },
    ]
    data = read_observations(write_run(photos), parallel())
    repeats = data.repeats[data.repeats["endpoint"] == "density_per_cm2"]
    found = {kind: rows["value"].tolist() for kind, rows in repeats.groupby("kind")}
    assert found == {"operators": [250, 254], "duplicates": [105, 109]}
    assert data.exclusions.empty
    photos_read = data.flow[data.flow["item"] == "photographs in the manifest"]
    assert photos_read["n"].tolist() == [3, 4]
    assert cell(data.observations, subject="S1", visit="24", endpoint="density_per_cm2")["value"] == 105


def test_a_photograph_that_was_blinded_twice_fails_once(write_run, parallel):
    """Both copies of bad.png failed; of 002.png only the second, so that the photograph itself was measured."""
    who = {"subject": "S5", "arm": "prp", "visit": "0", "error": "PhotoError"}
    failures = [{**who, "image": "bad.png"}, {**who, "image": "bad.png"}]
    failures.append({"image": "002.png", "subject": "S1", "arm": "placebo", "visit": "24", "error": "PhotoError"})
    run = write_run([{**photo, "duplicate": "0"} for photo in TWO], failures)
    manifest = pd.read_csv(run / "manifest.csv", dtype=str).drop_duplicates()
    manifest.to_csv(run / "manifest.csv", index=False)
    data = read_observations(run, parallel())
    flow = data.flow.set_index(["arm", "item"])["n"]
    assert flow["prp", "photographs in the manifest"] == 4
    assert flow["prp", "photographs that failed"] == 1
    assert flow["placebo", "photographs in the manifest"] == 3
    assert flow["placebo", "photographs that failed"] == 0
    assert data.failures["image"].tolist() == ["bad.png"]
    facts = facts_of(parallel(), data, "")
    assert (facts["photographs"], facts["photographs that failed"]) == ("7", "1")


def test_copies_at_one_place_and_visit_are_one_photograph(write_run, parallel):
    """They are no repeat: nothing is known of the measurement error, and the visit has one photograph."""
    photos = [*TWO, {**TWO[0], "image": "copy.png", "sha256": f"{0:064x}", "operator": "B"}]
    data = read_observations(write_run(photos), parallel())
    assert data.repeats.empty
    assert cell(data.observations, subject="S1", visit="0", endpoint="density_per_cm2")["n_photos"] == 1
    left_out = cell(data.exclusions, level="photograph")
    assert (left_out["image"], left_out["visit"]) == ("copy.png", "0")
    assert left_out["reason"] == "the same bytes as 000.png, of the same place and visit"
    assert find_warnings(data, NO_ERRORS, parallel()).empty


def test_copies_at_two_visits_count_at_the_first(write_run, parallel):
    """The baseline of S1 saved again as week 24 is no change of 0, whatever the order of the rows."""
    photos = [{**photo, "image": f"{number}.png", "sha256": f"{number}" * 64} for number, photo in enumerate(TWO)]
    photos[2] |= {"sha256": photos[0]["sha256"], "density_per_cm2": 100}
    for name, rows in (("run", photos), ("turned", photos[::-1])):
        data = read_observations(write_run(rows, name=name), parallel())
        seen = data.observations[data.observations["subject"] == "S1"]
        assert set(seen["visit"]) == {"0", "12"}
        left_out = cell(data.exclusions, level="photograph")
        assert left_out["image"] == "2.png"
        assert left_out["reason"] == "the same bytes as 0.png (subject S1, visit 0): one photograph cannot show both"
        warning = cell(find_warnings(data, NO_ERRORS, parallel()), subject="S1")
        assert warning["visit"] == "24"
        assert warning["warning"] == f"2.png was left out: {left_out['reason']}; put the manifest right"


def test_copies_at_one_visit_of_two_subjects_count_for_neither(write_run, parallel):
    photos = [*TWO, *visits("S3", "prp", (100, 110, 120), site="vertex")]
    photos[6] = {**photos[6], "sha256": f"{0:064x}"}
    data = read_observations(write_run(photos), parallel())
    reasons = data.exclusions.set_index(["level", "subject"])["reason"].to_dict()
    assert reasons["photograph", "S1"].startswith("the same bytes as 006.png (subject S3, vertex, visit 0):")
    assert reasons["photograph", "S3"].startswith("the same bytes as 000.png (subject S1, visit 0):")
    assert (reasons["subject", "S1"], reasons["subject", "S3"]) == ("no baseline", "no baseline")
    assert len(find_warnings(data, NO_ERRORS, parallel())) == 2


def test_without_sha256_nobody_is_a_copy(write_run, parallel):
    for name, photos, without in (
        ("empty", [{**photo, "sha256": ""} for photo in TWO], ()),
        ("absent", TWO, ("sha256",)),
    ):
        data = read_observations(write_run(photos, name=name, without=without), parallel())
        assert data.exclusions.empty
        assert data.photos["used"].all()


def test_an_operator_has_one_number_in_every_place(write_run, parallel):
    """B reads 4 more than A everywhere, and C only once: the difference of the operators is B less A."""
    photos = [
        {"subject": subject, "arm": arm, "visit": visit, "operator": operator, "density_per_cm2": density}
        for subject, arm, visit, readings in (
            ("S1", "placebo", "0", {"B": 104, "A": 100}),
            ("S1", "placebo", "12", {"C": 130, "B": 114}),
            ("S1", "placebo", "24", {"A": 120, "B": 124}),
            ("S2", "prp", "0", {"A": 200, "B": 204}),
        )
        for operator, density in readings.items()
    ]
    repeats = read_observations(write_run(photos), parallel()).repeats
    repeats = repeats[repeats["endpoint"] == "density_per_cm2"]
    assert repeats[["repeat", "value"]].to_numpy().tolist() == [
        *([1, 100], [2, 104]),
        *([2, 114], [3, 130]),
        *([1, 120], [2, 124]),
        *([1, 200], [2, 204]),
    ]
    row = bland_altman(repeats, alpha=0.05).iloc[0]
    assert (row["n_pairs"], row["bias"]) == (3, 4)


def test_all_problems_at_once(write_run, parallel):
    photos = [
        *TWO,
        *visits("S3", "placebo", (100, 110, 120)),
        {"subject": "S3", "arm": "prp", "visit": "24"},
        {"subject": "S4", "arm": "minoxidil", "visit": "24"},
    ]
    design = parallel(
        treatments=["prp", "exosome"],
        visits={"0": 0, "12": 12, "24": 24, "48": 48},
        covariates=["age"],
        endpoints=["terminal_fraction", "mean_width_um"],
        exclude=[{"subject": "S9", "reason": "moved"}],
    )
    with pytest.raises(TrialError) as problem:
        read_observations(write_run(photos), design)
    lines = problem.value.problems
    wanted = [
        *("minoxidil is neither", "arm exosome", "visit 48", "S3 is in the arms placebo, prp"),
        *("terminal_fraction", "S9", "covariates: age"),
    ]
    assert len(lines) == len(wanted)
    for text in wanted:
        assert sum(text in line for line in lines) == 1, text


def test_without_scale_the_message_says_how_to_give_it(write_run, parallel):
    unscaled = dict.fromkeys(["density_per_cm2", "mean_width_um", "area_cm2", "um_per_px"], "")
    photos = [{**photo, **unscaled, "flags": "scale-missing"} for photo in TWO]
    with pytest.raises(TrialError) as problem:
        read_observations(write_run(photos), parallel())
    assert len(problem.value.problems) == 1
    assert "--um-per-px" in problem.value.problems[0]
    data = read_observations(write_run(photos, name="counts"), parallel(endpoints=["hair_count"]))
    counts = data.observations[data.observations["endpoint"] == "hair_count"]
    assert (counts["value"].tolist(), counts["area_cm2"].notna().any()) == ([15] * 6, False)


@pytest.mark.parametrize("n_failed", [0, 2])
def test_all_photographs_failed(write_run, parallel, n_failed):
    failures = [{"image": f"{n}.png", "error": "PhotoError", "message": "not a picture"} for n in range(n_failed)]
    with pytest.raises(TrialError, match=r"failures\.csv"):
        read_observations(write_run([], failures), parallel())


def test_text_among_the_numbers_of_any_endpoint_is_a_problem(write_run, parallel):
    with pytest.raises(TrialError) as problem:
        read_observations(write_run([*TWO, {**TWO[0], "hairs_per_unit": "two"}]), parallel())
    assert problem.value.problems == ("images.csv line 8: hairs_per_unit is not a number",)


def test_missing_columns_are_named(write_run, parallel):
    with pytest.raises(TrialError) as problem:
        read_observations(write_run(TWO, without=("subject", "arm")), parallel())
    assert "no column subject, arm" in problem.value.problems[0]


def test_covariates_come_from_manifest_and_subjects_file(write_run, parallel, tmp_path):
    (tmp_path / "subjects.csv").write_text("subject,age\nS1,40\nS2,50\n")
    photos = [{**photo, "clinic": "north"} for photo in TWO]
    design = parallel(covariates=["age", "clinic"], subjects=str(tmp_path / "subjects.csv"))
    table = read_observations(write_run(photos), design).covariates.set_index("subject")
    assert table.loc["S2"].to_dict() == {"age": 50, "clinic": "north"}
