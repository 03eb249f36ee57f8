import csv
from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from hairscan.cli.phantom import app
from hairscan.errors import OutputError
from hairscan.phantom.trial import render_trial, site_visits
from hairscan.phantom.trial_plan import USUAL_ARMS, TrialSettings, arms_with_changes, mean_change, plan_trial
from hairscan.phantom.visits import growing_hairs

SMALL = TrialSettings(USUAL_ARMS, 4, (0, 12, 24), width_px=160, height_px=128, um_per_px=12.0)
OPTIONS = ["--width-px", "160", "--height-px", "128", "--um-per-px", "12", "--subjects", "2", "--workers", "1"]


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("trial")
    result = CliRunner().invoke(app, ["trial", "--out", str(out), "--visits", "0,24", "--seed", "4", *OPTIONS])
    assert result.exit_code == 0, result.output
    return out


def test_manifest_names_every_photograph_once_and_nothing_else(folder):
    manifest = rows(folder / "manifest.csv")
    assert list(manifest[0]) == (
        ["image", "subject", "arm", "visit", "site", "date", "um_per_px", "device", "days_since_clipping", "operator"]
    )
    assert sorted(row["image"] for row in manifest) == sorted(path.name for path in folder.glob("*.png"))
    arms = {row["subject"]: row["arm"] for row in manifest}
    assert Counter(arms.values()) == {"placebo": 2, "prp": 2, "exosome": 2}
    assert all(arms[row["subject"]] == row["arm"] for row in manifest)


def test_poor_photographs_are_what_the_truth_says_of_them(folder):
    poor = {row["image"]: row["poor"] for row in rows(folder / "truth" / "photos.csv")}
    assert Counter(poor.values()) >= Counter(["blurred", "glare", "unreadable", "no field"])
    for image, reason in poor.items():
        picture = cv2.imdecode(np.fromfile(folder / image, np.uint8), cv2.IMREAD_COLOR)
        assert (picture is None) == (reason == "unreadable")
        if picture is not None:
            assert (np.median(picture) < 20) == (reason == "no field")


def test_hairs_of_the_truth_are_in_the_photographs(folder):
    hairs = rows(folder / "truth" / "hairs.csv")
    counts = Counter(row["image"] for row in hairs if row["counted"] == "1")
    for row in rows(folder / "truth" / "photos.csv"):
        assert int(row["hair_count"]) == counts[row["image"]]
        area_cm2 = 160 * 128 * 144e-8
        assert float(row["density_per_cm2"]) == pytest.approx(counts[row["image"]] / area_cm2, abs=1e-3)
    for row in hairs:
        assert -0.5 <= float(row["root_x_px"]) <= 159.5
        assert (row["width_um"] == "") == (row["present"] == "0")
    assert {row["present"] for row in hairs} == {"0", "1"}
    keys = [(row["image"], row["hair_uid"]) for row in hairs]
    assert len(set(keys)) == len(keys)


def test_effects_are_changes_against_the_control(folder):
    effects = {(row["arm"], row["endpoint"]): row for row in rows(folder / "truth" / "effects.csv")}
    assert float(effects["exosome", "density_per_cm2"]["true_effect"]) == 20.0
    assert float(effects["prp", "mean_width_um"]["true_effect"]) == 1.0
    assert effects["placebo", "density_per_cm2"]["true_effect"] == ""
    subjects = rows(folder / "truth" / "subjects.csv")
    for arm in ("placebo", "exosome"):
        at = {
            visit: [float(r["density_per_cm2"]) for r in subjects if (r["arm"], r["visit"]) == (arm, visit)]
            for visit in ("0", "24")
        }
        drawn = float(effects[arm, "density_per_cm2"]["subjects_mean_change"])
        assert drawn == pytest.approx(np.mean(at["24"]) - np.mean(at["0"]), abs=2e-3)


def test_a_trial_is_the_same_whatever_the_number_of_processes(tmp_path):
    settings = replace(SMALL, subjects=2, weeks=(0, 12))
    sites = plan_trial(settings)[:3]
    truths = [list(render_trial(settings, sites, tmp_path / str(n), workers=n)) for n in (1, 2)]
    assert [t.visits for t in truths[0]] == [t.visits for t in truths[1]]
    names = sorted(path.name for path in (tmp_path / "1").iterdir())
    assert len(names) == sum(len(site.photos) for site in sites)
    for name in names:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_drawn_sites_change_as_their_arms_do_on_average():
    settings = replace(SMALL, subjects=24, width_px=400, height_px=300)
    changes = {arm.name: [] for arm in USUAL_ARMS}
    for plan in plan_trial(settings):
        scenes = site_visits(settings, plan)
        for scene, density in zip(scenes, plan.density_per_cm2, strict=True):
            assert abs(len(growing_hairs(scene)) - density * scene.area_cm2) <= 1
        widths = [np.mean([hair.width_um.mean() for hair in growing_hairs(scene)]) for scene in scenes]
        density = [len(growing_hairs(scene)) / scene.area_cm2 for scene in scenes]
        changes[plan.arm.name].append((density[-1] - density[0], widths[-1] - widths[0]))
    for arm in USUAL_ARMS:
        values = np.array(changes[arm.name])
        standard_error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
        np.testing.assert_array_less(
            np.abs(values.mean(axis=0) - mean_change(arm, settings.weeks, 2)), 3.5 * standard_error
        )


