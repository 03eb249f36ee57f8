import csv
import io
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from hairscan.errors import ScaleError, VisitError
from hairscan.phantom import render_scene, sample_scene
from hairscan.phantom.regrowth import grow_on
from hairscan.report.growth import draw_growth
from hairscan.visits import compare_visits
from hairscan.visits.elongation import Elongation, measure_elongations
from hairscan.visits.growth import HOLDS_THRESHOLD, NOT_MATCHED, SHRUNK, TOO_FAST, Phase, measure_growth
from hairscan.visits.growth_files import growth_csv, growth_json, growth_refusal_json
from hairscan.visits.matching import Status
from hairscan.visits.plane import similarity

from .conftest import SIZE_PX, UM_PER_PX

HOURS = 60.0


@pytest.fixture(scope="module")
def grown():
    """A clipped site that grew, and its two photographs: the same skin, the camera moved by some pixels."""
    width, height = (side + 160 for side in SIZE_PX)
    scene = sample_scene(
        "clipped", np.random.default_rng(31), width_px=width, height_px=height, um_per_px=UM_PER_PX, density_per_cm2=110
    )
    look = replace(scene.look, graphics=(), bubbles=0, ink=0, glare=0, flakes=0, lens_radius=0.0, vignette=0.0)
    scene = replace(scene, hairs=tuple(hair for hair in scene.hairs if not hair.loose), look=look)
    site = grow_on(scene, np.random.default_rng(5), hours=HOURS, clipped_um=400.0, um_per_day=250.0, telogen_share=0.35)
    pictures = [render_scene(one, np.random.default_rng(6)).rgb for one in (site.first, site.second)]
    first = pictures[0][80 : 80 + SIZE_PX[1], 80 : 80 + SIZE_PX[0]]
    second = pictures[1][92 : 92 + SIZE_PX[1], 71 : 71 + SIZE_PX[0]]
    return site, np.ascontiguousarray(first), np.ascontiguousarray(second)


@pytest.fixture(scope="module")
def comparison(grown, look):
    return compare_visits(look(grown[1]), look(grown[2]))


@pytest.fixture(scope="module")
def growth(comparison):
    return measure_growth(comparison, hours=HOURS)


def true_um_per_day(site, hair):
    """Rate of the true hair whose root is nearest; NaN where two are near."""
    hairs = list(site.first.hairs)
    roots = np.array([one.path_um[0] for one in hairs]) / UM_PER_PX - 0.5 - 80
    away = np.hypot(*(roots - hair.baseline.root_xy).T)
    order = np.argsort(away)
    return site.um_per_day[hairs[order[0]].uid] if away[order[0]] < 12 < away[order[1]] else np.nan


def test_elongations_are_right_within_their_errors_and_phases_are_true(grown, growth):
    errors, z, seen = [], [], set()
    for hair, found in zip(growth.comparison.hairs, growth.hairs, strict=True):
        rate = np.nan if hair.baseline is None else true_um_per_day(grown[0], hair)
        if found.phase in (None, Phase.UNDECIDED) or np.isnan(rate):
            continue
        assert found.phase is (Phase.ANAGEN if rate > 0 else Phase.TELOGEN)
        seen.add(found.phase)
        if np.isfinite(found.um_per_day):
            errors.append(found.elongation.elongation_um - rate * HOURS / 24)
            z.append(errors[-1] / found.elongation.se_um)
    assert len(errors) >= 5
    assert seen == {Phase.ANAGEN, Phase.TELOGEN}
    assert np.median(np.abs(errors)) < 5.0
    assert np.max(np.abs(z)) < 4.0


def test_a_hair_that_grew_out_of_the_picture_is_anagen_without_a_rate(growth):
    out = [one for one in growth.hairs if one.phase is Phase.ANAGEN and one.reason]
    assert out
    for one in out:
        assert one.reason.startswith("followup-")
        assert np.isnan(one.um_per_day)
        assert one.elongation.least_um > 100.0 * HOURS / 24


def test_the_table_has_a_row_for_every_hair_and_states_the_threshold(growth):
    rows = list(csv.DictReader(io.StringIO(growth_csv(growth).decode())))
    assert len(rows) == len(growth.hairs)
    names = ["length_baseline_um", "length_followup_um", "elongation_um", "elongation_se_um"]
    names += ["growth_um_per_day", "growth_se_um_per_day", "phase", "reason", "telogen_um_per_day"]
    assert list(rows[0])[-9:] == names
    assert next(iter(rows[0])) == "status"
    for row in rows:
        assert float(row["telogen_um_per_day"]) == 100.0
        assert bool(row["elongation_um"]) == bool(row["growth_um_per_day"]) == bool(row["elongation_se_um"])
        if row["elongation_um"]:
            length = float(row["length_followup_um"]) - float(row["length_baseline_um"])
            assert float(row["elongation_um"]) == pytest.approx(length, abs=0.02)


def test_the_document_holds_parameters_counts_and_intervals(growth, comparison):
    document = json.loads(growth_json(growth))
    assert (document["refused"], document["hours"], document["telogen_um_per_day"]) == (None, HOURS, 100.0)
    found = document["growth"]
    assert found["anagen"] + found["telogen"] + found["undecided"] == sum(one.phase is not None for one in growth.hairs)
    assert sum(found["undecided_reasons"].values()) == found["undecided"]
    assert document["matched"] == comparison.number(Status.MATCHED)
    share = found["anagen_share"]
    assert share["low_if_undecided_telogen"] < share["low"] < share["value"] < share["high"]
    assert json.loads(growth_refusal_json("a", "b", 48.0, 90.0, "because"))["refused"] == "because"


def test_the_picture_shows_both_photographs_and_every_phase(growth, comparison):
    picture = draw_growth(growth)
    assert picture.shape[1] > 2 * picture.shape[0] * SIZE_PX[0] / SIZE_PX[1] * 0.7
    for colour in ((0, 200, 120), (255, 140, 0), (225, 225, 225)):
        assert (picture[: SIZE_PX[1]] == colour).all(axis=2).any()


def test_another_threshold_makes_other_phases(comparison, growth):
    lenient = measure_growth(comparison, hours=HOURS, telogen_um_per_day=700.0)
    assert lenient.telogen_um_per_day == 700.0
    assert lenient.number(Phase.TELOGEN) > growth.number(Phase.TELOGEN)
    assert lenient.number(Phase.ANAGEN) < growth.number(Phase.ANAGEN)


def with_elongations(monkeypatch, comparison, elongations):
    """Growth of a comparison whose matched hairs have these elongations, one after the other."""
    matched = [hair for hair in comparison.hairs if hair.status is Status.MATCHED][: len(elongations)]
    hairs = (*matched, *(hair for hair in comparison.hairs if hair.status is not Status.MATCHED))
    shown = replace(comparison, hairs=hairs, widths=comparison.widths[: len(hairs)])
    told = [*elongations, *[None] * (len(hairs) - len(matched))]
    monkeypatch.setattr("hairscan.visits.growth.measure_elongations", lambda *_: told)
    return measure_growth(shown, hours=48.0)


def test_the_intervals_of_the_rates_widen_with_the_doubt_of_the_scale(monkeypatch, comparison):
    elongations = [Elongation(400, 400 + more, more, 5, more) for more in (640, 660, 650, 655)]
    doubtful = replace(comparison, scale=replace(comparison.scale, sd=0.05 * UM_PER_PX))
    sure, unsure = (with_elongations(monkeypatch, one, elongations).mean_um_per_day for one in (comparison, doubtful))
    assert (sure.hairs, unsure.um_per_day) == (4, sure.um_per_day)
    assert sure.high_um_per_day - sure.um_per_day < 10.0
    assert unsure.high_um_per_day - unsure.um_per_day == pytest.approx(1.96 * 0.05 * unsure.um_per_day, rel=0.05)


def test_the_intervals_of_the_rates_widen_with_the_doubt_of_the_enlargement(monkeypatch, comparison):
    sure = [Elongation(400, 400 + more, more, 5, more) for more in (640, 660, 650, 655)]
    unsure = [replace(one, enlargement_se_um=0.03 * one.length_followup_um) for one in sure]
    one, other = (with_elongations(monkeypatch, comparison, told).mean_um_per_day for told in (sure, unsure))
    common = 1.96 * 0.03 * (400 + 651.25) / 2
    assert other.um_per_day == one.um_per_day
    expected = np.hypot(one.high_um_per_day - one.um_per_day, common)
    assert other.high_um_per_day - other.um_per_day == pytest.approx(expected, rel=1e-3)


def test_every_elongation_tells_what_the_enlargement_adds_to_its_error(growth):
    for one in (hair.elongation for hair in growth.hairs if np.isfinite(hair.um_per_day)):
        assert 0 < one.enlargement_se_um < one.se_um
        assert one.enlargement_se_um < 0.02 * one.length_followup_um