def test_planned_changes_spread_and_correlate_as_documented():
    sites = plan_trial(replace(SMALL, subjects=400))
    densities = np.array([site.density_per_cm2 for site in sites if site.arm.name == "prp"])
    assert densities[:, 0].std() == pytest.approx(40, rel=0.1)
    changes = densities[:, 1:] - densities[:, :1]
    np.testing.assert_allclose(changes.std(axis=0), 10, rtol=0.1)
    assert np.corrcoef(changes.T)[0, 1] == pytest.approx(0.6, abs=0.1)
    widths = np.array([site.width_change_um[2] for site in sites if site.arm.name == "prp"])
    assert (widths.mean(), widths.std()) == pytest.approx((1.0, 1.0), abs=0.15)


def test_some_leave_and_some_are_photographed_twice():
    sites = plan_trial(replace(SMALL, subjects=12))
    visits = [max(photo.visit for photo in site.photos) for site in sites]
    assert Counter(visits)[2] == 36 - 3
    twice = [[photo for photo in site.photos if photo.visit == 0] for site in sites]
    pairs = [photos for photos in twice if len(photos) == 2]
    assert len(pairs) == 18
    assert sum(one.operator == two.operator for one, two in pairs) == 9
    assert all(one.day == two.day for one, two in pairs)


def test_sides_of_a_split_scalp_get_either_arm():
    sites = plan_trial(TrialSettings(USUAL_ARMS[:2], 6, (0, 24), layout="split-scalp"))
    assert len(sites) == 12
    by_subject = {}
    for site in sites:
        by_subject.setdefault(site.subject, {})[site.side] = site.arm.name
    assert all(sorted(sides.values()) == ["placebo", "prp"] for sides in by_subject.values())
    assert Counter(sides["left"] for sides in by_subject.values()) == {"placebo": 3, "prp": 3}


def test_split_scalp_manifest_has_sides(tmp_path):
    out = tmp_path / "split"
    arguments = ["trial", "--out", str(out), "--arms", "placebo,prp", "--visits", "0,12", "--layout", "split-scalp"]
    result = CliRunner().invoke(app, [*arguments, *OPTIONS])
    assert result.exit_code == 0, result.output
    manifest = rows(out / "manifest.csv")
    assert {row["side"] for row in manifest} == {"left", "right"}
    assert len({row["image"] for row in manifest}) == len(manifest)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--arms", "placebo,water"], "water"),
        (["--arms", "placebo"], "two arms"),
        (["--arms", "a,a", "--density-change", "1,2", "--width-change", "0,0"], "its own name"),
        (["--visits", "12,0"], "in time"),
        (["--density-change", "5,15"], "as many changes"),
        (["--layout", "split-scalp"], "two arms"),
        (["--layout", "crossover"], "crossover"),
    ],
)
def test_impossible_trials_are_refused_before_anything_is_drawn(options, words, tmp_path):
    result = CliRunner().invoke(app, ["trial", "--out", str(tmp_path / "no"), *options], env={"COLUMNS": "400"})
    assert result.exit_code == 2
    assert words in result.output
    assert not (tmp_path / "no").exists()


def test_changes_given_take_the_place_of_the_usual_ones():
    arms = arms_with_changes(["vehicle", "x"], [1.0, 2.0], [0.0, 0.5])
    assert [arm.name for arm in arms] == ["vehicle", "x"]
    assert mean_change(arms[1], (0, 10, 20), 1) == (1.0, 0.25)
    assert arms_with_changes(["prp", "placebo"], width_changes_um=[0.0, 0.0])[0].density_change_per_cm2 == 15.0
    assert arms_with_changes(["prp", "placebo"], [0.0, 0.0])[0].width_change_um == 1.0


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="name another folder"):
        list(render_trial(SMALL, plan_trial(SMALL)[:1], tmp_path / "file"))