@pytest.mark.parametrize(
    ("elongation", "phase", "reason"),
    [
        (Elongation(400, 1000, 600, 10, 600), Phase.ANAGEN, ""),
        (Elongation(400, 410, 10, 10, 10), Phase.TELOGEN, ""),
        (Elongation(400, 610, 210, 10, 210), Phase.UNDECIDED, HOLDS_THRESHOLD),
        (Elongation(400, 330, -70, 10, -70), Phase.UNDECIDED, SHRUNK),
        (Elongation(400, 370, -30, 5, -30), Phase.TELOGEN, ""),
        (Elongation(400, 2300, 1900, 10, 1900), Phase.UNDECIDED, TOO_FAST),
        (Elongation(400, se_um=10, least_um=300, reason="followup-tip-outside"), Phase.ANAGEN, "followup-tip-outside"),
        (Elongation(400, se_um=10, least_um=150, reason="followup-tip-hidden"), Phase.UNDECIDED, "followup-tip-hidden"),
        (Elongation(reason="baseline-tip-hidden"), Phase.UNDECIDED, "baseline-tip-hidden"),
    ],
)
def test_phases_follow_the_interval_of_the_rate(monkeypatch, comparison, elongation, phase, reason):
    found = with_elongations(monkeypatch, comparison, [elongation]).hairs[0]
    assert (found.phase, found.reason) == (phase, reason)
    assert np.isfinite(found.um_per_day) == np.isfinite(elongation.elongation_um)


def test_hairs_that_are_not_matched_have_no_rate_and_lost_ones_no_phase(monkeypatch, comparison):
    matched = next(hair for hair in comparison.hairs if hair.status is Status.MATCHED)
    hairs = (replace(matched, status=Status.UNDECIDED), replace(matched, status=Status.LOST))
    monkeypatch.setattr("hairscan.visits.growth.measure_elongations", lambda *_: [None, None])
    found = measure_growth(replace(comparison, hairs=hairs), hours=48.0)
    assert [(one.phase, one.reason) for one in found.hairs] == [(Phase.UNDECIDED, NOT_MATCHED), (None, "")]
    assert found.anagen_share.value is None


@pytest.mark.parametrize("hours", [0.0, 11.9, 121.0, 700.0, float("nan")])
def test_another_time_than_that_of_a_growth_pair_is_refused(comparison, hours):
    with pytest.raises(VisitError, match="12 to 120"):
        measure_growth(comparison, hours=hours)


@pytest.mark.parametrize("threshold", [0.0, -5.0, 900.0])
def test_a_threshold_that_parts_nothing_is_refused(comparison, threshold):
    with pytest.raises(VisitError, match="telogen-um-per-day"):
        measure_growth(comparison, hours=48.0, telogen_um_per_day=threshold)


def test_without_a_scale_growth_is_refused(comparison):
    with pytest.raises(ScaleError, match="um-per-px"):
        measure_growth(replace(comparison, scale=None), hours=48.0)


def test_a_site_that_was_clipped_in_between_is_refused(monkeypatch, comparison):
    shorter = [Elongation(900, 400, -500, 8, -500)] * 3 + [Elongation(400, 402, 2, 8, 2)] * 2
    with pytest.raises(VisitError, match=r"3 of 5 hairs are shorter in the second"):
        with_elongations(monkeypatch, comparison, shorter)


def test_hairs_that_were_never_clipped_are_refused(monkeypatch, comparison):
    outside = [Elongation(reason="baseline-tip-outside")] * 4 + [Elongation(400, 900, 500, 8, 500)]
    with pytest.raises(VisitError, match=r"tips of 4 of 5 hairs"):
        with_elongations(monkeypatch, comparison, outside)


def test_a_pair_of_photographs_of_another_zoom_gives_the_same_elongations(grown, comparison, look):
    matrix = similarity(1.05, 0.06, np.zeros(2), np.array([18.0, -30.0]))
    zoomed = cv2.warpPerspective(grown[2], matrix, SIZE_PX, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    other = compare_visits(comparison.baseline, look(zoomed))
    rates = [
        {
            hair.baseline.hair_id: one.elongation_um
            for hair, one in zip(pair.hairs, measure_elongations(pair, UM_PER_PX), strict=True)
            if one is not None and np.isfinite(one.elongation_um)
        }
        for pair in (comparison, other)
    ]
    both = rates[0].keys() & rates[1].keys()
    assert len(both) >= 4
    assert np.median([abs(rates[0][key] - rates[1][key]) for key in both]) < 8.0
